/** A target that does not exist yet: an empty tree that can only be looked at. */
import { digestOfChildren } from "../core/digest.ts";
import { type DirectoryEntry, NO_CHILDREN } from "../core/entry.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import type {
  Endpoint,
  MoveResult,
  Staging,
  TransitionResult,
} from "./endpoint.ts";

/** Nothing, at the place `name`, in a file system with these traits. */
export class AbsentEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
  readonly follows = false;

  constructor(name: string, traits: FileSystemTraits) {
    this.name = name;
    this.traits = traits;
  }

  scan(options: ScanOptions): Promise<Snapshot> {
    return Promise.resolve({
      root: {
        kind: "directory",
        mode: 0o755,
        mtime: 0,
        children: NO_CHILDREN,
        digest: digestOfChildren(NO_CHILDREN, options.modes),
      },
      totals: { directories: 0, files: 0, symlinks: 0, bytes: 0 },
      problems: [],
    });
  }

  confirmAbsent(): Promise<readonly Problem[]> {
    return Promise.resolve([]);
  }

  get moves(): boolean {
    return false;
  }

  move(): Promise<MoveResult> {
    return Promise.reject(this.#absent());
  }

  stage(): Promise<Staging> {
    return Promise.reject(this.#absent());
  }

  supply(): ReadableStream<ContentBatch> {
    throw this.#absent();
  }

  transition(): Promise<TransitionResult> {
    return Promise.reject(this.#absent());
  }

  advance(): Promise<DirectoryEntry> {
    return Promise.reject(this.#absent());
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #absent(): TypeError {
    return new TypeError(`There is nothing at ${this.name} to work with`);
  }
}
