import { assertEquals } from "@std/assert";
import { keepAncestor } from "../../../src/core/keep_ancestor.ts";
import { directory, file, path } from "../../support/trees.ts";
import { contentsOf } from "../../support/two_way_model.ts";

const old = file({ digest: "old" });
const fresh = file({ digest: "new" });
const edit = file({ digest: "edit" });

Deno.test("keepAncestor() holds on to the old state where a change failed", () => {
  const before = directory({ a: old, d: directory({ x: old }) });
  const agreed = directory({
    a: fresh,
    d: directory({ x: old, y: old }),
    n: old,
  });
  const kept = keepAncestor(agreed, before, [
    { path: path("a"), old: old, new: fresh },
    { path: path("d/y"), old: undefined, new: old },
    { path: path("n"), old: undefined, new: old },
  ]);
  assertEquals(contentsOf(kept), contentsOf(before));
});

Deno.test("keepAncestor() keeps a new directory of which only the time failed", () => {
  const agreed = directory({ d: directory({ y: old }) });
  const touched = directory();
  const kept = keepAncestor(agreed, undefined, [
    { path: path("d"), old: touched, new: { ...touched, mtime: 5 } },
  ]);
  assertEquals(contentsOf(kept), contentsOf(agreed));
});

Deno.test("keepAncestor() forgets a directory that could not be made", () => {
  const before = directory({ d: directory({ x: old, y: old }) });
  const pruned = directory({ y: edit });
  const agreed = directory({ d: pruned });
  const kept = keepAncestor(agreed, before, [
    { path: path("d"), old: undefined, new: pruned },
  ]);
  assertEquals(contentsOf(kept), contentsOf(before));
});
