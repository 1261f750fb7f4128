// deno-lint-ignore-file require-await -- an async method rejects where it would throw
/**
 * A file system in memory, for tests, also those of the library's users: it counts
 * what is done to it, fails on request, and takes its time if it is told to. Modes
 * are kept, but forbid nothing; there are no other processes.
 */
import { type Name, quote } from "../core/path.ts";
import { FileSystemError, type FileSystemErrorCode } from "../errors.ts";
import { type Hook, hookedDirectory } from "./hooked_fs.ts";
import { MemoryDirectory } from "./memory_directory.ts";
import {
  type MemoryCounters,
  type MemoryFault,
  type MemoryMethod,
  MemoryState,
} from "./memory_state.ts";
import {
  type DirectoryNode,
  type PlainEntry,
  type PlainTree,
  plant,
  toPlain,
} from "./memory_tree.ts";
import type { MemoryWatches } from "./memory_watches.ts";
import type { Directory, FileSystem, FileSystemTraits } from "./file_system.ts";

/** How a {@link MemoryFileSystem} behaves. */
export interface MemoryFileSystemOptions {
  /** The clock for mtime and ctime; the default goes on by 1 ms at each look. */
  readonly now?: () => number;
  /** What it can hold; by default everything. */
  readonly traits?: FileSystemTraits;
  /** See {@link MemoryFileSystem.fault}. */
  readonly fault?: MemoryFault;
  /**
   * Awaited before each call of what is opened below {@link MemoryFileSystem.openRoot}:
   * `(method, path) => delay(5)` makes a slow disk.
   */
  readonly latency?: Hook;
}

/** Which call is to fail, see {@link MemoryFileSystem.failCall}. */
export interface FailingCall {
  /** The call. */
  readonly method: MemoryMethod;
  /** Name of its entry; undefined for any. */
  readonly name?: string;
  /** The how many-th such call from now on; 1, the next one, unless said. */
  readonly nth?: number;
  /** What it fails with. */
  readonly code: FileSystemErrorCode;
}

/** A tree in memory. Paths begin at its top, with or without "/". */
export class MemoryFileSystem implements FileSystem {
  /** What it can hold. */
  readonly traits: FileSystemTraits;
  readonly #state: MemoryState;
  readonly #top: DirectoryNode;
  readonly #latency: Hook | undefined;

  /** An empty one; see {@link from} for others. */
  constructor(options: MemoryFileSystemOptions = {}) {
    this.traits = options.traits ??
      { modes: true, symlinks: true, owners: true, watches: "recursive" };
    this.#state = new MemoryState(this.traits, options.now ?? fakeClock());
    this.#state.fault = options.fault;
    this.#latency = options.latency;
    this.#top = this.#state.make.directory(undefined, 0o755);
  }

  /** A file system that holds `tree`. */
  static from(
    tree: PlainTree,
    options?: MemoryFileSystemOptions,
  ): MemoryFileSystem {
    const made = new MemoryFileSystem(options);
    plant(made.#top, tree, made.#state.make);
    return made;
  }

  /** What was done so far. */
  get counters(): MemoryCounters {
    return this.#state.counters;
  }

  /**
   * Called before each call with its method and the path of its entry; the call
   * fails with what this returns. For each entry of a listing it is called with
   * the method "listed"; its error makes the entry a failed one, of an invalid
   * name if the code is `unsafe-path`.
   */
  get fault(): MemoryFault | undefined {
    return this.#state.fault;
  }

  set fault(fault: MemoryFault | undefined) {
    this.#state.fault = fault;
  }

  /**
   * Makes the next call of `method` on the entry `name` (on any, if undefined)
   * fail with `error`. Several such orders may wait at a time.
   */
  failNext(
    method: MemoryMethod,
    name: string | undefined,
    error: FileSystemError,
  ): void {
    this.#state.failNext(method, name, error);
  }

  /**
   * Makes one call fail, once: with the code that a disk would give, and a message
   * that says it was ordered. Several such orders may wait at a time; each counts
   * the calls from when it was given.
   */
  failCall({ method, name, nth = 1, code }: FailingCall): void {
    const shown = name === undefined ? method : `${method} ${quote(name)}`;
    const message = `Cannot ${shown}: it was ordered to fail`;
    const error = new FileSystemError(code, message);
    this.#state.failNext(method, name, error, nth);
  }

  /** Withdraws all orders to fail that are still waiting. */
  failNone(): void {
    this.#state.failNone();
  }

  /** The watches on its directories, which can be counted and disturbed. */
  get watches(): MemoryWatches {
    return this.#state.watches;
  }

  async openRoot(
    path: string,
    options: { readonly create?: boolean } = {},
  ): Promise<Directory> {
    this.#state.begin("openRoot", path);
    const names = path.split("/").filter((name) => name !== "") as Name[];
    const found = this.#state.resolve(this.#top, names, {
      asked: path,
      action: "open",
      create: options.create === true,
    });
    if (found.node.kind !== "directory") {
      const reason = "it is a file, not a directory";
      throw this.#state.refusal("not-a-directory", "open", path, reason);
    }
    const directory = new MemoryDirectory(this.#state, found.node, path);
    return this.#latency === undefined
      ? directory
      : hookedDirectory(directory, this.#latency);
  }

  /** The tree below the directory `path`, in the form that `from` takes. */
  dump(path = ""): Record<string, PlainEntry> {
    let here = this.#top;
    for (const name of path.split("/")) {
      if (name === "") continue;
      const child = here.children.get(name);
      if (child?.kind !== "directory") {
        throw new TypeError(`There is no directory ${path}`);
      }
      here = child;
    }
    return toPlain(here);
  }
}

/** A clock that begins in September 2020. */
function fakeClock(): () => number {
  let time = 1_600_000_000_000;
  return () => time++;
}
