/** Tells what others change at a hub, and not what oneself does. */
import type { HubStore } from "./store.ts";

/** What the changes of others wake. Its owner closes it. */
export class OthersChanges {
  readonly #store: HubStore;
  #unsubscribe = (): void => {};
  #onChange: (() => void) | undefined;
  /** Revisions that were accepted while {@link during} is under way. */
  #heard: number[] | undefined;

  constructor(store: HubStore) {
    this.#store = store;
  }

  /** From now on `onChange`, and nobody else, hears of what others change. */
  subscribe(onChange: () => void): void {
    this.#unsubscribe();
    this.#onChange = onChange;
    this.#unsubscribe = this.#store.onAccepted((records) => {
      if (this.#heard === undefined) return onChange();
      for (const { revision } of records) this.#heard.push(revision);
    });
  }

  /** Does `commit`, which says which revisions are its own: these wake nobody. */
  async during<T>(commit: (own: Set<number>) => Promise<T>): Promise<T> {
    const heard: number[] = [];
    const own = new Set<number>();
    this.#heard = heard;
    try {
      return await commit(own);
    } finally {
      this.#heard = undefined;
      // Others may have come in between.
      if (heard.some((revision) => !own.has(revision))) this.#onChange?.();
    }
  }

  close(): void {
    this.#unsubscribe();
  }
}
