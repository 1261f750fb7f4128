/** The ignore files of a tree, read on the way of a scan. */
import { type IgnoreScope, RuleSet } from "../core/ignore.ts";
import { IgnoreDigest } from "../core/ignore_digest.ts";
import { parseIgnoreFile } from "../core/ignore_file.ts";
import {
  checkIgnoreLimit,
  MAX_IGNORE_FILE_BYTES,
} from "../core/ignore_limits.ts";
import { IgnoreTree } from "../core/ignore_tree.ts";
import { displayPath, join, type Name, type RelPath } from "../core/path.ts";
import type { Digest } from "../core/entry.ts";
import { FileSystemError, isFileSystemError, SyncError } from "../errors.ts";
import type { Directory, ListedEntry } from "./file_system.ts";

/** How often a file that is being written to is read again. */
const ATTEMPTS = 3;

/** Reads the ignore files of one tree, and remembers what they say. */
export class IgnoreReader {
  /** The rules that hold in the root without those of its files. */
  readonly given: IgnoreScope;
  readonly #files: readonly string[];
  readonly #isTarget: boolean;
  readonly #own = new Map<RelPath, readonly RuleSet[]>();
  readonly #digest = new IgnoreDigest();

  /**
   * @param files Their names; of two in one directory the later one wins.
   * @param isTarget Whether the rules of another tree decide in the end: then a
   *   file that can't be used has no rules, which shows in the digest.
   */
  constructor(given: IgnoreScope, files: readonly string[], isTarget: boolean) {
    this.given = given;
    this.#files = files;
    this.#isTarget = isTarget;
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
        this.#digest.add(at, undefined);
      }
    }
    const sets = read.map(({ set }) => set);
    const scope = inherited.add(sets);
    this.#own.set(path, sets);
    for (const { name, content, set } of read) {
      // What is not sent, and only leaves more out, need not be at the target.
      const isLocal = !this.#isTarget && scope.ignores(name, false) &&
        !set.rules.some((rule) => rule.negated);
      if (!isLocal) this.#digest.add(join(path, name), content);
    }
    return scope;
  }

  /** Of the files that count, when all were read; to be called once. */
  digest(): Digest {
    return this.#digest.finish();
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

function asFileSystemError(error: SyncError): FileSystemError {
  if (isFileSystemError(error)) return error;
  return new FileSystemError("unsupported", error.message, { cause: error });
}
