import { assertEquals } from "@std/assert";
import { afterBreak, announcedOf } from "../../../src/core/announced.ts";
import type { RelPath } from "../../../src/core/path.ts";
import { directory, file } from "../../support/trees.ts";

const d = "d" as RelPath;
const old = file({ mtime: 1 });
const now = file({ mtime: 2 });

Deno.test("announcedOf() names what takes something away, at its side", () => {
  const touched = { ...old, mode: 0o600 };
  const announced = announcedOf(directory({ d: old, touched: old }), {
    alpha: [
      { path: d, old, new: undefined },
      { path: "made" as RelPath, old: undefined, new: now },
      { path: "touched" as RelPath, old, new: touched },
    ],
    beta: [{ path: d, old, new: now }],
  });
  assertEquals(announced, [
    { side: "alpha", path: d, new: undefined },
    { side: "beta", path: d, new: now },
  ]);
});

Deno.test("announcedOf() names what comes back, and of a directory what was in it", () => {
  const ancestor = directory({ f: old, d: directory({ f: old, gone: old }) });
  const back = directory({ f: now, new: now });
  const announced = announcedOf(ancestor, {
    alpha: [
      { path: "f" as RelPath, old: undefined, new: now },
      { path: d, old: undefined, new: back },
    ],
    beta: [],
  });
  assertEquals(announced, [
    { side: "alpha", path: "f" as RelPath, new: now },
    { side: "alpha", path: "d/f" as RelPath, new: now },
  ]);
});

/** What the ancestor has at `d`, which was `old`, after alpha was found with `there`. */
function after(
  wanted: typeof old | undefined,
  there: typeof old | undefined,
): unknown {
  const ancestor = directory({ a: old, d: old });
  const alpha = directory(
    there === undefined ? { a: old } : { a: old, d: there },
  );
  const beta = directory({ a: old, d: old });
  const announced = [{ side: "alpha", path: d, new: wanted }] as const;
  const { children } = afterBreak(ancestor, announced, { alpha, beta });
  assertEquals(children.get("a" as never), old);
  return children.get("d" as never);
}

Deno.test("afterBreak() agrees on what was done", () => {
  assertEquals(after(undefined, undefined), undefined);
  assertEquals(after(now, now), now);
});

Deno.test("afterBreak() leaves what was not done as it was", () => {
  assertEquals(after(undefined, old), old);
  assertEquals(after(now, old), old);
});

Deno.test("afterBreak() knows nothing of what is something else by now", () => {
  const other = file({ mtime: 3 });
  assertEquals(after(undefined, other), undefined);
  assertEquals(after(now, other), undefined);
  assertEquals(after(now, undefined), undefined);
});
