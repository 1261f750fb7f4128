/**
 * How an open directory is held on to, and how its entries are reached, without
 * calls that take a directory handle (`openat`): Deno has none.
 */
import { closeSync, constants, openSync } from "node:fs";
import type { Name } from "../core/path.ts";
import {
  ClosedError,
  isNotFound,
  refusal,
  systemCodeOf,
} from "./deno_errors.ts";

/** An open directory; its owner closes it, and may do so twice. */
export interface Anchor {
  /** Where the directory was when it was opened: absolute, free of links. */
  readonly path: string;
  /** The open directory; undefined where only its path is known. */
  readonly fd: number | undefined;
  /** A path that leads to this very directory. @throws {ClosedError} */
  own(): string;
  /** A path that leads to the entry `name` of this very directory. @throws {ClosedError} */
  at(name: Name): string;
  /** Opens the directory `name`, and nothing else under that name. */
  open(name: Name): Anchor;
  close(): void;
}

const OPEN_DIRECTORY = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) |
  (constants.O_NOFOLLOW ?? 0);

/**
 * Holds on to the directory at `path`, which is absolute and free of links: by an
 * open file (see `canReachByHandle`), or by its path and inode.
 */
export function openAnchor(path: string, byHandle: boolean): Anchor {
  return byHandle ? new HandleAnchor(path, path) : new PathAnchor(path);
}

/** Reaches entries through `/proc/self/fd`: stays with the directory whatever happens. */
class HandleAnchor implements Anchor {
  readonly path: string;
  readonly #prefix: string;
  #fd: number;

  /** Opens what is at `reach`; `path` is its plain path. */
  constructor(reach: string, path: string) {
    this.path = path;
    this.#fd = openSync(reach, OPEN_DIRECTORY);
    this.#prefix = `/proc/self/fd/${this.#fd}/`;
  }

  get fd(): number {
    if (this.#fd < 0) throw new ClosedError(this.path);
    return this.#fd;
  }

  own(): string {
    if (this.#fd < 0) throw new ClosedError(this.path);
    return this.#prefix + ".";
  }

  at(name: Name): string {
    // The number of a closed file may be that of another directory by now.
    if (this.#fd < 0) throw new ClosedError(this.path);
    return this.#prefix + name;
  }

  open(name: Name): Anchor {
    return new HandleAnchor(this.at(name), below(this.path, name));
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

/**
 * Reaches entries by plain paths, after a look whether the directory there is
 * still the same. Who swaps it between the look and the call is not noticed.
 */
class PathAnchor implements Anchor {
  readonly path: string;
  readonly fd = undefined;
  readonly #inode: number | null;
  readonly #device: number;
  #closed = false;

  constructor(path: string) {
    const info = Deno.lstatSync(path);
    if (!info.isDirectory) throw notTheDirectory(path);
    this.path = path;
    this.#inode = info.ino;
    this.#device = info.dev;
  }

  own(): string {
    if (this.#closed) throw new ClosedError(this.path);
    const info = lookAt(this.path);
    if (
      !info?.isDirectory || info.ino !== this.#inode ||
      info.dev !== this.#device
    ) throw notTheDirectory(this.path);
    return this.path;
  }

  at(name: Name): string {
    return below(this.own(), name);
  }

  open(name: Name): Anchor {
    return new PathAnchor(this.at(name));
  }

  close(): void {
    this.#closed = true;
  }
}

/** The path of `name` in the directory at `path`. */
export function below(path: string, name: string): string {
  return path.endsWith("/") ? path + name : `${path}/${name}`;
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (isNotFound(error) || systemCodeOf(error) === "ENOTDIR") {
      return undefined;
    }
    throw error;
  }
}

function notTheDirectory(path: string): Error {
  return refusal(
    "not-a-directory",
    "open",
    path,
    "it is not a directory, or no longer the same one",
  );
}
