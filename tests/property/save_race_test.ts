/**
 * Somebody saves at the target while a transition is at work there: before each of
 * its calls, in each of the ways that editors have. What they saved must be there
 * afterwards, in its place or in `.lockstep/kept/`.
 *
 * One moment is left out, and the README says so: a file that is saved by renaming
 * another over it between the two calls of which the first looks at the file for the
 * last time and the second puts the new one in its place. No call of Deno exchanges
 * two names.
 */
import { assert, assertEquals } from "@std/assert";
import { walkSync } from "@std/fs";
import { dirname, join } from "@std/path";
import { diff } from "../../src/core/diff.ts";
import type { Name } from "../../src/core/path.ts";
import { filesOf } from "../../src/core/change.ts";
import { isFileSystemError } from "../../src/errors.ts";
import type {
  Directory,
  FileSystem,
  WritableFile,
} from "../../src/fs/file_system.ts";
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { hooked } from "../../src/fs/hooked_fs.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { PLAIN_SCAN } from "../support/plain_scan.ts";

const ROUNDS_IN_MEMORY = 10_000;
const ROUNDS_ON_DISK = 100;

/** A transition of these trees has about as many calls. */
const MOST_CALLS = 220;

const DONE = { kind: "done", message: "" } as const;
const PLAIN = { mode: 0o644, mtime: 1_600_000_000_000 };

/** What is created and replaced, and turns from one kind into another. */
const SOURCE = {
  replaced: "new content",
  created: "new",
  "d/replaced": "new content",
  "d/created": "new",
  "new/directory/file": "new",
  "becomes-directory/file": "new",
  "becomes-file": "new",
};
const TARGET = {
  replaced: "old",
  deleted: "old",
  "d/replaced": "old",
  "d/deleted": "old",
  "gone/file": "old",
  "gone/deep/file": "old",
  "becomes-directory": "old",
  "becomes-file/a": "old",
  "becomes-file/b/c": "old",
};
const PATHS = [...new Set([...Object.keys(SOURCE), ...Object.keys(TARGET)])];
const DIRECTORIES = [
  "",
  "d",
  "gone",
  "gone/deep",
  "becomes-file",
  "becomes-file/b",
];

type Way = "in place" | "by rename" | "anew" | "open file" | "inside";
const WAYS: readonly Way[] = [
  "in place",
  "by rename",
  "anew",
  "open file",
  "inside",
];

/** Somebody else at work below an open root. */
class Writer {
  readonly saved: string[] = [];
  readonly #root: Directory;
  /** Opened before anything happened, and held on to. */
  readonly #directories = new Map<string, Directory>();
  readonly #files = new Map<string, WritableFile>();

  private constructor(root: Directory) {
    this.#root = root;
    this.#directories.set("", root);
  }

  static async at(root: Directory): Promise<Writer> {
    const writer = new Writer(root);
    for (const path of DIRECTORIES.slice(1)) {
      const [parent, name] = parts(path);
      const above = writer.#directories.get(parent)!;
      writer.#directories.set(path, await above.openDirectory(name));
    }
    for (const path of Object.keys(TARGET)) {
      const [parent, name] = parts(path);
      const above = writer.#directories.get(parent)!;
      writer.#files.set(path, await above.openWritable(name));
    }
    return writer;
  }

