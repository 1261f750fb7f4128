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
import { isFileSystemError, messageOf } from "../errors.ts";
import type { Directory } from "./file_system.ts";
import { openOrCreate } from "./own_entries.ts";

export const KEPT_NAME = "kept" as Name;

/** An entry that has to be kept. */
export interface KeptEntry {
  /** Where it was in the tree. */
  readonly path: RelPath;
  /** Where it is now, in `.lockstep/`. */
  readonly place: string;
  /** Why it can neither be given up nor put back. */
  readonly reason: Error;
}

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
   * Moves the entry `name` of `from`, which is `about`, to `kept/`, and reports it.
   * Where it can't be moved it stays where it is.
   */
  async keep(from: Directory, name: Name, about: KeptEntry): Promise<void> {
    const { path, place, reason } = about;
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
      } is kept as ${RESERVED_NAME}/${at}: ${messageOf(reason)}`,
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
    } catch (error) {
      await this.#removeEmpty();
      throw error;
    } finally {
      kept.close();
    }
  }

  async #removeEmpty(): Promise<void> {
    try {
      await this.#own.removeDirectory(KEPT_NAME);
    } catch (error) {
      // It holds something, or whatever went wrong goes wrong again.
      if (!isFileSystemError(error)) throw error;
    }
  }
}

/** How many entries lie in `kept/` of the directory `.lockstep/`. */
export async function countKept(own: Directory): Promise<number> {
  if ((await own.lookup(KEPT_NAME))?.kind !== "directory") return 0;
  const kept = await own.openDirectory(KEPT_NAME);
  try {
    return (await kept.list()).entries.length;
  } finally {
    kept.close();
  }
}
