// deno-lint-ignore-file require-await -- an async method rejects where it would throw
/** An open directory of a {@link MemoryFileSystem}. */
import type { Owner } from "../core/entry.ts";
import { type Name, quote } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import type {
  Directory,
  ListedEntry,
  Listing,
  Lock,
  Metadata,
  ReadableFile,
  Stat,
  Watch,
  WatchListener,
  WritableFile,
} from "./file_system.ts";
import { MemoryFile } from "./memory_file.ts";
import {
  isNameTooLong,
  type MemoryMethod,
  type MemoryState,
} from "./memory_state.ts";
import type { DirectoryNode, FileNode, MemoryNode } from "./memory_tree.ts";

export class MemoryDirectory implements Directory {
  readonly path: string;
  readonly #state: MemoryState;
  readonly #node: DirectoryNode;
  #closed = false;

  constructor(state: MemoryState, node: DirectoryNode, path: string) {
    this.#state = state;
    this.#node = node;
    this.path = path;
  }

  async stat(): Promise<Stat> {
    this.#begin("stat");
    return this.#state.statOf(this.#node);
  }

  async lookup(name: Name): Promise<Stat | undefined> {
    this.#begin("lookup", name);
    const node = this.#node.children.get(name);
    return node === undefined ? undefined : this.#state.statOf(node);
  }

  async list(_?: { readonly thorough?: boolean }): Promise<Listing> {
    this.#begin("list");
    this.#state.counters.listings++;
    const entries: ListedEntry[] = [];
    const failed: Listing["failed"][number][] = [];
    for (const [name, node] of this.#node.children) {
      try {
        this.#begin("listed", name as Name);
      } catch (error) {
        if (!isFileSystemError(error)) throw error;
        const reason = error.code === "unsafe-path"
          ? "invalid-name"
          : "unreadable";
        failed.push({ name, reason, message: error.message });
        continue;
      }
      entries.push({
        name: name as Name,
        stat: this.#state.statOf(node),
        target: node.kind === "symlink" ? node.target : undefined,
      });
    }
    return { entries, failed };
  }

