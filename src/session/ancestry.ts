/** What two sides agreed on last, as a two-way sync finds and leaves it. */
import type { Announced } from "../core/announced.ts";
import type { DirectoryEntry } from "../core/entry.ts";

/** The memory of one pair of sides. */
export interface Ancestry {
  /** The last state that both agreed on, or {@link save} was given; undefined: this is like a first run. */
  readonly ancestor: DirectoryEntry | undefined;
  /** What was announced since then, and may have been done or not. */
  readonly announced: readonly Announced[];
  /**
   * Remembers what is about to be done, in place of what was announced before: when
   * it has returned, it survives a loss of power. It counts until the next
   * {@link save}.
   */
  announce(announced: readonly Announced[]): Promise<void>;
  /**
   * Remembers what both agree on now: when it has returned, it survives a loss of
   * power. To be called when the changes themselves do.
   */
  save(ancestor: DirectoryEntry): Promise<void>;
}
