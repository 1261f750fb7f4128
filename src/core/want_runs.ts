/** What is wanted of a list of files, written down with few words. */
import type { Want } from "./piece.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Collects wants; files that follow one another and come alike are one of them. */
export class WantRuns {
  readonly #wants: Mutable<Want>[] = [];

  /** All so far, in the order in which they were added. */
  get wants(): readonly Want[] {
    return this.#wants;
  }

  /** Adds file number `index`, which is to be described first if `recipe`. */
  add(index: number, recipe: boolean): void {
    const last = this.#wants.at(-1);
    const goesOn = last !== undefined && last.resume === undefined &&
      last.first + last.count === index && (last.recipe === true) === recipe;
    if (goesOn) {
      last.count++;
      return;
    }
    const want: Mutable<Want> = { first: index, count: 1, resume: undefined };
    if (recipe) want.recipe = true;
    this.#wants.push(want);
  }

  /** Adds file number `index`, of which the beginning is there. */
  addRest(index: number, resume: NonNullable<Want["resume"]>): void {
    this.#wants.push({ first: index, count: 1, resume });
  }
}
