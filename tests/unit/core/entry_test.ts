import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  isTracked,
  isWhollyTracked,
  withoutUntracked,
} from "../../../src/core/entry.ts";
import {
  digested,
  directory,
  file,
  problem,
  symlink,
  untracked,
} from "../../support/trees.ts";

Deno.test("isWhollyTracked() finds what is left alone at any depth", () => {
  const clean = directory({ a: file(), b: directory({ c: symlink("x") }) });
  assertEquals(isWhollyTracked(clean), true);
  for (const entry of [untracked(), problem()]) {
    assertEquals(isTracked(entry), false);
    assertEquals(isWhollyTracked(entry), false);
    const holder = directory({ b: directory({ c: directory({ d: entry }) }) });
    assertEquals(isWhollyTracked(holder), false);
  }
});

Deno.test("withoutUntracked() keeps an entry as it is where nothing goes", () => {
  const clean = digested(directory({ a: file(), b: directory() }));
  assertStrictEquals(withoutUntracked(clean), clean);
  const link = symlink("x");
  assertStrictEquals(withoutUntracked(link), link);
});

Deno.test("withoutUntracked() drops the digests that are no longer true", () => {
  const kept = digested(directory({ f: file() }));
  const tree = digested(directory({
    kept,
    cut: directory({ fifo: untracked(), broken: problem(), f: file() }),
  }));
  const result = withoutUntracked(tree);
  assertEquals(
    result,
    directory({ kept, cut: directory({ f: file() }) }),
  );
});
