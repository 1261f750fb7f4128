import { assertEquals } from "@std/assert";
import { rangeOf } from "../../../src/hub/range.ts";

const RANGES: [string | undefined, number, ReturnType<typeof rangeOf>][] = [
  [undefined, 10, undefined],
  ["bytes=0-0", 10, { start: 0, end: 1 }],
  ["bytes=2-", 10, { start: 2, end: 10 }],
  ["bytes=2-99", 10, { start: 2, end: 10 }],
  ["bytes=-3", 10, { start: 7, end: 10 }],
  ["bytes=-99", 10, { start: 0, end: 10 }],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=5-2", 10, undefined],
  ["bytes=-", 10, undefined],
  ["bytes=0-1,3-4", 10, undefined],
  ["lines=0-1", 10, undefined],
  ["bytes=1e3-", 10, undefined],
  [`bytes=${"9".repeat(40)}-`, 10, undefined],
];

Deno.test("rangeOf() reads one range, and takes anything else for none", () => {
  for (const [header, size, expected] of RANGES) {
    assertEquals(rangeOf(header, size), expected, header);
  }
});
