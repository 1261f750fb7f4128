import { assertEquals } from "@std/assert";
import {
  MAX_NAME_BYTES,
  nameOf,
  parseRelPath,
} from "../../../src/core/path.ts";
import { conflictCopyOf } from "../../../src/hub/conflict_copy.ts";

Deno.test("a conflict copy is a valid name, however long the file's is", () => {
  const copy = (path: string, attempt = 0): string =>
    conflictCopyOf(parseRelPath(path), 7, attempt);
  assertEquals(copy("docs/plan.txt"), "docs/plan (conflict 7).txt");
  assertEquals(copy("plan.txt", 2), "plan (conflict 7-2).txt");
  assertEquals(copy(".profile"), ".profile (conflict 7)");
  for (
    const long of [
      "ü".repeat(510),
      `${"x".repeat(900)}.${"y".repeat(90)}`,
      `x.${"y".repeat(1000)}`,
    ]
  ) {
    const name = nameOf(conflictCopyOf(parseRelPath(`d/${long}`), 7, 0));
    const bytes = new TextEncoder().encode(name).length;
    assertEquals(bytes <= MAX_NAME_BYTES, true, name);
    assertEquals(name.includes("(conflict 7)"), true, name);
  }
});