  /** Saves something of its own; false where that can't be done in that way now. */
  async save(random: Random, way: Way): Promise<boolean> {
    const text = `saved ${this.saved.length} ${way}`;
    const content = new TextEncoder().encode(text);
    try {
      await this.#save(random, way, content);
      this.saved.push(text);
      return true;
    } catch (error) {
      if (!isFileSystemError(error) && !(error instanceof TypeError)) {
        throw error;
      }
      return false;
    }
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
    for (const directory of this.#directories.values()) directory.close();
  }

  async #save(random: Random, way: Way, content: Uint8Array): Promise<void> {
    const own = `own-${this.saved.length}` as Name;
    if (way === "inside") {
      const directory = this.#directories.get(random.pick(DIRECTORIES))!;
      return await directory.createFile(own, content, PLAIN);
    }
    if (way === "open file") {
      const file = this.#files.get(random.pick(Object.keys(TARGET)))!;
      // Nobody can save to a file that has no name any more.
      if ((await file.stat()).links === 0) return undone();
      return await overwrite(file, content);
    }
    const [parent, name] = parts(random.pick(PATHS));
    // By the path as it is now, not by what was open before.
    const directory = parent === ""
      ? this.#root
      : await this.#root.openDirectory(parent as Name);
    try {
      switch (way) {
        case "in place": {
          if (await directory.lookup(name) === undefined) return undone();
          const file = await directory.openWritable(name);
          await overwrite(file, content);
          return file.close();
        }
        case "anew":
          return await directory.createFile(name, content, PLAIN);
        case "by rename":
          if (await directory.lookup(name) === undefined) return undone();
          await directory.createFile(own, content, PLAIN);
          try {
            return await directory.rename(own, directory, name);
          } catch (error) {
            await directory.removeFile(own);
            throw error;
          }
        default:
          return way satisfies never;
      }
    } finally {
      if (directory !== this.#root) directory.close();
    }
  }
}

/** There is nothing that could be saved in this way. */
function undone(): never {
  throw new TypeError("There is no such file");
}

async function overwrite(
  file: WritableFile,
  content: Uint8Array,
): Promise<void> {
  await file.truncate(0);
  await file.write(content, 0);
}

function parts(path: string): [parent: string, name: Name] {
  const at = path.lastIndexOf("/");
  return [path.slice(0, Math.max(at, 0)), path.slice(at + 1) as Name];
}

/** One transition with somebody at work meanwhile; answers what they had saved. */
async function disturb(
  source: FileSystem,
  target: FileSystem,
  roots: readonly [string, string],
  random: Random,
): Promise<readonly string[]> {
  const raw = await target.openRoot(roots[1]);
  let writer: Writer | undefined;
  // One save a round: the next would be free to overwrite the last.
  let waiting = random.below(MOST_CALLS);
  const from = await LocalEndpoint.open(source, roots[0]);
  const spied = hooked(target, async (method, path) => {
    if (writer === undefined) return;
    if (waiting-- === 0) {
      const way = random.pick(WAYS);
      const isPut = method === "rename" && path.includes("/stage/");
      const isLast = method === "removeFile" && path.includes("/held");
      const isLeftOut = isPut && way === "by rename" ||
        isLast && way === "open file";
      const saved = !isLeftOut && await writer.save(random, way);
      if (!saved) waiting = 0;
    }
  });
  const to = await LocalEndpoint.open(spied, roots[1], { create: true });
  try {
    const [here, there] = await Promise.all([
      from.scan(PLAIN_SCAN),
      to.scan(PLAIN_SCAN),
    ]);
    const options = { deletes: true, modes: true };
    const { changes } = diff(there.root, here.root, options);
    const { wants, writable } = await to.stage(changes);
    assertEquals(wants.length > 0, true);
    const files = [...filesOf(changes)].map((file) => ({
      ...file,
      resume: undefined,
    }));
    await from.supply(files).pipeTo(writable);
    writer = await Writer.at(raw);
    const at = writer;
    await to.transition(changes);
    writer = undefined;
    at.close();
    return at.saved;
  } finally {
    await from.close(DONE);
    await to.close(DONE);
  }
}

/** Fails if one of `saved` is not among the contents `found`. */
function assertFound(
  saved: readonly string[],
  found: readonly unknown[],
  seed: number,
): void {
  for (const content of saved) {
    assert(found.includes(content), `seed ${seed}: "${content}" is lost`);
  }
}

Deno.test(`G07-G10: no save is lost in ${ROUNDS_IN_MEMORY} transitions, whenever it comes`, async () => {
  let saves = 0;
  for (let seed = 0; seed < ROUNDS_IN_MEMORY; seed++) {
    const source = MemoryFileSystem.from(SOURCE);
    const target = MemoryFileSystem.from(TARGET);
    const saved = await disturb(
      source,
      target,
      ["/", "/"],
      new Random(seed),
    );
    saves += saved.length;
    assertFound(saved, Object.values(target.dump()), seed);
  }
  assert(saves > ROUNDS_IN_MEMORY / 2, `only ${saves} saves`);
  note("N9", "transitions with saves", saves);
});

Deno.test(`G07-G10: no save is lost in ${ROUNDS_ON_DISK} transitions on a disk`, async () => {
  let saves = 0;
  for (let seed = 0; seed < ROUNDS_ON_DISK; seed++) {
    await using temp = new TempDir();
    const source = plantOnDisk(temp.directory("source"), SOURCE);
    const target = plantOnDisk(temp.directory("target"), TARGET);
    const fileSystem = new DenoFileSystem();
    const saved = await disturb(
      fileSystem,
      fileSystem,
      [source, target],
      new Random(seed),
    );
    saves += saved.length;
    assertFound(saved, contentsBelow(target), seed);
  }
  assert(saves > ROUNDS_ON_DISK / 2, `only ${saves} saves`);
  note("N9", "transitions with saves", saves);
});

function plantOnDisk(
  root: string,
  tree: Readonly<Record<string, string>>,
): string {
  for (const [path, content] of Object.entries(tree)) {
    Deno.mkdirSync(dirname(join(root, path)), { recursive: true });
    Deno.writeTextFileSync(join(root, path), content);
  }
  return root;
}

function contentsBelow(root: string): string[] {
  return [...walkSync(root, { includeDirs: false })]
    .map(({ path }) => Deno.readTextFileSync(path));
}
