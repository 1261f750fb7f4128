import { assertEquals, assertStringIncludes } from "@std/assert";
import type { IgnoreOptions } from "../../../src/core/snapshot.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { MirrorSummary } from "../../../src/session/events.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../../../src/session/mirror.ts";

type Tree = Parameters<typeof MemoryFileSystem.from>[0];

const FILES: IgnoreOptions = {
  rules: [],
  files: [".gitignore", ".syncignore"],
};

/** Mirrors one tree to the other: what there is afterwards, and how it went. */
async function mirrorTrees(
  from: Tree,
  to: Tree,
  options: Partial<MirrorOptions> = {},
): Promise<{ readonly after: Tree; readonly summary: MirrorSummary }> {
  const target = MemoryFileSystem.from(to);
  const source = await LocalEndpoint.open(MemoryFileSystem.from(from), "/");
  const there = await LocalEndpoint.open(target, "/", { create: true });
  const all: MirrorOptions = {
    checksum: true,
    symlinks: "copy",
    deletes: true,
    ignore: FILES,
    ...options,
  };
  const summary = await mirror(source, there, all);
  const again = await mirror(source, there, all);
  const { created, replaced, deleted } = again.changes;
  assertEquals([created, replaced, deleted], [0, 0, 0], "a second run");
  await source.close({ kind: "done", message: "" });
  await there.close({ kind: "done", message: "" });
  return { after: target.dump(), summary };
}

const CASES: readonly {
  readonly name: string;
  readonly from: Tree;
  readonly to: Tree;
  readonly after: Tree;
  readonly options?: Partial<MirrorOptions>;
  /** Paths of problems. */
  readonly left?: readonly string[];
}[] = [
  {
    name: "what is ignored is neither sent nor deleted",
    from: {
      ".syncignore": "*.o\nbuild/\n",
      "a.o": "1",
      b: "2",
      "build/x": "3",
    },
    to: { "c.o": "4", "d/build/y": "5", e: "6", "d/f": "7" },
    after: {
      ".syncignore": "*.o\nbuild/\n",
      b: "2",
      "c.o": "4",
      "d/build/y": "5",
    },
    left: ["d"],
  },
  {
    name: "what was sent before it was ignored stays",
    from: { ".syncignore": "a\n", a: "new" },
    to: { a: "old" },
    after: { ".syncignore": "a\n", a: "old" },
  },
  {
    name:
      "what was sent before it was ignored stays, though it is deleted here",
    from: { ".syncignore": "a\n" },
    to: { ".syncignore": "", a: "old" },
    after: { ".syncignore": "a\n", a: "old" },
  },
  {
    name: "what is ignored no longer is deleted at once",
    from: { ".syncignore": "b\n", c: "1" },
    to: { ".syncignore": "a\nb\n", a: "1", b: "2", c: "1" },
    after: { ".syncignore": "b\n", b: "2", c: "1" },
  },
  {
    name: "what is ignored no longer is sent at once",
    from: { ".syncignore": "", a: "new" },
    to: { ".syncignore": "a\n", a: "old" },
    after: { ".syncignore": "", a: "new" },
  },
  {
    name: "an ignore file that only the target has decides nothing",
    from: { "d/a": "new", "e/": null },
    to: {
      "d/.gitignore": "*\n",
      "d/a": "old",
      "d/b": "2",
      "e/.gitignore": "*",
    },
    after: { "d/a": "new", "e/": null },
  },
  {
    name: "an ignore file that is kept at the target decides nothing",
    from: { a: "new" },
    to: { ".syncignore": "a\n", a: "old", b: "2" },
    after: { ".syncignore": "a\n", a: "new", b: "2" },
    options: { deletes: false },
  },
  {
    name: "an ignore file that can't be used at the target decides nothing",
    from: { ".syncignore": "a\n", b: "1" },
    to: { ".syncignore": "x\n".repeat(10_001), a: "1" },
    after: { ".syncignore": "a\n", a: "1", b: "1" },
  },
  {
    name: "an ignore file that ignores itself counts here, and is not sent",
    from: { "d/.gitignore": "*\n", "d/a": "1" },
    to: { "d/b": "2" },
    after: { "d/b": "2" },
  },
  {
    name: "a directory that holds what is ignored gives way to nothing else",
    from: { ".syncignore": "*.o\n", d: "a file" },
    to: { "d/e/x.o": "1", "d/y": "2" },
    after: { ".syncignore": "*.o\n", "d/e/x.o": "1", "d/y": "2" },
    left: ["d"],
  },
  {
    name: "an ignored directory gives way to nothing else",
    from: { ".syncignore": "d/\n", d: "a file" },
    to: { "d/x": "1" },
    after: { ".syncignore": "d/\n", "d/x": "1" },
    left: ["d"],
  },
  {
    name: "given rules win over those of files",
    from: { ".syncignore": "a\n!b\n", a: "1", b: "2" },
    to: { "d/b": "3" },
    after: { ".syncignore": "a\n!b\n", a: "1", "d/b": "3" },
    options: { ignore: { rules: ["!a", "b"], files: [".syncignore"] } },
    left: ["d"],
  },
  {
    name: "rules in a directory go with it",
    from: { "d/.syncignore": "/x\n!keep\n", "d/x": "1", "d/e/x": "2" },
    to: { "d/x": "3", x: "4" },
    after: { "d/.syncignore": "/x\n!keep\n", "d/x": "3", "d/e/x": "2" },
  },
  {
    name: "below a directory with a bad ignore file nothing is touched",
    from: { "d/.syncignore": "x\n".repeat(10_001), "d/a": "1", b: "2" },
    to: { "d/c": "3" },
    after: { "d/c": "3", b: "2" },
    left: ["d"],
  },
];

for (const it of CASES) {
  Deno.test(`mirror(): ${it.name}`, async () => {
    const { from, to, options } = it;
    const { after, summary } = await mirrorTrees(from, to, options);
    const sorted = (tree: Tree): unknown => Object.entries(tree).sort();
    assertEquals(sorted(after), sorted(it.after));
    const left = summary.problems.map(({ problem }) => problem.path as string);
    assertEquals(left, it.left ?? []);
    assertEquals(summary.rounds, 1);
  });
}

Deno.test("mirror() names what is ignored in a directory that stays", async () => {
  const { summary: { problems } } = await mirrorTrees(
    { ".syncignore": "*.o\n" },
    { "d/a": "1", "d/e/x.o": "2" },
  );
  assertEquals(problems.length, 1);
  const { code, message } = problems[0]!.problem;
  assertEquals(code, "blocked");
  assertStringIncludes(message, "d/e/x.o (ignored)");
});
