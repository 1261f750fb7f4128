/** What is found in `.lockstep/held/` when a run was killed, see `held.ts`. */
import {
  type Name,
  nameOf,
  parentOf,
  parseRelPath,
  type RelPath,
} from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, Stat } from "./file_system.ts";
import { HELD_NAMES, putBack } from "./held.ts";
import {
  type HeldRecord,
  isJournal,
  isRecorded,
  readJournal,
  removeJournal,
} from "./held_journal.ts";
import type { Kept } from "./kept.ts";
import { removeTree } from "./own_entries.ts";
import type { Trash } from "./trash.ts";

/** Shown for an entry of which nobody knows any more where it was. */
const UNKNOWN = parseRelPath("unknown");

/** What {@link recoverHeld} works with; all of it stays with its owner. */
export interface RecoveryOptions {
  readonly root: Directory;
  /** `.lockstep/` of that root. */
  readonly own: Directory;
  readonly kept: Kept;
  readonly trash: Trash | undefined;
}

/**
 * Puts back what was to be replaced and is not yet, gives up what was replaced or
 * deleted and is known to be what the scan saw, and keeps all else.
 */
export async function recoverHeld(options: RecoveryOptions): Promise<void> {
  for (const { name } of (await options.own.list()).entries) {
    if (HELD_NAMES.test(name)) await recoverFrom(options, name);
  }
}

async function recoverFrom(
  options: RecoveryOptions,
  heldName: Name,
): Promise<void> {
  const { own, root } = options;
  const held = await own.openDirectory(heldName);
  const cursor = new DirectoryCursor(root);
  try {
    const directory = { held, name: heldName };
    const recovery = new Recovery(options, directory, await readJournal(held));
    for (const { name, stat } of (await held.list()).entries) {
      if (!isJournal(name)) await recovery.settle(cursor, name, stat);
    }
    // Whatever could not be moved from here stays, and is reported.
    if ((await held.list()).entries.some(({ name }) => !isJournal(name))) {
      return;
    }
    await removeJournal(held);
  } finally {
    cursor.close();
    held.close();
  }
  await own.removeDirectory(heldName);
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #held: Directory;
  /** Of that directory, in `.lockstep/`. */
  readonly #name: Name;
  readonly #records: ReadonlyMap<number, HeldRecord>;

  constructor(
    options: RecoveryOptions,
    directory: { readonly held: Directory; readonly name: Name },
    records: ReadonlyMap<number, HeldRecord>,
  ) {
    this.#options = options;
    this.#held = directory.held;
    this.#name = directory.name;
    this.#records = records;
  }

  /** Finds the right place for the entry `name`. */
  async settle(
    cursor: DirectoryCursor,
    name: Name,
    stat: Stat,
  ): Promise<void> {
    const record = this.#records.get(Number.parseInt(name, 10));
    if (record === undefined) return await this.#keep(name, UNKNOWN);
    const { path } = record;
    try {
      const parent = await cursor.at(parentOf(path) ?? path);
      const there = await parent.lookup(nameOf(path));
      const isProven = stat.kind === "directory"
        ? name.endsWith("p")
        : isRecorded(record, stat);
      if (there === undefined && !(isProven && record.fate === "deleted")) {
        return await putBack(this.#held, name, parent, nameOf(path));
      }
      const isSecondName = there !== undefined && isSameNode(stat, there);
      if (isSecondName) return await this.#held.removeFile(name);
      if (isProven) return await this.#giveUp(name, path);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
    }
    await this.#keep(name, path);
  }

  async #giveUp(name: Name, path: RelPath): Promise<void> {
    const { trash } = this.#options;
    if (trash === undefined) await removeTree(this.#held, name);
    else await trash.take(this.#held, name, path);
  }

  async #keep(name: Name, path: RelPath): Promise<void> {
    const place = `${this.#name}/${name}`;
    await this.#options.kept.keep(this.#held, name, path, place);
  }
}

function isSameNode(a: Stat, b: Stat): boolean {
  return a.inode === b.inode && a.device === b.device;
}
