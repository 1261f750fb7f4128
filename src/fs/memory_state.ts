/** What all handles of one {@link MemoryFileSystem} share. */
import { type Name, quote } from "../core/path.ts";
import { FileSystemError, type FileSystemErrorCode } from "../errors.ts";
import { MemoryWatches } from "./memory_watches.ts";
import type { FileSystemTraits, Stat } from "./file_system.ts";
import {
  type DirectoryNode,
  type MemoryNode,
  NodeMaker,
} from "./memory_tree.ts";

/** The calls that change something. */
export type MemoryMutation =
  | "createFile"
  | "openWritable"
  | "createDirectory"
  | "createSymlink"
  | "setMetadata"
  | "setOwnMetadata"
  | "rename"
  | "moveNew"
  | "link"
  | "removeFile"
  | "removeDirectory"
  | "write"
  | "truncate";

/** All calls that can fail; those on open files have the name of the file. */
export type MemoryMethod =
  | MemoryMutation
  | "openRoot"
  | "stat"
  | "lookup"
  | "list"
  | "listed"
  | "openDirectory"
  | "follow"
  | "readLink"
  | "readFile"
  | "openFile"
  | "read"
  | "lock"
  | "flush"
  | "flushFileSystem"
  | "watch";

/** Decides whether a call fails, and with what. */
export type MemoryFault = (
  method: MemoryMethod,
  path: string,
) => FileSystemError | undefined;

/** How often something was done; failed calls do not count. */
export interface MemoryCounters {
  /** `readFile`, and `read` of open files. */
  reads: number;
  /** Bytes that these gave. */
  bytesRead: number;
  /** `createFile`, and `write` of open files. */
  writes: number;
  /** Bytes that these took. */
  bytesWritten: number;
  /** `list`. */
  listings: number;
  /** `flush` and `flushFileSystem`. */
  flushes: number;
  /** The calls that change something, by their names. */
  readonly mutations: Record<MemoryMutation, number>;
}

/** Most links in a row that are followed. */
const MAX_LINKS = 40;

/** Longest name, in bytes, as on most disks. */
const MAX_NAME_BYTES = 255;

/** Where a path leads. */
export interface Found {
  readonly node: MemoryNode;
  readonly parent: DirectoryNode;
  /** Undefined for the top. */
  readonly name: Name | undefined;
}

/** What {@link MemoryState.resolve} has to know to do and to say. */
export interface Asked {
  readonly asked: string;
  readonly action: string;
  readonly create?: boolean;
}

