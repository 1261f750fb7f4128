/**
 * The other names of files that have several (hard links): of a change by one name
 * no watch tells at another one, nor of a change by a name that goes right after it.
 */
import type { DirectoryEntry, Entry, FileEntry } from "../core/entry.ts";
import { filesAmong, othersAmong } from "../core/packed_children.ts";
import { join, type RelPath, ROOT } from "../core/path.ts";
import { isSameThing, isUnmoved } from "./changed_entries.ts";
import { DirtyPaths } from "./dirty_paths.ts";
import type { Stat } from "./file_system.ts";
import { Pacer } from "./pacer.ts";
import type { ScannedSnapshot } from "./scan.ts";

/** Finds them in the snapshot before, by what a rescan tells of what it sees. */
export class OtherNames {
  readonly #previous: ScannedSnapshot;
  readonly #pacer = new Pacer();
  /** Files that have changed or may have, by inode: what they were. */
  readonly #linked = new Map<number, FileEntry>();
  /** What is not where it was. */
  readonly #gone: Entry[] = [];
  /** Inodes of directories that were renamed. */
  readonly #renamed = new Set<number>();

  /** @param previous What there was before. */
  constructor(previous: ScannedSnapshot) {
    this.#previous = previous;
  }

  /** The file that was `before` is now as `stat` says. */
  changed(before: FileEntry, stat: Stat): void {
    const { inode, links } = stat;
    if (links < 2 || inode === 0 || !isSameThing(before, stat)) return;
    if (!isUnmoved(before, stat)) this.#linked.set(inode, before);
  }

  /** Where `before` was there is `after` now. */
  replaced(before: Entry | undefined, after: Entry | undefined): void {
    if (before === undefined || this.#previous.linked.size === 0) return;
    const areDirectories = before.kind === "directory" &&
      after?.kind === "directory";
    if (areDirectories && before.inode === after.inode) {
      if (before.children === after.children) return;
      for (const [name, child] of before.children) {
        this.replaced(child, after.children.get(name));
      }
      return;
    }
    const isStill = before.kind === "file" && after?.kind === "file" &&
      before.inode === after.inode && before.ctime === after.ctime;
    if (!isStill) this.#gone.push(before);
  }

  /** The directory with this number has another path now. */
  renamed(inode: number): void {
    this.#renamed.add(inode);
  }

  /** Where the other names are, but for what `wasLooked` at already. */
  async find(wasLooked: (path: RelPath) => boolean): Promise<DirtyPaths> {
    const found = new DirtyPaths();
    for (const entry of this.#gone) this.#noteLost(entry);
    if (this.#linked.size === 0) return found;
    const isLinked = (_: number, inode = 0): boolean => this.#linked.has(inode);
    const search = async (
      at: RelPath,
      { children }: DirectoryEntry,
    ): Promise<void> => {
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
      for (
        const [name, { inode, generation }] of filesAmong(children, isLinked)
      ) {
        if (this.#linked.get(inode!)!.generation !== generation) continue;
        const path = join(at, name);
        if (!wasLooked(path)) found.add(path);
      }
      for (const [name, entry] of othersAmong(children)) {
        if (entry.kind === "directory") await search(join(at, name), entry);
      }
    };
    await search(ROOT, this.#previous.root);
    return found;
  }

  /** Whoever has taken a name away may have written to the file by it before. */
  #noteLost(entry: Entry): void {
    const { linked } = this.#previous;
    if (entry.kind === "file") {
      const { inode = 0 } = entry;
      if (linked.has(inode)) this.#linked.set(inode, entry);
    } else if (entry.kind === "directory") {
      // Its files are where it is now.
      if (this.#renamed.has(entry.inode ?? 0)) return;
      const isLinked = (_: number, inode = 0): boolean => linked.has(inode);
      for (const [, file] of filesAmong(entry.children, isLinked)) {
        this.#linked.set(file.inode!, file);
      }
      for (const [, child] of othersAmong(entry.children)) {
        this.#noteLost(child);
      }
    }
  }
}
