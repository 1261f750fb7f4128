/**
 * What is found in `.lockstep/held/` when a run was killed, see `held.ts`. Nobody
 * has looked after it since, perhaps for days; so what was to be deleted is put
 * back, and a new scan decides about it; and of what was replaced only that goes
 * which is proven to be what the journal says.
 */
import {
  join,
  type Name,
  nameOf,
  parentOf,
  parseRelPath,
  type RelPath,
} from "../core/path.ts";
import { StaleError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { createdMeanwhile, isReportable } from "./expectation.ts";
import type { Directory, Stat } from "./file_system.ts";
import { HELD_NAMES, putBack } from "./held.ts";
import {
  type HeldFacts,
  type HeldJournal,
  type HeldRecord,
  isJournal,
  isRecorded,
  readJournal,
  removeJournal,
} from "./held_journal.ts";
import type { Kept } from "./kept.ts";
import { makeWritable } from "./own_entries.ts";
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
 * Puts back what is not replaced, gives up what is and is known to be what the
 * scan saw, and keeps all else.
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
  readonly #journal: HeldJournal;

  constructor(
    options: RecoveryOptions,
    directory: { readonly held: Directory; readonly name: Name },
    journal: HeldJournal,
  ) {
    this.#options = options;
    this.#held = directory.held;
    this.#name = directory.name;
    this.#journal = journal;
  }

  /** Finds the right place for the entry `name`. */
  async settle(
    cursor: DirectoryCursor,
    name: Name,
    stat: Stat,
  ): Promise<void> {
    const record = this.#journal.records.get(Number(name));
    if (record === undefined) {
      const reason = new StaleError("nobody knows any more where it was");
      return await this.#keep(name, UNKNOWN, reason);
    }
    const { path } = record;
    try {
      const parent = await cursor.at(parentOf(path) ?? path);
      const there = await parent.lookup(nameOf(path));
      if (there === undefined) {
        return await putBack(this.#held, name, parent, nameOf(path));
      }
      // It had got its second name, but its first had not been taken yet.
      const isSecondName = there.inode === stat.inode &&
        there.device === stat.device;
      if (isSecondName) return await this.#held.removeFile(name);
      // What has taken its place may not have reached the disk.
      await parent.flush();
      await this.#giveUp(name, record);
    } catch (error) {
      if (!isReportable(error)) throw error;
      await this.#keep(name, path, error);
    }
  }

  /** @throws {StaleError} If it is not what the journal says, or was to be kept. */
  async #giveUp(name: Name, record: HeldRecord): Promise<void> {
    const { trash } = this.#options;
    const { path, inside } = record;
    if (trash === undefined && this.#journal.trash) {
      throw new StaleError("it was to go to a trash, and there is none now");
    }
    const known: HeldTree = { facts: record, inside };
    await proveHeld(this.#held, name, path, known);
    if (trash !== undefined) await trash.take(this.#held, name, path);
    else await removeHeld(this.#held, name, path, known);
  }

  async #keep(name: Name, path: RelPath, reason: Error): Promise<void> {
    const place = `${this.#name}/${name}`;
    const { kept } = this.#options;
    await kept.keep(this.#held, name, { path, place, reason });
  }
}

/** What the journal says of an entry, and of all that is in it. */
interface HeldTree {
  readonly facts: HeldFacts;
  readonly inside: ReadonlyMap<RelPath, HeldFacts>;
}

/** Checks the entry `name`, of which the journal says `known`. @throws {StaleError} */
async function proveHeld(
  parent: Directory,
  name: Name,
  path: RelPath,
  { facts, inside }: HeldTree,
): Promise<void> {
  const stat = await parent.lookup(name);
  if (stat === undefined || !isRecorded(facts, stat)) {
    throw new StaleError("it is not what the run had seen there");
  }
  if (stat.kind !== "directory") return;
  await eachIn(parent, name, async (directory, child) => {
    const at = join(path, child);
    const known = inside.get(at);
    if (known === undefined) throw createdMeanwhile(at);
    await proveHeld(directory, child, at, { facts: known, inside });
  });
}

/** Removes what {@link proveHeld} has proven, as far as it still is that. */
async function removeHeld(
  parent: Directory,
  name: Name,
  path: RelPath,
  known: HeldTree,
): Promise<void> {
  if (known.facts.kind !== "directory") {
    await proveHeld(parent, name, path, known);
    return await parent.removeFile(name);
  }
  await eachIn(parent, name, async (directory, child) => {
    const at = join(path, child);
    const facts = known.inside.get(at);
    if (facts === undefined) throw createdMeanwhile(at);
    await removeHeld(directory, child, at, { ...known, facts });
  });
  await parent.removeDirectory(name);
}

/** Calls `act` for each name in the directory `name`, which it may remove. */
async function eachIn(
  parent: Directory,
  name: Name,
  act: (directory: Directory, child: Name) => Promise<void>,
): Promise<void> {
  const directory = await parent.openDirectory(name);
  try {
    await makeWritable(directory, (await directory.stat()).mode);
    const { entries, failed } = await directory.list({ thorough: true });
    for (const { name: child } of entries) await act(directory, child);
    for (const { message } of failed) throw new StaleError(message);
  } finally {
    directory.close();
  }
}
