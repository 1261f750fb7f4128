/**
 * A target, and what is known of it: what was seen there once, and what transitions
 * have achieved since. Where that may be wrong it is forgotten, and the target is
 * looked at again.
 */
import type { IgnoreTree } from "../core/ignore_tree.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import {
  type ScanAudience,
  scanTarget,
  withoutIgnored,
} from "./compare_sides.ts";
import type { Endpoint } from "./endpoint.ts";

/** One endpoint, as far as it is known. */
export class KnownTarget {
  readonly endpoint: Endpoint;
  /** Whether it has not heard of any round yet. */
  isNew = true;
  /** What it has, less what is ignored; undefined: it has to be looked at. */
  #model: Snapshot | undefined;
  /** The rules by which the model leaves things out. */
  #rules: IgnoreTree | undefined;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  get isKnown(): boolean {
    return this.#model !== undefined;
  }

  /** Whether something of it could not be looked at. */
  get isUnreadable(): boolean {
    const problems = this.#model?.problems ?? [];
    return problems.some(({ code }) => code === "unreadable");
  }

  forget(): void {
    this.#model = undefined;
  }

  /** Says what it has now; one that does not reckon along is looked at instead. */
  learn(model: Snapshot): void {
    this.#model = this.endpoint.follows ? model : undefined;
  }

  /** What it has, as far as the source, which is `here`, does not ignore it. */
  async snapshot(
    here: Snapshot,
    scanOptions: ScanOptions,
    audience: ScanAudience,
  ): Promise<Snapshot> {
    if (this.#model !== undefined && this.#rules === here.ignoreTree) {
      return this.#model;
    }
    const { onEvent } = audience;
    const { there } = await scanTarget(
      this.endpoint,
      Promise.resolve(here),
      scanOptions,
      audience,
    );
    onEvent?.({ kind: "scanned", side: "source", totals: here.totals });
    onEvent?.({ kind: "scanned", side: "target", totals: there.totals });
    this.#model = withoutIgnored(here, there, scanOptions);
    this.#rules = here.ignoreTree;
    return this.#model;
  }
}
