/** People who edit directories in memory, and what they have let go of knowingly. */
import type { Name } from "../../src/core/path.ts";
import { FileSystemError } from "../../src/errors.ts";
import type { Directory } from "../../src/fs/file_system.ts";
import type { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { PlainEntry } from "../../src/fs/memory_tree.ts";
import type { Random } from "./random.ts";

const NAMES = ["a", "b", "c.txt", "d"];

/** Where people edit: a directory for each, by name. */
export interface EditedWorld<Side extends string> {
  readonly isDead: boolean;
  /** Makes calls fail; not those of people. */
  fault: unknown;
  fileSystemOf(side: Side): MemoryFileSystem;
  /** The tree of a side, without what is Lockstep's own. */
  dump(side: Side): Map<string, PlainEntry>;
}

/** One person for each side. */
export class People<Side extends string> {
  readonly world: EditedWorld<Side>;
  readonly random: Random;
  readonly log: string[] = [];
  /** All contents ever written, each of which is unique. */
  readonly written = new Set<string>();
  /** What somebody replaced or deleted who had it before their eyes. */
  readonly dropped = new Set<string>();
  #count = 0;
  #last: Promise<void> = Promise.resolve();

  /** The clocks of the others are hours away from this side's. */
  readonly #first: Side;

  constructor(world: EditedWorld<Side>, random: Random, first: Side) {
    this.world = world;
    this.random = random;
    this.#first = first;
  }

  /**
   * One of them does something; nothing happens where that is not possible. They
   * take turns: what somebody replaces is what they had before their eyes.
   */
  async edit(side: Side): Promise<void> {
    const turn = this.#last.then(() => this.#edit(side));
    this.#last = turn.catch(() => {});
    await turn;
  }

  async #edit(side: Side): Promise<void> {
    if (this.world.isDead) return;
    // A person's disk does not fail, or they would try again.
    const { fault } = this.world;
    this.world.fault = undefined;
    try {
      const what = await this.#act(side);
      this.log.push(`${side}: ${what}`);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    } finally {
      this.world.fault = fault;
    }
  }

  async #act(side: Side): Promise<string> {
    const { random } = this;
    const path = this.#somePath(side);
    const [parent, name] = await this.#parentOf(side, path);
    try {
      const stat = await parent.lookup(name);
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2: {
          if (stat?.kind === "directory") return "nothing";
          await this.#save(side, parent, name, path);
          return `save ${path}`;
        }
        case 3: {
          if (stat === undefined) return "nothing";
          await this.#remove(side, parent, name, path);
          return `delete ${path}`;
        }
        case 4: {
          if (stat !== undefined) await this.#remove(side, parent, name, path);
          await parent.createDirectory(name);
          const inner = await parent.openDirectory(name);
          const innerName = random.pick(NAMES) as Name;
          await this.#save(side, inner, innerName, `${path}/${innerName}`);
          inner.close();
          return `make directory ${path}`;
        }
        case 5:
        case 6:
          return await this.#rename(side, parent, name, path);
        default: {
          if (stat?.kind !== "file") return "nothing";
          const mode = random.pick([0o600, 0o644, 0o755]);
          await parent.setMetadata(name, { mode, mtime: stat.mtime });
          return `chmod ${path}`;
        }
      }
    } finally {
      parent.close();
    }
  }

  async #rename(
    side: Side,
    parent: Directory,
    name: Name,
    path: string,
  ): Promise<string> {
    const to = this.#somePath(side);
    if (to === path || to.startsWith(`${path}/`)) return "nothing";
    if (await parent.lookup(name) === undefined) return "nothing";
    const [newParent, newName] = await this.#parentOf(side, to);
    try {
      const replaced = this.#contentsAt(side, to);
      await parent.rename(name, newParent, newName);
      for (const content of replaced) this.dropped.add(content);
      return `rename ${path} to ${to}`;
    } finally {
      newParent.close();
    }
  }

  /** As editors do, in place or by a new file. */
  async #save(
    side: Side,
    parent: Directory,
    name: Name,
    path: string,
  ): Promise<void> {
    const content = `${side} ${this.#count++} `.repeat(
      this.random.pick([1, 1, 1, 9_000]),
    );
    const bytes = new TextEncoder().encode(content);
    // Clocks stand still at times.
    const skew = side === this.#first ? 0 : 3_600_000;
    const mtime = 1_700_000_000_000 + skew + this.random.below(5) * 1_000;
    const old = this.#contentsAt(side, path);
    const temporary = "~" as Name;
    await parent.createFile(temporary, bytes, { mode: 0o644, mtime });
    await parent.rename(temporary, parent, name);
    this.written.add(content);
    for (const each of old) this.dropped.add(each);
  }

  async #remove(
    side: Side,
    parent: Directory,
    name: Name,
    path: string,
  ): Promise<void> {
    for (const content of this.#contentsAt(side, path)) {
      this.dropped.add(content);
    }
    await removeAll(parent, name);
  }

  /** What is before the eyes of whoever looks at `path`. */
  #contentsAt(side: Side, path: string): string[] {
    const found: string[] = [];
    for (const [at, entry] of this.world.dump(side)) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      if (typeof entry === "string") found.push(entry);
    }
    return found;
  }

  /** Mostly a usual name, or what is there: a conflict copy, too. */
  #somePath(side: Side): string {
    const there = [...this.world.dump(side).keys()];
    if (there.length > 0 && this.random.below(3) === 0) {
      return this.random.pick(there).replace(/\/$/, "");
    }
    const depth = this.random.pick([1, 1, 2, 2, 3]);
    return Array.from({ length: depth }, () => this.random.pick(NAMES))
      .join("/");
  }

  async #parentOf(side: Side, path: string): Promise<[Directory, Name]> {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "/" : path.slice(0, slash);
    const directory = await this.world.fileSystemOf(side).openRoot(parent);
    return [directory, path.slice(slash + 1) as Name];
  }
}

async function removeAll(parent: Directory, name: Name): Promise<void> {
  if ((await parent.lookup(name))?.kind !== "directory") {
    return await parent.removeFile(name);
  }
  const directory = await parent.openDirectory(name);
  for (const { name: inner } of (await directory.list()).entries) {
    await removeAll(directory, inner);
  }
  directory.close();
  await parent.removeDirectory(name);
}
