/**
 * Lanes: several runs of `deno test` at once, told of as if they were one. What
 * they print comes as it comes, but for what has failed and the summary, which are
 * the last things told.
 */
import { stripVTControlCharacters } from "node:util";

/** The tests of one run, counted. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** How one lane has ended. */
export interface LaneEnd {
  readonly code: number;
  /** From the heading of what has failed on, without the summary; often empty. */
  readonly failures: readonly string[];
  /** Undefined if it broke down before it had counted. */
  readonly counts: Counts | undefined;
}

const SUMMARY = /^(?:ok|FAILED) \| /;
const FAILURES = /^ *ERRORS *$/;

/** Takes the lines of one lane, and passes on what shall be told at once. */
export class LaneOutput {
  readonly #tell: (line: string) => void;
  readonly #failures: string[] = [];
  #hasFailures = false;
  #counts: Counts | undefined;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  line(text: string): void {
    const plain = stripVTControlCharacters(text);
    this.#hasFailures ||= FAILURES.test(plain);
    if (SUMMARY.test(plain)) this.#counts = countsOf(plain);
    else if (this.#hasFailures) this.#failures.push(text);
    else this.#tell(text);
  }

  end(code: number): LaneEnd {
    return { code, failures: this.#failures, counts: this.#counts };
  }
}

/**
 * One summary of all lanes, like that of `deno test`. A lane that broke down
 * counts as one failure, and so does one that ends badly without a failed test.
 */
export function summaryOf(lanes: readonly LaneEnd[], seconds: number): string {
  const sum = (count: (lane: LaneEnd) => number): number =>
    lanes.reduce((total, lane) => total + count(lane), 0);
  const passed = sum(({ counts }) => counts?.passed ?? 0);
  const ignored = sum(({ counts }) => counts?.ignored ?? 0);
  const failed = sum(({ code, counts }) =>
    Math.max(counts?.failed ?? 0, code === 0 && counts !== undefined ? 0 : 1)
  );
  const minutes = Math.floor(seconds / 60);
  return [
    failed === 0 ? "ok" : "FAILED",
    `${passed} passed`,
    `${failed} failed`,
    ...(ignored > 0 ? [`${ignored} ignored`] : []),
  ].join(" | ") + ` (${minutes}m${Math.floor(seconds % 60)}s)`;
}

function countsOf(summary: string): Counts {
  const count = (what: string): number =>
    Number(summary.match(`(\\d+) ${what}`)?.[1] ?? 0);
  return {
    passed: count("passed"),
    failed: count("failed"),
    ignored: count("ignored"),
  };
}
