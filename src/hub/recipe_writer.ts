/** Content on its way into a store that has most of its chunks already. */
import { createHash, type Hash } from "node:crypto";
import { chunkId, ID_BYTES, type Recipe } from "../content/recipe.ts";
import { IntegrityError } from "../errors.ts";
import type { ContentStore } from "./content_store.ts";
import type { RecipeWriter, StoredContent } from "./store.ts";

/** What a {@link KnownRecipeWriter} begins with. */
export interface RecipeWriterOptions {
  readonly recipe: Recipe;
  /** As `RecipeWriter.here`. */
  readonly here: Uint8Array;
  readonly client: string;
  /** From now on the chunks of the recipe may go. */
  readonly unpin: () => void;
}

/** Puts one file together, chunk by chunk: each is proven before it counts. */
export class KnownRecipeWriter implements RecipeWriter {
  readonly here: Uint8Array;
  readonly #store: ContentStore;
  readonly #options: RecipeWriterOptions;
  readonly #digest: Hash = createHash("sha256");
  readonly #held: (() => void)[] = [];
  #next = 0;
  #isOver = false;

  constructor(store: ContentStore, options: RecipeWriterOptions) {
    this.#store = store;
    this.#options = options;
    this.here = options.here;
  }

  get next(): number {
    return this.#next;
  }

  copy(): void {
    const id = this.#nextId();
    if (this.here[this.#next] !== 1) {
      throw new TypeError(`Chunk ${this.#next} is not here`);
    }
    const bytes = this.#store.chunkStore.read(id);
    if (chunkId(bytes) !== id.toHex()) {
      this.#store.chunkStore.noteDamaged(id.toHex());
      throw new IntegrityError("The hub's data is damaged: a chunk is another");
    }
    this.#add(bytes);
  }

  put(bytes: Uint8Array): void {
    const id = this.#nextId().toHex();
    if (chunkId(bytes) !== id) {
      throw new IntegrityError(
        `Chunk ${this.#next} is not what its recipe says`,
      );
    }
    this.#held.push(
      this.#store.chunkStore.put(id, bytes, this.#options.client),
    );
    this.#add(bytes);
  }

  finish(): StoredContent {
    const { recipe } = this.#options;
    if (this.#next !== recipe.lengths.length) {
      throw new TypeError(`Chunk ${this.#next} has not come`);
    }
    this.#isOver = true;
    return this.#store.keep(
      this.#digest.digest("hex"),
      { size: recipe.size, recipe },
      () => this.#release(),
    );
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
  }

  #nextId(): Uint8Array {
    const at = this.#next * ID_BYTES;
    return this.#options.recipe.ids.subarray(at, at + ID_BYTES);
  }

  #add(bytes: Uint8Array): void {
    this.#digest.update(bytes);
    this.#next++;
  }

  #release(): void {
    this.#options.unpin();
    for (const release of this.#held.splice(0)) release();
  }
}
