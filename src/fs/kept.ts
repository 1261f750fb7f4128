/**
 * `.lockstep/kept/`: what somebody wrote at a moment when it could neither stay
 * where it was nor be given up. It is reported, and never removed by Lockstep.
 */
import {
  displayPath,
  type Name,
  type RelPath,
  RESERVED_NAME,
} from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { isFileSystemError } from "../errors.ts";
import type { Directory } from "./file_system.ts";
import { openOrCreate } from "./own_entries.ts";

const KEPT_NAME = "kept" as Name;

/** The directory `kept/`, made when it is needed. */
export class Kept {
  readonly problems: Problem[] = [];
  readonly #own: Directory;
  #count = 0;

  /** `own` is the directory `.lockstep/`; it stays with its owner. */
  constructor(own: Directory) {
    this.#own = own;
  }

  /**
   * Moves the entry `name` of `from`, which was at `path`, to `kept/`. Where that
   * is not possible it stays, as `place` in `.lockstep/`. Either way it is reported.
   */
  async keep(
    from: Directory,
    name: Name,
    path: RelPath,
    place: string,
  ): Promise<void> {
    let at = place;
    try {
      at = await this.#move(from, name);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
    }
    this.problems.push({
      path,
      code: "kept",
      message: `What was at ${
        displayPath(path)
      } could not be replaced cleanly: it is kept as ${RESERVED_NAME}/${at}`,
    });
  }

  /** Answers where the entry is now, in `.lockstep/`. */
  async #move(from: Directory, name: Name): Promise<string> {
    const kept = await openOrCreate(this.#own, KEPT_NAME);
    try {
      for (;;) {
        const free = String(this.#count++) as Name;
        if (await kept.lookup(free) !== undefined) continue;
        await from.rename(name, kept, free);
        return `${KEPT_NAME}/${free}`;
      }
    } finally {
      kept.close();
    }
  }
}