  async openDirectory(name: Name): Promise<Directory> {
    this.#begin("openDirectory", name);
    const node = this.#existing(name, "open");
    if (node.kind !== "directory") {
      const reason = `it is a ${node.kind}, not a directory`;
      throw this.#refusal("not-a-directory", "open", name, reason);
    }
    return new MemoryDirectory(this.#state, node, this.#show(name));
  }

  async follow(
    name: Name,
  ): Promise<{
    readonly directory: Directory;
    readonly name: Name | undefined;
  }> {
    this.#begin("follow", name);
    const asked = this.#show(name);
    const found = this.#state.resolve(this.#node, [name], {
      asked,
      action: "follow",
    });
    const { node, parent } = found;
    return node.kind === "directory"
      ? {
        directory: new MemoryDirectory(this.#state, node, asked),
        name: undefined,
      }
      : {
        directory: new MemoryDirectory(this.#state, parent, asked),
        name: found.name,
      };
  }

  async readLink(name: Name): Promise<string> {
    this.#begin("readLink", name);
    const node = this.#existing(name, "read");
    if (node.kind === "symlink") return node.target;
    const reason = "it is not a symbolic link";
    throw this.#refusal("unsupported", "read", name, reason);
  }

  async readFile(
    name: Name,
    into: Uint8Array,
  ): Promise<{ readonly length: number; readonly stat: Stat }> {
    this.#begin("readFile", name);
    const node = this.#existingFile(name, "read");
    const length = node.content.read(into, 0);
    this.#state.counters.reads++;
    this.#state.counters.bytesRead += length;
    return { length, stat: this.#state.statOf(node) };
  }

  async openFile(name: Name): Promise<ReadableFile> {
    this.#begin("openFile", name);
    const node = this.#existingFile(name, "read");
    return this.#open(node, name);
  }

  async createFile(
    name: Name,
    content: Uint8Array,
    metadata: Metadata,
  ): Promise<void> {
    this.#begin("createFile", name);
    this.#refuseTaken(name);
    const node = this.#state.make.file(metadata.mode & 0o777);
    node.content.write(content, 0);
    node.mtime = metadata.mtime;
    node.owner = metadata.owner ?? node.owner;
    this.#add(name, node);
    this.#state.counters.writes++;
    this.#state.counters.bytesWritten += content.length;
    this.#state.counters.mutations.createFile++;
  }

  async openWritable(name: Name): Promise<WritableFile> {
    this.#begin("openWritable", name);
    const node = this.#fileOrNew(name, "write to");
    this.#state.counters.mutations.openWritable++;
    return this.#open(node, name);
  }

  async createDirectory(name: Name): Promise<void> {
    this.#begin("createDirectory", name);
    this.#refuseTaken(name);
    this.#add(name, this.#state.make.directory(this.#node, 0o700));
    this.#state.counters.mutations.createDirectory++;
  }

  async createSymlink(
    name: Name,
    target: string,
    mtime: number,
    owner?: Owner,
  ): Promise<void> {
    this.#begin("createSymlink", name);
    if (!this.#state.traits.symlinks || target === "") {
      const reason = target === ""
        ? "a symbolic link has to point somewhere"
        : "the file system has no symbolic links";
      throw this.#refusal("unsupported", "create", name, reason);
    }
    this.#refuseTaken(name);
    const node = this.#state.make.symlink(target);
    node.mtime = Math.max(0, mtime);
    node.owner = owner ?? node.owner;
    this.#add(name, node);
    this.#state.counters.mutations.createSymlink++;
  }

  async setMetadata(name: Name, metadata: Metadata): Promise<void> {
    this.#begin("setMetadata", name);
    const action = "set mode and time of";
    const node = this.#existing(name, action);
    if (node.kind !== "file" && node.kind !== "directory") {
      const reason = "it is neither a file nor a directory";
      throw this.#refusal("unsupported", action, name, reason);
    }
    this.#set(node, metadata);
    this.#told(name);
    this.#state.counters.mutations.setMetadata++;
  }

  async setOwnMetadata(metadata: Metadata): Promise<void> {
    this.#begin("setOwnMetadata");
    this.#set(this.#node, metadata);
    this.#told(undefined);
    this.#state.counters.mutations.setOwnMetadata++;
  }

  async rename(name: Name, to: Directory, newName: Name): Promise<void> {
    this.#begin("rename", name);
    const target = this.#sibling(to, name);
    const node = this.#existing(name, "move");
    const replaced = target.#node.children.get(newName);
    if (replaced === node) {
      if (this.#node !== target.#node || name !== newName) {
        this.#unlink(name, node);
      }
      return;
    }
    target.#refuseUnfit(newName);
    if (node.kind === "directory" && isInside(target.#node, node)) {
      const reason = "a directory can't be moved into itself";
      throw this.#refusal("unsupported", "move", name, reason);
    }
    if (replaced !== undefined) target.#refuseReplacing(newName, node);
    if (replaced?.kind === "directory") detach(replaced);
    if (replaced !== undefined) replaced.links--;
    this.#moveNode(name, node, target, newName);
    this.#state.counters.mutations.rename++;
  }

  async moveNew(name: Name, to: Directory, newName: Name): Promise<void> {
    this.#begin("moveNew", name);
    const target = this.#sibling(to, name);
    const node = this.#existing(name, "move");
    if (node.kind === "directory") {
      throw this.#refusal("is-a-directory", "move", name, "it is a directory");
    }
    target.#refuseTaken(newName);
    this.#moveNode(name, node, target, newName);
    this.#state.counters.mutations.moveNew++;
  }

  async link(name: Name, to: Directory, newName: Name): Promise<void> {
    this.#begin("link", name);
    const target = this.#sibling(to, name);
    const node = this.#existing(name, "link");
    if (node.kind === "directory") {
      throw this.#refusal("is-a-directory", "link", name, "it is a directory");
    }
    target.#refuseTaken(newName);
    target.#add(newName, node);
    node.links++;
    node.ctime = this.#state.now();
    this.#told(name);
    this.#state.counters.mutations.link++;
  }

  async removeFile(name: Name): Promise<void> {
    this.#begin("removeFile", name);
    const node = this.#existing(name, "remove");
    if (node.kind === "directory") {
      const reason = "it is a directory";
      throw this.#refusal("is-a-directory", "remove", name, reason);
    }
    this.#unlink(name, node);
    this.#state.counters.mutations.removeFile++;
  }

  async removeDirectory(name: Name): Promise<void> {
    this.#begin("removeDirectory", name);
    const node = this.#existing(name, "remove");
    if (node.kind !== "directory") {
      const reason = "it is not a directory";
      throw this.#refusal("not-a-directory", "remove", name, reason);
    }
    if (node.children.size > 0) {
      const reason = "the directory is not empty";
      throw this.#refusal("not-empty", "remove", name, reason);
    }
    detach(node);
    this.#remove(name);
    this.#state.watches.removed(node);
    this.#state.counters.mutations.removeDirectory++;
  }

  async lock(name: Name): Promise<Lock> {
    this.#begin("lock", name);
    const node = this.#fileOrNew(name, "lock");
    if (node.locked) {
      const reason = "it is locked by somebody else";
      throw this.#refusal("locked", "lock", name, reason);
    }
    node.locked = true;
    return new MemoryLock(node);
  }

  async flush(name?: Name): Promise<void> {
    this.#begin("flush", name);
    if (name !== undefined) this.#existingFile(name, "flush");
    this.#state.counters.flushes++;
  }

  async flushFileSystem(): Promise<boolean> {
    this.#begin("flushFileSystem");
    this.#state.counters.flushes++;
    return true;
  }

  async watch(listener: WatchListener): Promise<Watch> {
    const { watches } = this.#state;
    try {
      this.#begin("watch");
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return watches.refuse(listener, error.message);
    }
    return watches.add(this.#node, listener);
  }

  close(): void {
    this.#closed = true;
  }

  #open(node: FileNode, name: Name): MemoryFile {
    const onChange = (): void => this.#told(name);
    return new MemoryFile(this.#state, node, this.#show(name), onChange);
  }

  #told(name: Name | undefined): void {
    this.#state.watches.changed(this.#node, name);
  }

  #begin(method: MemoryMethod, name?: Name): void {
    if (this.#closed) throw new TypeError(`${quote(this.path)} is closed`);
    this.#state.begin(
      method,
      name === undefined ? this.path : this.#show(name),
    );
  }

  #show(name: Name): string {
    return this.path === "" || this.path.endsWith("/")
      ? this.path + name
      : `${this.path}/${name}`;
  }

  #existing(name: Name, action: string): MemoryNode {
    const node = this.#node.children.get(name);
    if (node !== undefined) return node;
    const reason = "there is no such file or directory";
    throw this.#refusal("not-found", action, name, reason);
  }