export class MemoryState {
  readonly traits: FileSystemTraits;
  readonly now: () => number;
  readonly make: NodeMaker;
  readonly watches: MemoryWatches;
  readonly counters: MemoryCounters = {
    reads: 0,
    bytesRead: 0,
    writes: 0,
    bytesWritten: 0,
    listings: 0,
    flushes: 0,
    mutations: {
      createFile: 0,
      openWritable: 0,
      createDirectory: 0,
      createSymlink: 0,
      setMetadata: 0,
      setOwnMetadata: 0,
      rename: 0,
      moveNew: 0,
      link: 0,
      removeFile: 0,
      removeDirectory: 0,
      write: 0,
      truncate: 0,
    },
  };
  fault: MemoryFault | undefined;
  readonly #orders: {
    readonly method: MemoryMethod;
    readonly name: string | undefined;
    readonly error: FileSystemError;
    /** How many such calls are still to come, this one included. */
    left: number;
  }[] = [];

  constructor(traits: FileSystemTraits, now: () => number) {
    this.traits = traits;
    this.now = now;
    this.make = new NodeMaker(now);
    this.watches = new MemoryWatches(traits.watches ?? "none");
  }

  failNext(
    method: MemoryMethod,
    name: string | undefined,
    error: FileSystemError,
    nth = 1,
  ): void {
    this.#orders.push({ method, name, error, left: nth });
  }

  failNone(): void {
    this.#orders.length = 0;
  }

  /** Opens a call. @throws {FileSystemError} If it was ordered to fail. */
  begin(method: MemoryMethod, path: string): void {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const orders = this.#orders.filter((order) =>
      order.method === method &&
      (order.name === undefined || order.name === name)
    );
    // Of orders for the same call, the later one is for the next such call.
    const due = orders.find((order) => order.left === 1);
    for (const order of orders) {
      if (order !== due && order.left > 1) order.left--;
    }
    if (due !== undefined) {
      this.#orders.splice(this.#orders.indexOf(due), 1);
      throw due.error;
    }
    const error = this.fault?.(method, path);
    if (error !== undefined) throw error;
  }

  statOf(node: MemoryNode): Stat {
    return {
      kind: node.kind,
      size: node.kind === "file" ? node.content.size : 0,
      mtime: node.mtime,
      ctime: node.ctime,
      mode: this.traits.modes
        ? node.mode
        : node.kind === "directory"
        ? 0o755
        : 0o644,
      inode: node.inode,
      generation: node.generation,
      device: 1,
      links: node.links,
      uid: node.owner.uid,
      gid: node.owner.gid,
    };
  }

  /** Dates a directory whose entries have changed. */
  touch(directory: DirectoryNode): void {
    directory.mtime = directory.ctime = this.now();
  }

  /** Follows `names` from `start`, through links and "..". @throws {FileSystemError} */
  resolve(
    start: DirectoryNode,
    names: readonly string[],
    request: Asked,
  ): Found {
    const { asked, action, create = false } = request;
    const waiting = [...names].reverse();
    let at: Found = { node: start, parent: start, name: undefined };
    let links = 0;
    while (waiting.length > 0) {
      const name = waiting.pop()! as Name;
      if (at.node.kind !== "directory") {
        const reason = "it is not a directory";
        throw this.refusal("not-a-directory", action, asked, reason);
      }
      const here: DirectoryNode = at.node;
      if (name === "." || name === "") continue;
      if (name === "..") {
        const up = here.parent ?? here;
        at = { node: up, parent: up.parent ?? up, name: nameOfNode(up) };
        continue;
      }
      let child = here.children.get(name);
      if (child === undefined && create) {
        child = this.make.directory(here, 0o755);
        here.children.set(name, child);
        this.touch(here);
        this.watches.changed(here, name);
      }
      if (child === undefined) {
        const reason = "there is no such file or directory";
        throw this.refusal("not-found", action, asked, reason);
      }
      if (child.kind !== "symlink") {
        at = { node: child, parent: here, name };
        continue;
      }
      if (++links > MAX_LINKS) {
        const reason = "too many symbolic links one after the other";
        throw this.refusal("io", action, asked, reason);
      }
      const base = child.target.startsWith("/") ? topOf(here) : here;
      at = { node: base, parent: base.parent ?? base, name: nameOfNode(base) };
      waiting.push(...child.target.split("/").reverse());
    }
    return at;
  }

  /** The error of a call that is not done, and why. */
  refusal(
    code: FileSystemErrorCode,
    action: string,
    path: string,
    reason: string,
  ): FileSystemError {
    const message = `Cannot ${action} ${quote(path)}: ${reason}`;
    return new FileSystemError(code, message);
  }
}

/** Whether a disk would take `name`. */
export function isNameTooLong(name: string): boolean {
  return name.length * 3 > MAX_NAME_BYTES &&
    new TextEncoder().encode(name).length > MAX_NAME_BYTES;
}

/** The directory above all. */
function topOf(node: DirectoryNode): DirectoryNode {
  return node.parent === undefined ? node : topOf(node.parent);
}

function nameOfNode(node: DirectoryNode): Name | undefined {
  for (const [name, child] of node.parent?.children ?? []) {
    if (child === node) return name as Name;
  }
  return undefined;
}
