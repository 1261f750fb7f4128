import { assertEquals, assertThrows } from "@std/assert";
import { UnsafePathError } from "../../../src/errors.ts";
import { HttpProblem } from "../../../src/hub/problem.ts";
import {
  checkReplacedPath,
  pathInUrl,
  rawPathOf,
} from "../../../src/hub/request_path.ts";

Deno.test("paths in addresses are decoded once, and checked as all others", () => {
  const path = (raw: string): string =>
    pathInUrl(`http://hub:1/files/${raw}?x=/../y`, "/files/");
  assertEquals(path("a/b%20c.txt"), "a/b c.txt");
  assertEquals(path("a%2Fb"), "a/b");
  assertEquals(path("%252e%252e/x"), "%2e%2e/x");
  assertEquals(path("a%5Cb"), "a\\b");
  assertEquals(path("__proto__"), "__proto__");
  for (
    const hostile of [
      ...[
        "",
        "/",
        "/etc/x",
        "//x",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "%2e%2e%2fx",
      ],
      ...[
        "%2e%2e/x",
        "a//b",
        "a/./b",
        ".",
        "a/",
        "%2Fx",
        "a%00b",
        ".lockstep/x",
      ],
      ...[".lockstep", "a%2F%2e%2e%2Fb", "x".repeat(1021)],
    ]
  ) assertThrows(() => path(hostile), UnsafePathError, undefined, hostile);
  // Neither half of a character, nor a longer form of one, nor half a percent.
  for (const hostile of ["%ff", "%c0%af", "%ed%a0%80", "%", "%zz"]) {
    assertThrows(() => path(hostile), HttpProblem, undefined, hostile);
  }
  assertThrows(() => checkReplacedPath("a\ufffd"), UnsafePathError);
  assertEquals(rawPathOf("http://h:1/a/../b?c#d"), "/a/../b");
  assertEquals(rawPathOf("http://h:1"), "/");
});