  #existingFile(name: Name, action: string): FileNode {
    const node = this.#existing(name, action);
    if (node.kind === "file") return node;
    const reason = "it is not a regular file";
    throw this.#refusal("unsupported", action, name, reason);
  }

  /** The file `name`, made (mode 0o600) where it is missing. */
  #fileOrNew(name: Name, action: string): FileNode {
    if (this.#node.children.has(name)) return this.#existingFile(name, action);
    this.#refuseUnfit(name);
    const node = this.#state.make.file(0o600);
    this.#add(name, node);
    return node;
  }

  #refuseTaken(name: Name): void {
    this.#refuseUnfit(name);
    if (!this.#node.children.has(name)) return;
    throw this.#refusal("exists", "create", name, "it exists already");
  }

  /** Refuses names that no entry here can have. */
  #refuseUnfit(name: Name): void {
    if (isNameTooLong(name)) {
      const reason = "the name is too long";
      throw this.#refusal("name-too-long", "create", name, reason);
    }
    if (this.#node.removed) {
      const reason = "its directory was removed";
      throw this.#refusal("not-found", "create", name, reason);
    }
  }

  /** Refuses to put `node` in the place of the entry `name`, if kinds don't fit. */
  #refuseReplacing(name: Name, node: MemoryNode): void {
    const replaced = this.#node.children.get(name)!;
    if (replaced.kind !== "directory") {
      if (node.kind !== "directory") return;
      const reason = "it is not a directory";
      throw this.#refusal("not-a-directory", "replace", name, reason);
    }
    if (node.kind !== "directory") {
      const reason = "it is a directory";
      throw this.#refusal("is-a-directory", "replace", name, reason);
    }
    if (replaced.children.size > 0) {
      const reason = "the directory is not empty";
      throw this.#refusal("not-empty", "replace", name, reason);
    }
  }

  #sibling(to: Directory, name: Name): MemoryDirectory {
    if (to instanceof MemoryDirectory && to.#state === this.#state) {
      if (to.#closed) throw new TypeError(`${quote(to.path)} is closed`);
      return to;
    }
    const reason = `${to.path} is of another file system`;
    throw this.#refusal("cross-device", "move", name, reason);
  }

  #moveNode(
    name: Name,
    node: MemoryNode,
    target: MemoryDirectory,
    newName: Name,
  ): void {
    this.#remove(name);
    target.#add(newName, node);
    if (node.kind === "directory") node.parent = target.#node;
    node.ctime = this.#state.now();
  }

  #add(name: Name, node: MemoryNode): void {
    this.#node.children.set(name, node);
    this.#state.touch(this.#node);
    this.#told(name);
  }

  #unlink(name: Name, node: MemoryNode): void {
    this.#remove(name);
    node.links--;
    node.ctime = this.#state.now();
  }

  #remove(name: Name): void {
    this.#node.children.delete(name);
    this.#state.touch(this.#node);
    this.#told(name);
  }

  #set(node: MemoryNode, metadata: Metadata): void {
    node.mode = metadata.mode & 0o777;
    node.mtime = metadata.mtime;
    node.owner = metadata.owner ?? node.owner;
    node.ctime = this.#state.now();
  }

  #refusal(
    code: Parameters<MemoryState["refusal"]>[0],
    action: string,
    name: Name,
    reason: string,
  ): Error {
    return this.#state.refusal(code, action, this.#show(name), reason);
  }
}

class MemoryLock implements Lock {
  #node: FileNode | undefined;

  constructor(node: FileNode) {
    this.#node = node;
  }

  release(): void {
    if (this.#node !== undefined) this.#node.locked = false;
    this.#node = undefined;
  }
}

function isInside(node: DirectoryNode, ancestor: DirectoryNode): boolean {
  let here: DirectoryNode | undefined = node;
  while (here !== undefined && here !== ancestor) here = here.parent;
  return here === ancestor;
}

function detach(node: DirectoryNode): void {
  node.parent = undefined;
  node.removed = true;
}
