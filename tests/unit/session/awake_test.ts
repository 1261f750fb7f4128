import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { DirectoryEntry, FileEntry } from "../../../src/core/entry.ts";
import { parseRelPath, type RelPath } from "../../../src/core/path.ts";
import { awakeChanges } from "../../../src/session/awake.ts";

const FILE: FileEntry = {
  kind: "file",
  size: 1,
  mtime: 0,
  mode: 0o644,
  digest: undefined,
  ctime: undefined,
  inode: undefined,
};

function dated(mtime: number): DirectoryEntry {
  const children = new Map();
  return { kind: "directory", mode: 0o755, mtime, children, digest: undefined };
}

function created(path: string): Change {
  return { path: parseRelPath(path), old: undefined, new: FILE };
}

function touched(path: string, from: number, to: number): Change {
  return { path: parseRelPath(path), old: dated(from), new: dated(to) };
}

/** The paths that are left of `changes` while `resting` rest. */
function awake(changes: readonly Change[], ...resting: string[]): RelPath[] {
  const rest = new Set(resting.map(parseRelPath));
  const isResting = (path: RelPath): boolean => rest.has(path);
  return awakeChanges(changes, { isResting, modes: true })
    .map(({ path }) => path);
}

function paths(...texts: string[]): RelPath[] {
  return texts.map(parseRelPath);
}

Deno.test("what rests is left out", () => {
  const changes = [created("d/a"), created("d/b"), touched("d", 1, 2)];
  assertEquals(awake(changes), paths("d/a", "d/b", "d"));
  assertEquals(awake(changes, "d/a"), paths("d/b", "d"));
});

Deno.test("a directory is dated after what is new in it, even if it rests", () => {
  const changes = [created("d/a"), touched("d", 1, 2)];
  assertEquals(awake(changes, "d"), paths("d/a", "d"));
  assertEquals(
    awake([created("d/a"), touched("d", 1, 1)], "d"),
    paths("d/a", "d"),
  );
});

Deno.test("a directory that rests is not dated for what lies deeper", () => {
  const changes = [created("d/e/a"), touched("d/e", 1, 1), touched("d", 1, 2)];
  assertEquals(awake(changes, "d"), paths("d/e/a", "d/e"));
});

Deno.test("a directory is not set back to what it is because of what rests in it", () => {
  const other = created("other");
  const changes = [created("d/a"), touched("d", 1, 1), other];
  assertEquals(awake(changes, "d/a"), paths("other"));
});

Deno.test("a directory is not set back to what it is because of what was left out", () => {
  assertEquals(awake([touched("d", 1, 1), touched("e", 1, 2)]), paths("e"));
});

Deno.test("a directory that is older at the target is dated, though all in it rests", () => {
  const changes = [created("d/a"), touched("d", 1, 2)];
  assertEquals(awake(changes, "d/a"), paths("d"));
});
