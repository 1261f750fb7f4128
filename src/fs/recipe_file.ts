/**
 * `recipes.db`: opened when it is first needed, and never a reason to fail. What
 * is damaged is moved aside and begun anew; where it can't be had, the run goes
 * without it. Either is said once.
 */
import { DatabaseSync } from "node:sqlite";
import { dirname, join } from "@std/path";
import { displayPath } from "../core/path.ts";
import { messageOf } from "../errors.ts";
import { migrate, numberOf, versionOf } from "./recipe_schema.ts";

const FILE_NAME = "recipes.db";

/** How long another process may hold it; nothing of this one goes on meanwhile. */
const BUSY_TIMEOUT_MS = 5_000;

/** Before SQLite 3.51.3 a log may be reset while somebody still reads it. */
const SAFE_LOG = [3, 51, 3];

/** What the file holds is not what was written there. */
export class DamagedError extends Error {}

/** What it may grow to; what was used longest ago goes first. */
export interface RecipeLimits {
  readonly files: number;
  readonly bytes: number;
}

const LIMITS: RecipeLimits = { files: 200_000, bytes: 512 * 1024 * 1024 };

/** The file for a whole run; its owner closes it. */
export class RecipeFile implements Disposable {
  readonly path: string;
  readonly limits: RecipeLimits;
  readonly #warn: (message: string) => void;
  #db: { readonly handle: DatabaseSync; readonly inode: number } | undefined;
  #run = 0;
  #opened = 0;
  #isOff = false;
  #hasWarned = false;

  /**
   * @param directory Where it lies; made when it is needed.
   * @param warn Hears at most once what is wrong with it, and what that means.
   */
  constructor(
    directory: string,
    warn: (message: string) => void,
    limits: RecipeLimits = LIMITS,
  ) {
    this.path = join(directory, FILE_NAME);
    this.limits = limits;
    this.#warn = warn;
  }

  /** Grows whenever it is opened: what was prepared or read before is of no use. */
  get opened(): number {
    return this.#opened;
  }

  /** Number of this run, later than all that the file knows of. */
  get run(): number {
    return this.#run;
  }

  /** Does `action`; answers undefined where that can't be done. Never throws. */
  use<T>(action: (db: DatabaseSync) => T): T | undefined {
    if (this.#isOff) return undefined;
    try {
      this.#db ??= this.#open();
      return action(this.#db.handle);
    } catch (error) {
      if (isDamage(error)) this.#beginAnew(error);
      else this.#goWithout(error);
      return undefined;
    }
  }

  /** Closes the file; who uses it afterwards opens it again. */
  close(): void {
    const db = this.#db;
    this.#db = undefined;
    try {
      db?.handle.close();
    } catch {
      // It is of no more use either way.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): { handle: DatabaseSync; inode: number } {
    const inode = ensureFile(this.path);
    const handle = new DatabaseSync(this.path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // What is not ours is left as it is.
      versionOf(handle);
      keepToOwner(this.path);
      setJournal(handle);
      migrate(handle);
      this.#run = numberOf(handle, "SELECT max(used) FROM files") + 1;
      this.#opened++;
      return { handle, inode };
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** Only once: what is damaged again at once has other reasons. */
  #beginAnew(error: unknown): void {
    if (this.#hasWarned) return this.#goWithout(error);
    const inode = this.#db?.inode;
    this.close();
    try {
      if (isStillAt(this.path, inode)) moveAside(this.path);
      this.#tell(
        `What is remembered of files in ${displayPath(this.path)} is damaged ` +
          `(${messageOf(error)}): it is begun anew`,
      );
    } catch (later) {
      this.#goWithout(later);
    }
  }

  #goWithout(error: unknown): void {
    this.#isOff = true;
    this.close();
    this.#tell(
      `Nothing is remembered of files in ${displayPath(this.path)}: ${
        messageOf(error)
      }`,
    );
  }

  #tell(message: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn(message);
  }
}

/** Makes the file, for its owner alone, where it is missing: its inode. */
function ensureFile(path: string): number {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const { isFile, ino } = Deno.statSync(path);
  if (!isFile) throw new Error("it is no file");
  return ino ?? 0;
}

function keepToOwner(path: string): void {
  const { mode } = Deno.statSync(path);
  if (Deno.build.os === "windows" || mode === null) return;
  if ((mode & 0o077) !== 0) Deno.chmodSync(path, 0o600);
}

function setJournal(db: DatabaseSync): void {
  db.exec("PRAGMA synchronous = NORMAL");
  const wanted = isLogSafe(db) ? "wal" : "delete";
  const { journal_mode } = db.prepare("PRAGMA journal_mode").get() ?? {};
  if (journal_mode === wanted) return;
  try {
    db.exec(`PRAGMA journal_mode = ${wanted}`);
  } catch (error) {
    // Another process has it open: it works as it is, too.
    if (!/locked/.test(messageOf(error))) throw error;
  }
}

function isLogSafe(db: DatabaseSync): boolean {
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() ??
    {};
  const parts = String(version).split(".").map(Number);
  for (const [i, least] of SAFE_LOG.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** What SQLite says of damage; the text is all that there is to tell it by. */
const DAMAGE =
  /malformed|not a database|corrupt|unsupported file|constraint failed|no such|datatype/i;

/** A value that has another type or size than was written is damage, too. */
function isDamage(error: unknown): boolean {
  return error instanceof DamagedError || error instanceof TypeError ||
    error instanceof RangeError || DAMAGE.test(messageOf(error));
}

/** Whether what was opened (undefined: nothing was) is what lies there now. */
function isStillAt(path: string, inode: number | undefined): boolean {
  return inode === undefined || Deno.statSync(path).ino === inode;
}

/** Whoever wants to know what happened to it may look; the next one replaces it. */
function moveAside(path: string): void {
  Deno.renameSync(path, `${path}.damaged`);
  for (const end of ["-wal", "-shm", "-journal"]) {
    try {
      Deno.removeSync(path + end);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
