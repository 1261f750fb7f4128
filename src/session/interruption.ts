/**
 * Breaking large content off in a watch, so that what is small does not wait for
 * it. What has come of it is continued afterwards; that is not free, since both
 * ends read it again to see that it agrees. So each try first gets several times
 * as long as it took to get going: it comes to its end however often something
 * else changes.
 */
import { type Change, filesOf, isTouch } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import { diff } from "../core/diff.ts";
import type { RelPath } from "../core/path.ts";
import { type ContentBatch, lengthOf } from "../core/piece.ts";
import { sleep } from "../core/sleep.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Interruption } from "./carry_out_in_order.ts";
import type { Feed, Version } from "./feed.ts";

/** Large content is broken off no more often than this. */
const LEAST_MS = 1_000;

/** It passes for this many times as long as it took to begin. */
const WORTH = 4;

/** Watches the feed while the content of large changes passes. */
export class FeedInterruption implements Interruption {
  readonly #feed: Feed;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #end = new AbortController();
  readonly #large: ReadonlySet<RelPath>;
  /** Bytes of the files before each one, by number. */
  readonly #before: number[] = [];
  readonly #bytes: number;
  readonly #start: number;
  readonly #begun = Promise.withResolvers<void>();
  #begunAt: number | undefined;
  /** How far the content was when it began to pass, and is now, in bytes. */
  #from = 0;
  #at = 0;

  /** @param version The one that is being carried out. */
  constructor(
    feed: Feed,
    version: Version,
    large: readonly Change[],
    clock: Clock,
  ) {
    this.#feed = feed;
    this.#clock = clock;
    this.#start = clock.now();
    this.#large = new Set(large.map(({ path }) => path));
    let bytes = 0;
    for (const { entry } of filesOf(large)) {
      this.#before.push(bytes);
      bytes += entry.size;
    }
    this.#bytes = bytes;
    this.#watch(version).catch((error) => this.#abort.abort(error));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  passing({ pieces }: ContentBatch): void {
    const last = pieces.at(-1);
    if (last === undefined || last.kind === "unavailable") return;
    const before = this.#before[last.index] ?? 0;
    this.#at = before + last.offset + lengthOf(last);
    if (this.#begunAt !== undefined) return;
    this.#begunAt = this.#clock.now();
    this.#from = before + last.offset;
    this.#begun.resolve();
  }

  stop(): void {
    this.#end.abort();
    this.#begun.resolve();
  }

  async #watch(version: Version): Promise<void> {
    const { signal } = this.#end;
    await this.#begun.promise;
    for (let seen = version; !signal.aborted;) {
      const next = this.#feed.version ?? seen;
      if (next.number > seen.number && this.#concernsOthers(version, next)) {
        return await this.#breakOff();
      }
      seen = next;
      await this.#feed.newer(seen.number, signal);
    }
  }

  /** Whether anything else has changed, or something large is not wanted any more. */
  #concernsOthers(
    { snapshot: before }: { readonly snapshot: Snapshot },
    { snapshot: after }: { readonly snapshot: Snapshot },
  ): boolean {
    const options = { deletes: true, modes: true };
    const { changes } = diff(before.root, after.root, options);
    return changes.some((change) => {
      const { path, new: wanted } = change;
      if (wanted?.kind === "directory" && isTouch(change)) return false;
      return wanted === undefined || !this.#large.has(path);
    });
  }

  /** When that is worth it. */
  async #breakOff(): Promise<void> {
    const { signal } = this.#end;
    const begunAt = this.#begunAt;
    if (begunAt === undefined) return;
    const costMs = begunAt - this.#start;
    const due = begunAt + Math.max(LEAST_MS, WORTH * costMs);
    const now = this.#clock.now();
    if (due > now) await sleep(due - now, this.#clock, signal);
    if (signal.aborted) return;
    const spent = this.#clock.now() - begunAt;
    const passed = this.#at - this.#from;
    const restMs = passed > 0
      ? (this.#bytes - this.#at) / passed * spent
      : Infinity;
    if (restMs <= costMs) return;
    this.#abort.abort(new Error("Something small comes first"));
  }
}
