import { assert, assertEquals } from "@std/assert";
import type { Entry } from "../../src/core/entry.ts";
import type { Name, RelPath } from "../../src/core/path.ts";
import { comparePaths, parentOf } from "../../src/core/path.ts";
import { NO_IGNORE, type ScanOptions } from "../../src/core/snapshot.ts";
import { DirtyPaths } from "../../src/fs/dirty_paths.ts";
import type { Directory } from "../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import { rescan } from "../../src/fs/rescan.ts";
import { scan, type ScannedSnapshot } from "../../src/fs/scan.ts";
import { Random, seedOr } from "../support/random.ts";

const ROUNDS = Number(Deno.env.get("LOCKSTEP_ROUNDS") ?? 5) * 60;

const OPTIONS: ScanOptions = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: { rules: ["*.tmp", "build/"], files: [".syncignore"] },
};

Deno.test("rescan() finds what a whole scan finds, after any edits and their events", async () => {
  const seed = seedOr(Date.now() % 1e9);
  for (let round = 0; round < ROUNDS; round++) {
    await checkOne(seed + round);
  }
});

async function checkOne(seed: number): Promise<void> {
  const random = new Random(seed);
  const checksum = random.below(5) === 0;
  const ignore = random.below(3) === 0 ? NO_IGNORE : OPTIONS.ignore;
  const options = { ...OPTIONS, checksum, ignore };
  const fs = new MemoryFileSystem();
  const root = await fs.openRoot("root", { create: true });
  for (let i = 0; i < 25; i++) await edit(root, random);
  const dirty = new DirtyPaths();
  const events: RelPath[] = [];
  const watch = await root.watch((event) => {
    if (event.kind === "changed") events.push(event.path);
    else dirty.addEverything();
  });
  let snapshot = await scan(root, options);
  const log: string[] = [];
  for (let step = 0; step < 6; step++) {
    const edits = random.between(0, 8);
    for (let i = 0; i < edits; i++) log.push(await edit(root, random));
    // Late, doubled, in another order: all the same. Lost: only with a word, or
    // where something else in the same directory is known.
    const isLossy = random.below(6) === 0;
    const isThinned = random.below(3) === 0;
    if (isLossy) fs.watches.overflow();
    for (
      const path of shuffled(random, [
        ...isThinned ? onePerDirectory(random, events) : events,
        ...isThinned ? [] : events,
      ])
    ) {
      if (!isLossy || random.below(2) === 0) dirty.add(path);
    }
    if (isThinned) dirty.widen();
    // A listing may see what nobody has told of yet.
    const crowd = random.between(1, 4);
    dirty.widenCrowded((_, count) => count >= crowd);
    events.length = 0;
    const before = snapshot;
    const first = await rescan(root, before, dirty.take(), options);
    // What was renamed is looked at once more.
    const again = DirtyPaths.of(first.directories);
    snapshot = (await rescan(root, first.snapshot, again, options)).snapshot;
    const whole = await scan(root, options);
    const message = `seed ${seed}, step ${step}:\n${log.join("\n")}`;
    assertEquals(plain(snapshot), plain(whole), message);
    if (before.root.digest === whole.root.digest && edits === 0) {
      assert(snapshot === before, `nothing is new: ${message}`);
    }
  }
  watch.close();
  root.close();
}

/** All that matters of a snapshot, in an order of its own. */
function plain(
  { root, totals, problems, ignoreDigest }: ScannedSnapshot,
): unknown {
  return {
    root: plainEntry(root),
    totals,
    problems: [...problems].sort((a, b) => comparePaths(a.path, b.path)),
    ignoreDigest,
  };
}

function plainEntry(entry: Entry): unknown {
  if (entry.kind !== "directory") return entry;
  const children = [...entry.children].map(([name, child]) => [
    name,
    plainEntry(child),
  ]);
  return { ...entry, children };
}

const NAMES = ["a", "b", "c", "d.tmp", "build", "e", ".syncignore"] as Name[];

/** One edit somewhere in the tree; says what it was. */
async function edit(root: Directory, random: Random): Promise<string> {
  let directory = root;
  const way: string[] = [];
  try {
    while (random.below(3) > 0) {
      const name = random.pick(NAMES);
      const stat = await directory.lookup(name);
      if (stat?.kind !== "directory") break;
      const next = await directory.openDirectory(name);
      if (directory !== root) directory.close();
      directory = next;
      way.push(name);
    }
    const name = random.pick(NAMES);
    const done = await editEntry(root, directory, name, random);
    return `${way.join("/")}/${name}: ${done}`;
  } finally {
    if (directory !== root) directory.close();
  }
}

async function editEntry(
  root: Directory,
  directory: Directory,
  name: Name,
  random: Random,
): Promise<string> {
  const kind = (await directory.lookup(name))?.kind;
  const mtime = 1_600_000_000_000 + random.below(50);
  if (name === ".syncignore" && kind === undefined) {
    const rule = random.pick(["a", "/b", "*.tmp\n!d.tmp", "c/", ""]);
    const content = new TextEncoder().encode(rule);
    await directory.createFile(name, content, { mode: 0o644, mtime });
    return `rules ${rule}`;
  }
  switch (kind) {
    case undefined: {
      switch (random.below(3)) {
        case 0:
          await directory.createDirectory(name);
          return "mkdir";
        case 1:
          await directory.createSymlink(name, "anywhere", mtime);
          return "symlink";
      }
      const content = new Uint8Array(random.below(5));
      await directory.createFile(name, content, { mode: 0o644, mtime });
      return "create";
    }
    case "directory":
      if (random.below(3) === 0) {
        await directory.setMetadata(name, { mode: 0o700, mtime });
        return "touch directory";
      }
      return await moveAway(root, directory, name, random);
    case "symlink":
      await directory.removeFile(name);
      return "remove link";
    default:
      switch (random.below(4)) {
        case 0:
          await directory.removeFile(name);
          return "remove";
        case 1:
          await directory.setMetadata(name, { mode: 0o600, mtime });
          return "touch";
        case 2: {
          const file = await directory.openWritable(name);
          await file.write(Uint8Array.of(random.below(256)), random.below(4));
          file.close();
          return "write";
        }
        default:
          return await moveAway(root, directory, name, random);
      }
  }
}

async function moveAway(
  root: Directory,
  directory: Directory,
  name: Name,
  random: Random,
): Promise<string> {
  const newName = random.pick(NAMES);
  const to = random.below(2) === 0 ? root : directory;
  try {
    await directory.rename(name, to, newName);
    return `move to ${to === root ? "/" : ""}${newName}`;
  } catch {
    return "not moved";
  }
}

function onePerDirectory(random: Random, events: RelPath[]): RelPath[] {
  const kept = new Map<RelPath | undefined, RelPath>();
  for (const path of shuffled(random, [...events])) {
    kept.set(parentOf(path), path);
  }
  return [...kept.values()];
}

function shuffled<T>(random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
