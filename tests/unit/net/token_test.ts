import { assertEquals, assertThrows } from "@std/assert";
import { bearer, isToken, TokenCheck } from "../../../src/net/token.ts";

const LONGEST = "x".repeat(1024);

Deno.test("isToken() takes printable ASCII without blanks", () => {
  const good = ["a", "~!", "a-b_c.d/e+f=", LONGEST];
  const bad = [
    "",
    " ",
    "a b",
    "a\t",
    "a\n",
    "ü",
    "a\0",
    "a\x7f",
    `${LONGEST}x`,
  ];
  for (const text of good) assertEquals(isToken(text), true, text);
  for (const text of bad) assertEquals(isToken(text), false, text);
  for (const text of bad) assertThrows(() => new TokenCheck(text), TypeError);
});

Deno.test("C01: only the right token is right, as one word after Bearer", () => {
  const check = new TokenCheck("s3cret");
  const cases: [header: string | null, verdict: string][] = [
    ["Bearer s3cret", "right"],
    ["bearer s3cret", "right"],
    [bearer("s3cret"), "right"],
    [null, "missing"],
    ["", "missing"],
    ["Bearer", "wrong"],
    ["Bearer ", "wrong"],
    ["Bearer s3cre", "wrong"],
    ["Bearer s3cret2", "wrong"],
    ["Bearer S3CRET", "wrong"],
    ["Bearer  s3cret", "wrong"],
    ["Bearer s3cret ", "wrong"],
    ["Bearer s3 cret", "wrong"],
    ["Bearer s3cret, Bearer s3cret", "wrong"],
    ["Basic s3cret", "wrong"],
    ["s3cret", "wrong"],
    ["Bearer s3crét", "wrong"],
    [`Bearer ${LONGEST}x`, "wrong"],
    [`Bearer ${"x".repeat(1024 * 1024)}`, "wrong"],
  ];
  for (const [header, verdict] of cases) {
    assertEquals(check.judge(header), verdict, String(header?.slice(0, 40)));
  }
  assertEquals(new TokenCheck(LONGEST).judge(bearer(LONGEST)), "right");
});
