/** Generators of trees for fast-check, which prints the seed of a failure. */
import fc from "fast-check";
import type { DirectoryEntry, Entry } from "../../src/core/entry.ts";
import { sortChildren } from "../../src/core/entry.ts";
import type { Name } from "../../src/core/path.ts";
import { directory, file, problem, symlink, untracked } from "./trees.ts";

/** How many cases a property is checked with; more with LOCKSTEP_RUNS. */
export const RUNS = Number(Deno.env.get("LOCKSTEP_RUNS") ?? 2_000);

/** Few values, so that two trees often agree. */
const names = fc.constantFrom("a", "b", "c", "Ä", "__proto__");
const mtimes = fc.constantFrom(-1_000, 0, 5);
const modes = fc.constantFrom(0o644, 0o755);
const contents = fc.constantFrom("0".repeat(64), "1".repeat(64), undefined);

const leaves: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 6, arbitrary: fileWith(contents) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom("x", "../y"), mtimes)
      .map(([target, mtime]) => symlink(target, mtime)),
  },
  { weight: 1, arbitrary: fc.constant(untracked()) },
  { weight: 1, arbitrary: fc.constant(problem()) },
);

const { root } = fc.letrec<{ entry: Entry; root: DirectoryEntry }>((tie) => ({
  entry: fc.oneof({ depthSize: "small" }, leaves, tie("root")),
  root: fc.record({
    children: fc.dictionary(names, tie("entry"), { maxKeys: 4 }),
    mode: modes,
    mtime: mtimes,
  }).map(({ children, mode, mtime }) => directory(children, { mode, mtime })),
}));

/** Any tree. */
export const tree: fc.Arbitrary<DirectoryEntry> = root;

/** One edit of a tree: what shall be at a path; undefined is nothing. */
const edit = fc.record({
  at: fc.array(names, { minLength: 1, maxLength: 3 }),
  entry: fc.option(fc.oneof(leaves, tree), { nil: undefined, freq: 3 }),
});

/** One tree, altered twice: the sides overlap as real ones do. */
export const twoTrees: fc.Arbitrary<[DirectoryEntry, DirectoryEntry]> = fc
  .tuple(
    tree,
    fc.array(edit, { maxLength: 3 }),
    fc.array(edit, { maxLength: 3 }),
  )
  .map((
    [tree, one, two],
  ) => [one.reduce(edited, tree), two.reduce(edited, tree)]);

function fileWith(
  digests: fc.Arbitrary<string | undefined>,
): fc.Arbitrary<Entry> {
  return fc.record({
    size: fc.constantFrom(0, 1),
    mtime: mtimes,
    mode: modes,
    digest: digests,
  }).map(file);
}

/** `tree` with `entry` at a path; what is in the way there becomes a directory. */
export function edited(
  tree: DirectoryEntry,
  { at, entry }: { at: readonly string[]; entry: Entry | undefined },
): DirectoryEntry {
  const [first, ...rest] = at;
  const name = first as Name;
  const children = new Map(tree.children);
  const there = children.get(name);
  const value = rest.length === 0 ? entry : edited(
    there?.kind === "directory" ? there : directory(),
    { at: rest, entry },
  );
  if (value === undefined) children.delete(name);
  else children.set(name, value);
  return { ...tree, children: sortChildren(children) };
}
