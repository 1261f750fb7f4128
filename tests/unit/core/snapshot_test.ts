import { assertEquals, assertStrictEquals } from "@std/assert";
import { entryAt } from "../../../src/core/snapshot.ts";
import { directory, file, path, symlink } from "../../support/trees.ts";

Deno.test("entryAt() finds an entry, or nothing, but never through a link", () => {
  const leaf = file();
  const tree = directory({
    a: directory({ b: leaf }),
    l: symlink("a"),
    ["__proto__x"]: leaf,
  });
  assertStrictEquals(entryAt(tree, path("")), tree);
  assertStrictEquals(entryAt(tree, path("a/b")), leaf);
  for (const absent of ["c", "a/c", "a/b/c", "l/b", "__proto__", "toString"]) {
    assertEquals(entryAt(tree, path(absent)), undefined, absent);
  }
});
