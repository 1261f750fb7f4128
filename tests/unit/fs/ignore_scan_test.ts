import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { Entry } from "../../../src/core/entry.ts";
import { NO_IGNORE_FILES } from "../../../src/core/ignore_digest.ts";
import {
  entryAt,
  type ScanOptions,
  type Snapshot,
} from "../../../src/core/snapshot.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan } from "../../../src/fs/scan.ts";
import { path } from "../../support/trees.ts";

type Tree = Parameters<typeof MemoryFileSystem.from>[0];

const OPTIONS: ScanOptions = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: { rules: [], files: [".gitignore", ".syncignore"] },
};
const TOO_MANY = "a\n".repeat(10_001);

async function scanAll(
  tree: Tree | MemoryFileSystem,
  options: Partial<ScanOptions> & { readonly isTarget?: boolean } = {},
): Promise<Snapshot> {
  const { isTarget = false, ...others } = options;
  const fileSystem = tree instanceof MemoryFileSystem
    ? tree
    : MemoryFileSystem.from(tree);
  const root = await fileSystem.openRoot("/");
  try {
    return await scan(root, { ...OPTIONS, ...others }, { isTarget });
  } finally {
    root.close();
  }
}

/** "ignored" or the kind of what is at a path. */
function kindAt({ root }: Snapshot, at: string): string | undefined {
  const entry: Entry | undefined = entryAt(root, path(at));
  return entry?.kind === "untracked" ? entry.reason : entry?.kind;
}

Deno.test("scan() leaves out what ignore files say, without a word", async () => {
  const snapshot = await scanAll({
    ".syncignore": "build/\n*.o\n!keep.o\n/pipe\n",
    "build/x": "1",
    "a.o": "1",
    "keep.o": "1",
    "d/.syncignore": "!a.o\n",
    "d/a.o": "1",
    "d/b.o": "1",
    "d/build/x": "1",
    "pipe": { special: true },
  });
  const kinds = ["build", "a.o", "keep.o", "d/a.o", "d/b.o", "d/build", "pipe"]
    .map((at) => kindAt(snapshot, at));
  assertEquals(kinds, [
    ...["ignored", "ignored", "file", "file", "ignored", "ignored", "ignored"],
  ]);
  assertEquals(snapshot.problems, []);
  assertEquals(snapshot.totals.files, 4);
  assertEquals(kindAt(snapshot, ".syncignore"), "file");
});

Deno.test("scan() honours only the ignore files it is told to", async () => {
  const tree = {
    ".gitignore": "a\n",
    ".syncignore": "!a\nb\n",
    a: "1",
    b: "2",
  };
  const seen = async (files: string[], rules: string[]): Promise<unknown> => {
    const snapshot = await scanAll(tree, { ignore: { rules, files } });
    return [kindAt(snapshot, "a"), kindAt(snapshot, "b")];
  };
  assertEquals(await seen([], []), ["file", "file"]);
  assertEquals(await seen([".gitignore"], []), ["ignored", "file"]);
  assertEquals(await seen([".gitignore", ".syncignore"], []), [
    "file",
    "ignored",
  ]);
  assertEquals(await seen([".syncignore"], ["a", "!b"]), ["ignored", "file"]);
});

Deno.test("scan() does not honour a link, nor look into an ignored directory", async () => {
  const fileSystem = MemoryFileSystem.from({
    "rules": "a\n",
    ".syncignore": { symlink: "rules" },
    a: "1",
  });
  assertEquals(kindAt(await scanAll(fileSystem), "a"), "file");
  const closed = MemoryFileSystem.from({ ".syncignore": "x/\n", "x/y": "1" });
  closed.failNext("openDirectory", "x", new FileSystemError("denied", "no"));
  assertEquals((await scanAll(closed)).problems, []);
});

Deno.test("scan() decides about a followed link by where it leads", async () => {
  const snapshot = await scanAll({
    ".syncignore": "link/\nfile/\ngone\n",
    "dir/x": "1",
    link: { symlink: "dir" },
    file: { symlink: "dir/x" },
    gone: { symlink: "nowhere" },
  }, { symlinks: "follow" });
  assertEquals(kindAt(snapshot, "link"), "ignored");
  assertEquals(kindAt(snapshot, "file"), "file");
  assertEquals(kindAt(snapshot, "gone"), "ignored");
  assertEquals(snapshot.problems, []);
});

Deno.test("scan() makes a directory with a bad ignore file a problem as a whole", async () => {
  const snapshot = await scanAll({ "d/.syncignore": TOO_MANY, "d/x": "1" });
  assertEquals(kindAt(snapshot, "d"), "problem");
  assertEquals(snapshot.problems, [{
    path: path("d"),
    code: "unreadable",
    message: "Cannot use d/.syncignore: 10001 rules, at most 10000 are allowed",
  }]);
  const denied = MemoryFileSystem.from({ "d/.syncignore": "a", "d/x": "1" });
  const reason = new FileSystemError("denied", "Cannot read it: no permission");
  denied.failNext("readFile", ".syncignore", reason);
  assertEquals(kindAt(await scanAll(denied), "d"), "problem");
});

Deno.test("scan() fails where the root's ignore file can't be used", async () => {
  await assertRejects(
    () => scanAll({ ".syncignore": TOO_MANY }),
    FileSystemError,
    "Cannot use .syncignore: 10001 rules",
  );
});

Deno.test("scan() of a target passes over what can't be used, and tells by the digest", async () => {
  const tree = { ".syncignore": TOO_MANY, "d/.syncignore": "a\n", "d/a": "1" };
  const snapshot = await scanAll(tree, { isTarget: true });
  assertEquals(snapshot.problems, []);
  assertEquals(kindAt(snapshot, "d/a"), "ignored");
  const other = await scanAll({ ...tree, ".syncignore": "" });
  assertNotEquals(snapshot.ignoreDigest, other.ignoreDigest);
});

Deno.test("the digest of ignore files tells whether the same rules were used", async () => {
  const digest = async (tree: Tree, isTarget = false): Promise<unknown> =>
    (await scanAll(tree, { isTarget })).ignoreDigest;
  const tree = { ".gitignore": "a\n", "d/x": "1" };
  assertEquals(await digest({ a: "1" }), NO_IGNORE_FILES);
  assertEquals(await digest(tree), await digest({ ...tree, b: "2" }, true));
  assertNotEquals(await digest(tree), await digest({ ".gitignore": "b\n" }));
  assertNotEquals(await digest(tree), await digest({ "d/.gitignore": "a\n" }));
  // One that is not sent itself counts at a source only if it takes things in.
  const own = { ...tree, "d/.gitignore": "*\n" };
  assertEquals(await digest(own), await digest(tree));
  assertNotEquals(await digest(own, true), await digest(tree));
  const open = { ...tree, "d/.gitignore": "*\n!b\n" };
  assertNotEquals(await digest(open), await digest(tree));
});

Deno.test("a snapshot knows what would be ignored that is not there", async () => {
  const { ignoreTree } = await scanAll({
    ".syncignore": "*.o\n",
    "d/.syncignore": "/x/\n",
  }, { ignore: { ...OPTIONS.ignore, rules: ["*.tmp"] } });
  const ignored = (at: string, isDirectory = false): boolean | undefined =>
    ignoreTree?.decide(path(at), isDirectory).ignored;
  assertEquals(ignored("e/f.o"), true);
  assertEquals(ignored("d/x", true), true);
  assertEquals(ignored("d/x"), false);
  assertEquals(ignored("d/x/y"), true);
  assertEquals(ignored("a.tmp"), true);
});
