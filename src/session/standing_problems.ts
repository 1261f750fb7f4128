/** Problems of rounds that come again and again: each is told of once while it stands. */
import type { SidedProblem } from "./events.ts";
import type { Resting } from "./resting.ts";

/** What stays stale this often is worth a word. */
const PATIENT_TRIES = 9;

/** What was left out of the last round. */
export class StandingProblems<P extends SidedProblem> {
  readonly #resting: Resting;
  #all: readonly P[] = [];
  /** Keys of those that were told of. */
  #told: ReadonlySet<string> = new Set();

  /** @param resting Knows how often a path has failed. */
  constructor(resting: Resting) {
    this.#resting = resting;
  }

  /** All of them, told of or not. */
  get all(): readonly P[] {
    return this.#all;
  }

  /**
   * These stand from now on, and no others: those that are to be told of now. What
   * may settle by itself gets time to.
   */
  replace(problems: readonly P[]): P[] {
    const told = new Set<string>();
    const fresh: P[] = [];
    for (const sided of problems) {
      if (this.#isPassing(sided)) continue;
      const key = keyOf(sided);
      told.add(key);
      if (!this.#told.has(key)) fresh.push(sided);
    }
    this.#told = told;
    this.#all = problems;
    return fresh;
  }

  #isPassing({ problem: { path, code } }: P): boolean {
    return code === "stale" && this.#resting.tries(path) < PATIENT_TRIES;
  }
}

function keyOf({ side, problem: { path, message } }: SidedProblem): string {
  return `${side} ${path} ${message}`;
}
