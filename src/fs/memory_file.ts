// deno-lint-ignore-file require-await -- an async method rejects where it would throw
/** An open file of a {@link MemoryFileSystem}. */
import { quote } from "../core/path.ts";
import type { Metadata, Stat, WritableFile } from "./file_system.ts";
import type { MemoryMethod, MemoryState } from "./memory_state.ts";
import type { FileNode } from "./memory_tree.ts";

export class MemoryFile implements WritableFile {
  readonly #state: MemoryState;
  readonly #node: FileNode;
  readonly #path: string;
  readonly #onChange: () => void;
  #closed = false;

  /** @param onChange Called whenever the file has changed. */
  constructor(
    state: MemoryState,
    node: FileNode,
    path: string,
    onChange: () => void,
  ) {
    this.#state = state;
    this.#node = node;
    this.#path = path;
    this.#onChange = onChange;
  }

  async stat(): Promise<Stat> {
    this.#begin("stat");
    return this.#state.statOf(this.#node);
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    this.#begin("read");
    const length = this.#node.content.read(into, offset);
    this.#state.counters.reads++;
    this.#state.counters.bytesRead += length;
    return length;
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#begin("write");
    this.#node.content.write(bytes, offset);
    this.#changed();
    this.#state.counters.writes++;
    this.#state.counters.bytesWritten += bytes.length;
    this.#state.counters.mutations.write++;
  }

  async truncate(size: number): Promise<void> {
    this.#begin("truncate");
    this.#node.content.truncate(size);
    this.#changed();
    this.#state.counters.mutations.truncate++;
  }

  async setMetadata(metadata: Metadata): Promise<void> {
    this.#begin("setMetadata");
    this.#node.mode = metadata.mode & 0o777;
    this.#node.mtime = metadata.mtime;
    this.#node.owner = metadata.owner ?? this.#node.owner;
    this.#node.ctime = this.#state.now();
    this.#onChange();
    this.#state.counters.mutations.setMetadata++;
  }

  close(): void {
    this.#closed = true;
  }

  #begin(method: MemoryMethod): void {
    if (this.#closed) throw new TypeError(`${quote(this.#path)} is closed`);
    this.#state.begin(method, this.#path);
  }

  #changed(): void {
    this.#node.mtime = this.#node.ctime = this.#state.now();
    this.#onChange();
  }
}
