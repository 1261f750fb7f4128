/** The ignore files of a tree, read on the way of a scan. */
import { type IgnoreScope, RuleSet } from "../core/ignore.ts";
import { IgnoreDigest } from "../core/ignore_digest.ts";
import { parseIgnoreFile } from "../core/ignore_file.ts";
import {
  checkIgnoreLimit,
  MAX_IGNORE_FILE_BYTES,
} from "../core/ignore_limits.ts";
import { IgnoreTree } from "../core/ignore_tree.ts";
import {
  comparePaths,
  displayPath,
  isWithin,
  join,
  type Name,
  type RelPath,
} from "../core/path.ts";
import type { Digest } from "../core/entry.ts";
import { FileSystemError, isFileSystemError, SyncError } from "../errors.ts";
import type { Directory, ListedEntry } from "./file_system.ts";

/** What the ignore files of a tree say; goes from one scan of it to the next. */
export interface IgnoreRecords {
  /** Of each directory that has some, the rules in its files. */
  readonly own: ReadonlyMap<RelPath, readonly RuleSet[]>;
  /** Of each such directory, these files, in order. */
  readonly files: ReadonlyMap<RelPath, readonly ReadFile[]>;
}

/** A file as it was read; without content where it can't be used. */
interface ReadFile {
  readonly path: RelPath;
  readonly content: Uint8Array | undefined;
  /** Whether it counts in the digest. */
  readonly counts: boolean;
}

/** Whether the same files with the same content were read. */
export function sameRecords(a: IgnoreRecords, b: IgnoreRecords): boolean {
  if (a === b) return true;
  if (a.files.size !== b.files.size) return false;
  for (const [at, files] of a.files) {
    const others = b.files.get(at);
    if (files.length !== others?.length) return false;
    for (const [i, { path, content }] of files.entries()) {
      const other = others[i]!;
      if (path !== other.path || !sameBytes(content, other.content)) {
        return false;
      }
    }
  }
  return true;
}

/** How often a file that is being written to is read again. */
const ATTEMPTS = 3;

/** Reads the ignore files of one tree, and remembers what they say. */
export class IgnoreReader {
  /** The rules that hold in the root without those of its files. */
  readonly given: IgnoreScope;
  readonly #files: readonly string[];
  readonly #isTarget: boolean;
  readonly #own: Map<RelPath, readonly RuleSet[]>;
  readonly #read: Map<RelPath, readonly ReadFile[]>;

  /**
   * @param files Their names; of two in one directory the later one wins.
   * @param isTarget Whether the rules of another tree decide in the end: then a
   *   file that can't be used has no rules, which shows in the digest.
   */
  constructor(
    given: IgnoreScope,
    files: readonly string[],
    isTarget: boolean,
    before?: IgnoreRecords,
  ) {
    this.given = given;
    this.#files = files;
    this.#isTarget = isTarget;
    this.#own = new Map(before?.own);
    this.#read = new Map(before?.files);
  }

  /** Whether a file of this name has rules. */
  isIgnoreFile(name: Name): boolean {
    return this.#files.includes(name);
  }

  /** Forgets all that was read at `path` and below. */
  forget(path: RelPath): void {
    for (const records of [this.#own, this.#read]) {
      for (const at of records.keys()) {
        if (isWithin(at, path)) records.delete(at);
      }
    }
  }

  /**
   * The rules in force in `directory`, which holds `listed`.
   * @throws {FileSystemError} If an ignore file in it can't be used.
   */
  async enter(
    directory: Directory,
    path: RelPath,
    listed: readonly ListedEntry[],
    inherited: IgnoreScope,
  ): Promise<IgnoreScope> {
    if (this.#files.length === 0) return inherited;
    // A link is not honoured, wherever it leads.
    const found = listed.filter(({ name, stat }) =>
      this.#files.includes(name) && stat.kind === "file"
    );
    if (found.length === 0) return inherited;
    const read: { name: Name; content: Uint8Array; set: RuleSet }[] = [];
    const files: ReadFile[] = [];
    for (const file of this.#files) {
      const entry = found.find(({ name }) => name === file);
      if (entry === undefined) continue;
      const { name, stat: { size } } = entry;
      const at = join(path, name);
      try {
        const content = await readWhole(directory, name, size, at);
        if (content === undefined) continue;
        const set = new RuleSet(parseIgnoreFile(content, at));
        read.push({ name, content, set });
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        if (!this.#isTarget) throw asFileSystemError(error);
        files.push({ path: at, content: undefined, counts: true });
      }
    }
    const sets = read.map(({ set }) => set);
    const scope = inherited.add(sets);
    this.#own.set(path, sets);
    for (const { name, content, set } of read) {
      // What is not sent, and only leaves more out, need not be at the target.
      const isLocal = !this.#isTarget && scope.ignores(name, false) &&
        !set.rules.some((rule) => rule.negated);
      files.push({ path: join(path, name), content, counts: !isLocal });
    }
    this.#read.set(path, files);
    return scope;
  }

  /** Of the files that count, when all were read. */
  digest(): Digest {
    const digest = new IgnoreDigest();
    for (const at of [...this.#read.keys()].sort(comparePaths)) {
      for (const { path, content, counts } of this.#read.get(at)!) {
        if (counts) digest.add(path, content);
      }
    }
    return digest.finish();
  }

  /** For the next scan of the same tree. */
  records(): IgnoreRecords {
    return { own: this.#own, files: this.#read };
  }

  /** All rules that were read. */
  tree(): IgnoreTree {
    return new IgnoreTree(this.given, this.#own);
  }
}

/** All that is in the file `name`; undefined if it is gone. */
async function readWhole(
  directory: Directory,
  name: Name,
  size: number,
  path: RelPath,
): Promise<Uint8Array | undefined> {
  for (let attempt = 1, room = size;; attempt++) {
    checkIgnoreLimit(displayPath(path), room, MAX_IGNORE_FILE_BYTES, "bytes");
    const bytes = new Uint8Array(room + 1);
    try {
      const { length, stat } = await directory.readFile(name, bytes);
      if (length === stat.size) return bytes.subarray(0, length);
      room = stat.size;
    } catch (error) {
      if (isFileSystemError(error, "not-found")) return undefined;
      throw error;
    }
    if (attempt === ATTEMPTS) {
      throw new FileSystemError(
        "io",
        `Cannot read ${displayPath(path)}: it is being written to`,
      );
    }
  }
}

function sameBytes(
  a: Uint8Array | undefined,
  b: Uint8Array | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function asFileSystemError(error: SyncError): FileSystemError {
  if (isFileSystemError(error)) return error;
  return new FileSystemError("unsupported", error.message, { cause: error });
}
