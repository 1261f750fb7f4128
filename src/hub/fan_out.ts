/**
 * Delivers what happens at a hub to whoever listens. Nobody is waited for: a
 * listener that does not keep up is dropped, and has to ask for what it missed.
 */
import type { RelPath } from "../core/path.ts";
import type { HubRecord } from "./record.ts";

/** Something that listeners hear of. */
export type HubNotice =
  | { readonly kind: "file_changed"; readonly record: HubRecord }
  | { readonly kind: "file_deleted"; readonly record: HubRecord }
  | {
    readonly kind: "conflict";
    readonly id: number;
    readonly path: RelPath;
    readonly client: string;
  }
  | {
    readonly kind: "client_joined" | "client_left";
    readonly client: string;
    readonly name: string;
  };

/** Somebody who listens. */
export interface Listener {
  /** Whether it wants to hear of this. */
  wants(notice: HubNotice): boolean;
  /** So many notices wait for it at the most. */
  readonly limit: number;
  /** It was closed, or dropped because it was too slow. */
  closed?(isDropped: boolean): void;
}

/** What a listener has not taken yet. Its owner closes it. */
export class Subscription implements Disposable {
  readonly #listener: Listener;
  readonly #onClose: () => void;
  readonly #waiting: HubNotice[] = [];
  #wake: (() => void) | undefined;
  #isOpen = true;
  #isDropped = false;

  constructor(listener: Listener, onClose: () => void) {
    this.#listener = listener;
    this.#onClose = onClose;
  }

  /** Whether it was too slow. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** The next notice; undefined: there will be none, it was closed or dropped. */
  async next(): Promise<HubNotice | undefined> {
    while (this.#isOpen && this.#waiting.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#isOpen ? this.#waiting.shift() : undefined;
  }

  /** What waits, taken at once. */
  take(): HubNotice[] {
    return this.#waiting.splice(0);
  }

  /** For the {@link FanOut}. */
  offer(notice: HubNotice): void {
    if (!this.#isOpen || !this.#listener.wants(notice)) return;
    if (this.#waiting.length >= this.#listener.limit) {
      this.#isDropped = true;
      this[Symbol.dispose]();
      return;
    }
    this.#waiting.push(notice);
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#waiting.length = 0;
    this.#wake?.();
    this.#onClose();
    this.#listener.closed?.(this.#isDropped);
  }
}

/** All who listen to a hub. */
export class FanOut {
  readonly #subscriptions = new Set<Subscription>();
  #dropped = 0;

  /** How many listen now. */
  get listeners(): number {
    return this.#subscriptions.size;
  }

  /** How many were too slow, so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** From now on `listener` hears of what it wants to. */
  subscribe(listener: Listener): Subscription {
    const subscription = new Subscription(listener, () => {
      this.#subscriptions.delete(subscription);
      if (subscription.isDropped) this.#dropped++;
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Tells everybody; takes no time of anybody's. */
  tell(notice: HubNotice): void {
    for (const subscription of [...this.#subscriptions]) {
      subscription.offer(notice);
    }
  }

  /** Tells of accepted changes. */
  tellOf(records: readonly HubRecord[]): void {
    for (const record of records) {
      const kind = record.kind === "deleted" ? "file_deleted" : "file_changed";
      this.tell({ kind, record });
    }
  }

  /** Nobody hears of anything any more. */
  close(): void {
    for (const subscription of [...this.#subscriptions]) {
      subscription[Symbol.dispose]();
    }
  }
}
