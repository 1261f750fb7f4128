/** What is said of rounds that come again and again: only what is new. */
import { hasChanges } from "../core/change.ts";
import type { CommandEvent, Reporter } from "./events.ts";

/** What is wanted besides. */
export interface RoundReporterOptions {
  /** Everything. */
  readonly verbose: boolean;
  /** The end of each round, for programs. */
  readonly json: boolean;
}

/** Keeps from `inner` what a round without changes would say. */
export class RoundReporter implements Reporter {
  readonly #inner: Reporter;
  readonly #options: RoundReporterOptions;
  /** What is said only if the round turns out to change something. */
  #held: CommandEvent[] = [];
  /** Problems of the last round that was completed, and of this one. */
  #known = new Set<string>();
  #met = new Set<string>();
  #isFirst = true;
  #hasNews = false;
  /** Why there was no round the last time. */
  #fault: string | undefined;

  constructor(inner: Reporter, options: RoundReporterOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  report(event: CommandEvent): void {
    if (this.#options.verbose || this.#isNews(event)) this.#inner.report(event);
  }

  #isNews(event: CommandEvent): boolean {
    switch (event.kind) {
      case "scanning":
        return this.#isFirst;
      case "scanned":
        if (this.#isFirst) return true;
        this.#held.push(event);
        return false;
      case "planned":
        if (!this.#isFirst && !hasChanges(event.totals)) return false;
        for (const held of this.#held) this.#inner.report(held);
        this.#held = [];
        return true;
      case "problem": {
        const { side, problem: { path, code, message } } = event;
        const key = JSON.stringify([side, path, code, message]);
        this.#met.add(key);
        if (this.#known.has(key)) return false;
        this.#hasNews = true;
        return true;
      }
      case "synced":
        return this.#isSyncedNews(event);
      case "paused": {
        const fault = String(event.error);
        const isNew = fault !== this.#fault;
        this.#fault = fault;
        this.#held = [];
        this.#met = new Set();
        return isNew;
      }
      default:
        return true;
    }
  }

  #isSyncedNews({ summary }: CommandEvent & { kind: "synced" }): boolean {
    const isNews = this.#isFirst || this.#hasNews ||
      this.#fault !== undefined || this.#known.size !== this.#met.size ||
      hasChanges(summary.changes);
    this.#isFirst = false;
    this.#hasNews = false;
    this.#fault = undefined;
    this.#held = [];
    this.#known = this.#met;
    this.#met = new Set();
    return isNews || this.#options.json;
  }
}
