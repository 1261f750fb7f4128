/**
 * Hears of changes in a whole tree, whatever the watches of its file system see.
 * Where one watch sees all below its directory, there is one, on the root. Where
 * it sees only the entries of its directory, each directory that is listed gets
 * one before it is listed: so no change can fall between the two. A directory that
 * a whole round has not listed has left the tree, and its watch is released.
 */
import { type RelPath, RESERVED_NAME } from "../core/path.ts";
import type {
  Directory,
  FileSystem,
  Watch,
  WatchEvent,
} from "../fs/file_system.ts";
import { hooked } from "../fs/hooked_fs.ts";

/** Who hears of it. */
export interface TreeListener {
  /** Something may have changed. */
  changed(): void;
  /** From now on, some changes are not heard of. */
  failed(event: WatchEvent & { readonly kind: "ended" }): void;
}

/** A directory of the tree, while it is watched. */
interface WatchedDirectory {
  /** The round that has listed it last. */
  round: number;
  watch: Watch | undefined;
}

/** The watches on one tree. Its owner closes it. */
export class TreeWatch {
  /** The file system to be listed, so that what is listed is watched. */
  readonly fileSystem: FileSystem;
  readonly #listener: TreeListener;
  readonly #watched = new Map<string, WatchedDirectory>();
  #round = 0;
  #sees = true;
  #closed = false;

  constructor(fileSystem: FileSystem, listener: TreeListener) {
    this.#listener = listener;
    const { watches = "none" } = fileSystem.traits;
    this.#sees = watches !== "none";
    this.fileSystem = watches !== "children"
      ? fileSystem
      : hooked(fileSystem, async (method, _, directory) => {
        if (method === "list") await this.#cover(directory);
      });
  }

  /** Whether all changes are heard of. */
  get seesAll(): boolean {
    return this.#sees;
  }

  /** To be called before the tree below `root` is listed as a whole. */
  async begin(root: Directory): Promise<void> {
    this.#round++;
    const { watches = "none" } = this.fileSystem.traits;
    if (watches === "recursive") await this.#cover(root);
  }

  /** To be called when it has been listed: what was not listed is not watched any more. */
  finish(): void {
    for (const [key, { round, watch }] of this.#watched) {
      if (round === this.#round) continue;
      watch?.close();
      this.#watched.delete(key);
    }
  }

  close(): void {
    this.#closed = true;
    for (const { watch } of this.#watched.values()) watch?.close();
    this.#watched.clear();
  }

  async #cover(directory: Directory): Promise<void> {
    const key = await keyOf(directory);
    const known = this.#watched.get(key);
    if (known !== undefined) known.round = this.#round;
    if (known !== undefined || this.#closed) return;
    const watched: WatchedDirectory = { round: this.#round, watch: undefined };
    this.#watched.set(key, watched);
    let hasEnded = false;
    const watch = await directory.watch((event) => {
      if (event.kind === "ended") hasEnded = true;
      this.#hear(event, key, watched);
    });
    if (hasEnded) return;
    watched.watch = watch;
    if (this.#watched.get(key) !== watched) watch.close();
  }

  #hear(event: WatchEvent, key: string, watched: WatchedDirectory): void {
    if (this.#closed) return;
    if (event.kind === "changed" && isOwn(event.path)) return;
    if (event.kind === "ended") {
      if (this.#watched.get(key) === watched) this.#watched.delete(key);
      // A directory that is gone has nothing more to tell.
      if (event.reason !== "gone") {
        this.#sees = false;
        this.#listener.failed(event);
      }
    }
    this.#listener.changed();
  }
}

/** A directory keeps its numbers when it is moved; without, its path has to do. */
async function keyOf(directory: Directory): Promise<string> {
  const { device, inode } = await directory.stat();
  return inode === 0 ? `at ${directory.path}` : `${device} ${inode}`;
}

/** What Lockstep itself has at the top of a tree. */
function isOwn(path: RelPath): boolean {
  const own: string = RESERVED_NAME;
  return path === own || path.startsWith(`${own}/`);
}
