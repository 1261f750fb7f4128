/**
 * The larger files of a source, as they were when a round was completed: one that
 * is renamed before the next run is known again, and renamed at the target. What
 * is missing or damaged is no evidence, and does no harm: then content is sent.
 */
import type { Change } from "../../core/change.ts";
import type { DirectoryEntry, Entry } from "../../core/entry.ts";
import {
  type KnownFile,
  NO_ORIGINS,
  type Origins,
  originsAmong,
} from "../../core/origins.ts";
import { filesAmong, othersAmong } from "../../core/packed_children.ts";
import { join, type RelPath, ROOT } from "../../core/path.ts";
import type { Comparison } from "../../session/events.ts";
import type { Review, RoundGuard } from "../../session/round_guard.ts";
import { AtomicFile, exists } from "./atomic_file.ts";
import { formatKnownFiles, parseKnownFiles } from "./known_files_codec.ts";
import type { Pair } from "./record_codec.ts";

/** Smaller files are as quickly sent as remembered. */
const MIN_BYTES = 256 * 1024;

/** Where there are more, the largest are remembered. */
const MAX_FILES = 100_000;

/** Remembers, and recalls, the files of one source and target. */
export class KnownFiles implements RoundGuard {
  readonly #path: string;
  readonly #pair: Pair;

  /** @param path Of the file in which they are kept. */
  constructor(path: string, pair: Pair) {
    this.#path = path;
    this.#pair = pair;
  }

  /** Which larger files that `changes` create stood elsewhere after the last round. */
  recall(changes: readonly Change[]): Origins {
    const isAtStake = changes.some(({ new: it }) => holdsLarge(it)) &&
      changes.some((it) => it.new === undefined && holdsLarge(it.old));
    return isAtStake ? originsAmong(this.#read(), changes) : NO_ORIGINS;
  }

  review({ changes }: Comparison): Review {
    return { changes, problems: [] };
  }

  /** Remembers the files; where nothing has changed, they are remembered already. */
  completed({ source, changes, moves }: Comparison): Promise<void> {
    const isKept = exists(this.#path);
    if (isKept && changes.length + moves.length === 0) return Promise.resolve();
    const files = largestFiles(source.root);
    if (isKept || files.length > 0) this.#write(files);
    return Promise.resolve();
  }

  #read(): readonly KnownFile[] {
    try {
      return parseKnownFiles(Deno.readTextFileSync(this.#path), this.#pair);
    } catch {
      return [];
    }
  }

  /** What can't be remembered costs the next run some content, and nothing else. */
  #write(files: readonly KnownFile[]): void {
    try {
      using file = new AtomicFile(this.#path);
      file.write(formatKnownFiles(this.#pair, files));
      file.commit();
    } catch {
      // The record of the round goes to the same place: that tells what is wrong.
    }
  }
}

function holdsLarge(entry: Entry | undefined): boolean {
  if (entry?.kind === "file") return entry.size >= MIN_BYTES;
  if (entry?.kind !== "directory") return false;
  for (const child of entry.children.values()) {
    if (holdsLarge(child)) return true;
  }
  return false;
}

function largestFiles(root: DirectoryEntry): readonly KnownFile[] {
  const files: KnownFile[] = [];
  collect(ROOT, root);
  if (files.length <= MAX_FILES) return files;
  return files.sort((a, b) => b.size - a.size).slice(0, MAX_FILES);

  function collect(path: RelPath, directory: DirectoryEntry): void {
    for (const [name, child] of othersAmong(directory.children)) {
      if (child.kind === "directory") collect(join(path, name), child);
    }
    const isLarge = (size: number): boolean => size >= MIN_BYTES;
    for (const [name, file] of filesAmong(directory.children, isLarge)) {
      const { inode, generation, size, mtime } = file;
      if (inode === undefined || generation === undefined) continue;
      files.push({ path: join(path, name), inode, generation, size, mtime });
    }
  }
}
