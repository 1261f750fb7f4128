/** What this machine remembers of directories that take part in two-way syncs. */
import { join } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { GuardError, isFileSystemError, SyncError } from "../../errors.ts";
import { lockFile } from "../../fs/deno_lock.ts";
import { DigestStore } from "../../fs/digest_store.ts";
import type { Lock } from "../../fs/file_system.ts";
import type { AncestorRecords } from "../../session/pairing.ts";
import { AncestorFiles } from "../state/ancestor_files.ts";
import { fileNameOf, RootFile } from "../state/root_file.ts";
import { identityOf } from "../state/root_identity.ts";
import {
  prepareStateDirectory,
  stateDirectoryOf,
} from "../state/state_directory.ts";
import { realPlaceOf } from "./overlap.ts";

/** The part of the state directory that two-way syncs have. */
export class TwoWayState {
  readonly #directory: string;
  readonly #warn: (message: string) => void;

  private constructor(directory: string, warn: (message: string) => void) {
    this.#directory = directory;
    this.#warn = warn;
  }

  /**
   * @param warn Hears what is damaged, and what that means.
   * @throws {SyncError} If there is no place for it, or it can't be written to.
   */
  static open(
    { stateDir, readOnly }: {
      readonly stateDir: string | undefined;
      /** Nothing is to be written. */
      readonly readOnly: boolean;
    },
    warn: (message: string) => void,
  ): TwoWayState {
    // Without a place to remember there is no two-way sync.
    const directory = stateDirectoryOf({ stateDir, noState: false })!;
    const own = join(directory, "two-way");
    if (!readOnly) prepareStateDirectory(own);
    return new TwoWayState(own, warn);
  }

  /** What pairs of roots agreed on. */
  get ancestors(): AncestorRecords {
    return new AncestorFiles(this.#directory);
  }

  /** The directory `path`, which may be missing. @throws {SyncError} */
  root(path: string): RootFile {
    const place = realPlaceOf(path);
    return new RootFile({
      directory: this.#directory,
      path: place,
      identify: () => identityOf(place),
      warn: this.#warn,
    });
  }

  /**
   * Makes sure that only one process at a time syncs the directory `path` in both
   * directions: two would write over what the other one remembers of it. To be
   * called before {@link root}.
   * @throws {SyncError} `locked`, if another one does.
   */
  async lock(path: string): Promise<Lock> {
    const file = this.fileFor(path, "lock");
    try {
      return await lockFile({ at: file, shown: file });
    } catch (error) {
      if (!isFileSystemError(error, "locked")) throw error;
      throw new SyncError(
        "locked",
        `${
          displayPath(path)
        } takes part in another two-way sync that runs now: ` +
          "one at a time can",
        { cause: error },
      );
    }
  }

  /** Where more is kept about the directory `path`; nothing is there yet. */
  fileFor(path: string, ending: string): string {
    const name = fileNameOf(realPlaceOf(path));
    return join(this.#directory, `${name}.${ending}`);
  }

  /** Digests of the files below `path`; its owner closes it. */
  digestsOf(path: string): DigestStore {
    const name = `${fileNameOf(realPlaceOf(path))}.digests`;
    return new DigestStore({
      path: join(this.#directory, name),
      now: () => Date.now(),
      warn: this.#warn,
    });
  }
}

/** @throws {GuardError} If a directory that took part before is missing. */
export function requireRoot(root: RootFile, path: string): void {
  if (!root.isKnown || exists(path)) return;
  throw new GuardError(
    `${displayPath(path)} is gone, and took part in two-way syncs before: ` +
      "put it back, or make it anew and allow that with --allow-new-root",
  );
}

/** @throws {GuardError} What to say of a directory that is not the one it was. */
export function refuseReplaced(place: string): never {
  throw new GuardError(
    `${
      displayPath(place)
    } is another directory than in the last two-way run (to take it for a new ` +
      "one, delete nothing and keep what both sides have: --allow-new-root)",
  );
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
