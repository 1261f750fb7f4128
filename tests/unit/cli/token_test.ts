import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { tokenOf } from "../../../src/cli/commands/token.ts";
import { readTokenFile } from "../../../src/cli/commands/token_file.ts";
import { UsageError } from "../../../src/errors.ts";
import { test } from "../../support/needs.ts";
import { TempDir } from "../../support/temp.ts";

const NONE = { token: undefined, tokenFile: undefined };

function environment(value?: string): { get(): string | undefined } {
  return { get: () => value };
}

Deno.test("tokenOf() takes an option before the environment", async () => {
  await using temp = new TempDir();
  const tokenFile = temp.at("token");
  Deno.writeTextFileSync(tokenFile, "file\n", { mode: 0o600 });
  const variable = environment("variable");
  assertEquals(tokenOf(NONE, environment()), undefined);
  assertEquals(tokenOf(NONE, variable), "variable");
  assertEquals(tokenOf({ ...NONE, token: "option" }, variable), "option");
  assertEquals(tokenOf({ ...NONE, tokenFile }, variable), "file");
});

Deno.test("tokenOf() refuses a variable that was to hold a token, and does not show it", () => {
  for (const value of ["", "my secret", "secret\n", "sécret"]) {
    const error = assertThrows(
      () => tokenOf(NONE, environment(value)),
      UsageError,
      "LOCKSTEP_TOKEN",
    );
    assertEquals(/s.?cret/.test(error.message), false, error.message);
  }
});

Deno.test("K09: readTokenFile() reads a token without line ends and a byte order mark", async () => {
  await using temp = new TempDir();
  const path = temp.at("token");
  const longest = "x".repeat(1024);
  for (
    const [text, token] of [
      ["secret", "secret"],
      ["secret\n", "secret"],
      ["secret\r\n", "secret"],
      ["\ufeffsecret\n\n", "secret"],
      [`\ufeff${longest}\r\n`, longest],
    ] as const
  ) {
    Deno.writeTextFileSync(path, text, { mode: 0o600 });
    assertEquals(readTokenFile(path), token);
  }
});

Deno.test("K09: readTokenFile() refuses what is no token, and does not show it", async () => {
  await using temp = new TempDir();
  const path = temp.at("token");
  const cases: [content: string | Uint8Array, reason: string][] = [
    ["", "is empty; put a token in it: openssl rand -hex 32 > "],
    ["\n", "is empty"],
    ["\ufeff", "is empty"],
    ["secret secret", "holds no token: 1 to 1024 printable ASCII"],
    ["secret\nsecret\n", "holds no token"],
    [" secret", "holds no token"],
    ["sécret", "holds no token"],
    ["x".repeat(1025), "holds no token"],
    ["x".repeat(100_000), "holds no token"],
    [Uint8Array.of(0xff, 0xfe, 0x73, 0, 0x65, 0), "holds no token"],
  ];
  for (const [content, reason] of cases) {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    Deno.writeFileSync(path, bytes, { mode: 0o600 });
    const error = assertThrows(() => readTokenFile(path), UsageError, reason);
    assertStringIncludes(error.message, path);
    assertEquals(/s.?cret|xxx/.test(error.message), false, error.message);
  }
});

test(
  "K09: readTokenFile() refuses a file that others can get at, and says what to do",
  [
    "modes",
    "symlinks",
  ],
  async () => {
    await using temp = new TempDir();
    const path = temp.at("token");
    Deno.writeTextFileSync(path, "secret\n");
    for (const mode of [0o644, 0o640, 0o620, 0o604, 0o602, 0o610, 0o777]) {
      Deno.chmodSync(path, mode);
      assertThrows(() => readTokenFile(path), UsageError, `chmod 600 ${path}`);
    }
    for (const mode of [0o600, 0o400]) {
      Deno.chmodSync(path, mode);
      assertEquals(readTokenFile(path), "secret");
    }
    const uid = Deno.uid()! + 1;
    assertThrows(
      () => readTokenFile(path, uid),
      UsageError,
      `belongs to another user; mend it with: chown ${uid} ${path}`,
    );
    const cases: [path: string, reason: string][] = [
      [temp.at("link"), "it is a symbolic link"],
      [temp.path, "it is no file"],
      [temp.at("missing"), "there is no such file"],
      [`${path}/below`, "there is no such file"],
      ["/dev/null", "it is no file"],
    ];
    Deno.symlinkSync(path, temp.at("link"));
    for (const [path, reason] of cases) {
      assertThrows(() => readTokenFile(path), UsageError, reason);
    }
  },
);

test("K09: readTokenFile() does not wait for a pipe", ["mkfifo"], async () => {
  await using temp = new TempDir();
  const path = temp.at("pipe");
  new Deno.Command("mkfifo", { args: ["-m", "600", path] }).outputSync();
  assertThrows(() => readTokenFile(path), UsageError, "it is no file");
});
