/** The files whose content one list of changes needs, and what became of each. */
import { type Change, needsContent } from "../core/change.ts";
import type { Entry, FileEntry } from "../core/entry.ts";
import {
  displayPath,
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
} from "../core/path.ts";
import type { Problem } from "../core/problem.ts";

const WANTED = 0;
const STAGED = 1;
const FAILED = 2;

/** Where a planned file shall lie, and what it shall be. */
export interface Destination {
  readonly parent: RelPath;
  readonly name: Name;
  readonly entry: FileEntry;
}

/** Files by their numbers in `filesOf` the changes; there may be a million. */
export class PlannedFiles {
  // In columns, which take a third of the memory of as many objects.
  readonly #parents: RelPath[] = [];
  readonly #names: Name[] = [];
  readonly #entries: FileEntry[] = [];
  readonly #states: Uint8Array;
  /** Number of the first file of each change. */
  readonly #firsts: number[] = [];
  readonly #problems: Problem[] = [];

  constructor(changes: readonly Change[]) {
    for (const change of changes) {
      this.#firsts.push(this.#entries.length);
      if (needsContent(change)) {
        this.#plan(parentOf(change.path)!, nameOf(change.path), change.new);
      }
    }
    this.#states = new Uint8Array(this.#entries.length);
  }

  get count(): number {
    return this.#entries.length;
  }

  /** What could not be had or stored, so far. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** File number `index`, or undefined if there are not so many. */
  at(index: number): Destination | undefined {
    const entry = this.#entries[index];
    if (entry === undefined) return undefined;
    return { parent: this.#parents[index]!, name: this.#names[index]!, entry };
  }

  /** Number of the first file of change number `i`. */
  firstOf(i: number): number {
    return this.#firsts[i]!;
  }

  isStaged(index: number): boolean {
    return this.#states[index] === STAGED;
  }

  hasFailed(index: number): boolean {
    return this.#states[index] === FAILED;
  }

  /** The content of file number `index` is here in full. */
  setStaged(index: number): void {
    this.#states[index] = STAGED;
  }

  /** The content of file number `index` will not be here. */
  fail(index: number, code: Problem["code"], message: string): void {
    this.#states[index] = FAILED;
    const path = join(this.#parents[index]!, this.#names[index]!);
    this.#problems.push({ path, code, message });
  }

  /** Whether all content that change number `i` needs is here. */
  areStaged(i: number): boolean {
    const end = this.#firsts[i + 1] ?? this.count;
    for (let index = this.#firsts[i]!; index < end; index++) {
      if (this.#states[index] !== STAGED) return false;
    }
    return true;
  }

  /** Reports the files of change number `i` whose content never came. */
  reportMissing(i: number): void {
    const end = this.#firsts[i + 1] ?? this.count;
    for (let index = this.#firsts[i]!; index < end; index++) {
      if (this.#states[index] !== WANTED) continue;
      const path = join(this.#parents[index]!, this.#names[index]!);
      const message = `No content came for ${displayPath(path)}`;
      this.fail(index, "failed", message);
    }
  }

  /** The files of change number `i` whose content will not be here. */
  *failedOf(i: number): Generator<Destination> {
    const end = this.#firsts[i + 1] ?? this.count;
    for (let index = this.#firsts[i]!; index < end; index++) {
      if (this.hasFailed(index)) yield this.at(index)!;
    }
  }

  /** Reports what is wrong with something that is not a planned file. */
  report(problem: Problem): void {
    this.#problems.push(problem);
  }

  /** Numbers the files of `entry` as `filesOf` does, without a path for each. */
  #plan(parent: RelPath, name: Name, entry: Entry): void {
    if (entry.kind === "file") {
      this.#parents.push(parent);
      this.#names.push(name);
      this.#entries.push(entry);
    } else if (entry.kind === "directory") {
      const path = join(parent, name);
      for (const [childName, child] of entry.children) {
        this.#plan(path, childName, child);
      }
    }
  }
}
