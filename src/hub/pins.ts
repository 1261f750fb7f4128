/** Counts who needs what, by name, so that it is not collected meanwhile. */
export class Pins {
  readonly #counts = new Map<string, number>();

  /** `name` is needed until the answer is called; calling it again does nothing. */
  pin(name: string): () => void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    let isPinned = true;
    return () => {
      if (!isPinned) return;
      isPinned = false;
      const left = this.#counts.get(name)! - 1;
      if (left === 0) this.#counts.delete(name);
      else this.#counts.set(name, left);
    };
  }

  /** Whether anybody needs it. */
  has(name: string): boolean {
    return this.#counts.has(name);
  }

  /** All that is needed. */
  names(): Iterable<string> {
    return this.#counts.keys();
  }
}
