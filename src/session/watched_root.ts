/**
 * The root of a watch: whether it is there, and is the directory that it was. One
 * that was lost and is found is opened anew, and its tree watched anew.
 */
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import type { TreeWatch, WatchEnded } from "../fs/watch.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";
import type { LookSchedule } from "./look_schedule.ts";

/** How often the root is looked at, though nothing says that it has changed. */
const ROOT_CHECK_MS = 2_000;

/** How often a root that is gone is looked for. */
export const ROOT_WAIT_MS = 500;

/** Where a source is, and whether it still is the same directory. */
export interface SourcePlace {
  /** Whether the directory that was opened is still the one at its path. */
  isThere(): boolean;
  /** Opens it anew; the caller closes it. */
  open(): Promise<LocalEndpoint>;
}

/** Something that concerns the source, whoever follows it. */
export type SourceEvent =
  /** The root is not there any more, or another one is; nothing is changed until it is back. */
  | { readonly kind: "source-lost"; readonly path: string }
  | { readonly kind: "source-back"; readonly path: string }
  | { readonly kind: "warning"; readonly message: string };

/** What a {@link WatchedRoot} is given. */
export interface WatchedRootOptions {
  readonly place: SourcePlace;
  readonly clock: Clock;
  /** Hears of all that its watch tells. */
  readonly schedule: LookSchedule;
  readonly onEvent: (event: SourceEvent) => void;
  /** See `TreeWatchOptions`. */
  readonly isIgnored: (path: RelPath) => boolean;
  /** Called after the schedule has heard of something. */
  readonly onChange: () => void;
}

/** One root. Its owner closes it, and after that {@link source}. */
export class WatchedRoot {
  readonly #options: WatchedRootOptions;
  #source: LocalEndpoint;
  #watch: TreeWatch;
  #isLost = false;
  #nextCheck = 0;
  #hasSaidLimit = false;

  constructor(source: LocalEndpoint, options: WatchedRootOptions) {
    this.#options = options;
    this.#source = source;
    this.#watch = this.#newWatch();
  }

  /** Another one after the root was lost and found; the one before is closed then. */
  get source(): LocalEndpoint {
    return this.#source;
  }

  /** The watch of now: another one each time that it has begun anew. */
  get watch(): TreeWatch {
    return this.#watch;
  }

  /** Whether the root is gone, so that nothing can be said of it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** When to {@link check} it next. */
  get nextCheck(): number {
    return this.#nextCheck;
  }

  /** Begins to watch: all is dirty then. */
  async start(): Promise<void> {
    await this.#watch.start();
    this.#watch.markAll();
  }

  /** Whether the root is there, as far as is known; looks, where that is due. */
  async check(): Promise<boolean> {
    if (this.#options.clock.now() < this.#nextCheck) return !this.#isLost;
    return await this.checkNow();
  }

  /** Whether the root is there; says so when that changes. */
  async checkNow(): Promise<boolean> {
    const { place, clock, onEvent } = this.#options;
    const now = clock.now();
    const isThere = place.isThere();
    this.#nextCheck = now + (isThere ? ROOT_CHECK_MS : ROOT_WAIT_MS);
    const path = this.#source.name;
    if (!isThere) {
      if (!this.#isLost) onEvent({ kind: "source-lost", path });
      this.#isLost = true;
      // Else it would be looked at at once.
      this.#watch.take();
      return false;
    }
    if (!this.#isLost) return true;
    try {
      await this.#reopen();
    } catch {
      // It went away again.
      return false;
    }
    this.#isLost = false;
    onEvent({ kind: "source-back", path });
    return true;
  }

  /** Tries once more to watch all of `tree`, the last that was seen. */
  async watchAgain(tree: DirectoryEntry | undefined): Promise<void> {
    this.#watch.close();
    this.#watch = this.#newWatch();
    await this.#watch.start();
    if (tree !== undefined) await this.#watch.follow(tree);
    this.#watch.markAll();
  }

  close(): void {
    this.#watch.close();
  }

  /** What was opened may be the directory of before, on a disk that is gone. */
  async #reopen(): Promise<void> {
    const before = this.#source;
    this.#source = await this.#options.place.open();
    try {
      await this.watchAgain(undefined);
    } finally {
      await before.close({ kind: "interrupted", message: "" });
    }
  }

  #newWatch(): TreeWatch {
    const { clock, schedule, isIgnored, onChange } = this.#options;
    schedule.watched();
    return this.#source.watch({
      clock,
      isIgnored,
      onDirty: () => {
        schedule.dirtied(clock.now());
        onChange();
      },
      onFlood: () => {
        schedule.flooded(clock.now());
        onChange();
      },
      onEnded: (ended) => this.#onEnded(ended),
    });
  }

  #onEnded(ended: WatchEnded): void {
    const { clock, schedule, onEvent } = this.#options;
    schedule.unwatched(clock.now());
    if (this.#hasSaidLimit) return;
    this.#hasSaidLimit = true;
    const path = displayPath(this.#source.name);
    const why = ended.message.replace(/\.$/, "");
    const how = ended.remedy === undefined
      ? ""
      : ` (to allow more: ${ended.remedy})`;
    onEvent({
      kind: "warning",
      message: `Can't watch all of ${path}: ${why}${how}; ` +
        "looking at all of it every now and then instead",
    });
  }
}
