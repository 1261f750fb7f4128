/** Paths that could not be carried out, and are left alone for a while. */
import { type Change, isTouch } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import { parentOf, type RelPath } from "../core/path.ts";
import type { ProblemCode } from "../core/problem.ts";
import type { SidedProblem } from "./events.ts";

/** What is being written to settles soon, as a rule. */
const FIRST_STALE_MS = 20;
const MAX_STALE_MS = 10_000;

/** What a target can't do it will hardly be able to do in a moment. */
const FIRST_FAILED_MS = 1_000;
const MAX_FAILED_MS = 60_000;

interface Rest {
  /** Undefined once its time has come. */
  until: number | undefined;
  readonly tries: number;
  /** What was wrong, where it is known. */
  readonly problem: SidedProblem | undefined;
}

/** Each further failure of a path in a row lets it rest twice as long. */
export class Resting {
  readonly #clock: Clock;
  readonly #rests = new Map<RelPath, Rest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the first of them is to be tried again; Infinity if there is none. */
  get due(): number {
    let due = Infinity;
    for (const { until = Infinity } of this.#rests.values()) {
      due = Math.min(due, until);
    }
    return due;
  }

  /** Whether `path` is to be left alone now. */
  has(path: RelPath): boolean {
    const until = this.#rests.get(path)?.until;
    return until !== undefined && until > this.#clock.now();
  }

  /** How often `path` has failed in a row. */
  tries(path: RelPath): number {
    return this.#rests.get(path)?.tries ?? 0;
  }

  /** What was wrong with the paths that rest now. */
  problems(): SidedProblem[] {
    const problems: SidedProblem[] = [];
    for (const [path, { problem }] of this.#rests) {
      if (problem !== undefined && this.has(path)) problems.push(problem);
    }
    return problems;
  }

  add(path: RelPath, code: ProblemCode, problem?: SidedProblem): void {
    const [first, most] = code === "stale"
      ? [FIRST_STALE_MS, MAX_STALE_MS]
      : [FIRST_FAILED_MS, MAX_FAILED_MS];
    const tries = this.tries(path) + 1;
    const ms = Math.min(most, first * 2 ** (tries - 1));
    this.#rests.set(path, { until: this.#clock.now() + ms, tries, problem });
  }

  delete(path: RelPath): void {
    this.#rests.delete(path);
  }

  /**
   * Forgets the paths at which nothing is left to be done: neither one of `changes`
   * nor one of `problems` is about them, or about what holds them or is in them.
   */
  keepTo(
    changes: Iterable<Change>,
    problems: Iterable<SidedProblem> = [],
  ): void {
    if (this.#rests.size === 0) return;
    const at = new Set<RelPath>();
    const whole = new Set<RelPath>();
    for (const change of changes) {
      at.add(change.path);
      // The touch of a directory says nothing of what is in it.
      if (!isTouch(change)) whole.add(change.path);
    }
    for (const { problem } of problems) at.add(problem.path);
    const above = new Set<RelPath>();
    for (const path of at) {
      for (const parent of parentsOf(path)) {
        if (above.has(parent)) break;
        above.add(parent);
      }
    }
    for (const path of this.#rests.keys()) {
      const isOpen = at.has(path) || above.has(path) ||
        parentsOf(path).some((parent) => whole.has(parent));
      if (!isOpen) this.#rests.delete(path);
    }
  }

  /** Forgets the paths that were woken, and have not failed again. */
  settle(): void {
    for (const [path, { until }] of this.#rests) {
      if (until === undefined) this.#rests.delete(path);
    }
  }

  /** The paths whose time has come: each is to be tried now. */
  wake(): RelPath[] {
    const now = this.#clock.now();
    const woken: RelPath[] = [];
    for (const [path, rest] of this.#rests) {
      if (rest.until === undefined || rest.until > now) continue;
      rest.until = undefined;
      woken.push(path);
    }
    return woken;
  }
}

/** The directories above `path`, the nearest first. */
function parentsOf(path: RelPath): RelPath[] {
  const parents: RelPath[] = [];
  for (
    let parent = parentOf(path);
    parent !== undefined;
    parent = parentOf(parent)
  ) parents.push(parent);
  return parents;
}
