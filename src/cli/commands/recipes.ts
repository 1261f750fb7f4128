/** What a command remembers of the files that it works with, from run to run. */
import { RecipeFile } from "../../fs/recipe_file.ts";
import { RecipeIndex } from "../../fs/recipe_index.ts";
import type { RecipeStore } from "../../fs/recipe_store.ts";
import type { Reporter } from "../events.ts";
import { identityOf } from "../state/root_identity.ts";
import {
  type StateOptions,
  usualStateDirectory,
} from "../state/state_directory.ts";

/** The recipes of all trees that a command works with; its owner disposes of it. */
export class Recipes implements Disposable {
  readonly #file: RecipeFile;
  readonly #stores: RecipeStore[] = [];

  /** @param directory The state directory; nothing happens there before it is needed. */
  constructor(directory: string, reporter: Reporter) {
    this.#file = new RecipeFile(
      directory,
      (message) => reporter.report({ kind: "warning", message }),
    );
  }

  /** Those of the tree at `root`, which has to be there when they are first used. */
  of(root: string): RecipeStore {
    const store = new RecipeIndex(this.#file, () => nameOfRoot(root));
    this.#stores.push(store);
    return store;
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores) store.close();
    this.#file.close();
  }
}

/**
 * Where `options` have them; undefined: nowhere. They only save work, so that a
 * machine that names no place for them does without.
 */
export function recipesFor(
  { noState, stateDir }: StateOptions,
  reporter: Reporter,
): Recipes | undefined {
  const directory = noState ? undefined : stateDir ?? usualStateDirectory();
  return directory === undefined ? undefined : new Recipes(directory, reporter);
}

/** Another directory at the same path, as a disk that is mounted there, has another. */
function nameOfRoot(path: string): string {
  const { device, inode, born, ...root } = identityOf(Deno.realPathSync(path));
  return JSON.stringify([root.path, device, inode, born ?? null]);
}
