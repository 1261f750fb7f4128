/** What remotes got last, as files in the state directory of the daemon. */
import { dirname } from "@std/path";
import {
  type DaemonPlaces,
  syncedFileOf,
} from "../../daemon/control_address.ts";
import {
  MAX_SYNCED_BYTES,
  type SyncedStore,
} from "../../daemon/last_synced.ts";
import { messageOf } from "../../errors.ts";
import { fileSystemError } from "../../fs/deno_errors.ts";
import { AtomicFile } from "./atomic_file.ts";

/** One file for each workspace. */
export class SyncedFiles implements SyncedStore {
  readonly #places: DaemonPlaces;
  readonly #warn: (message: string) => void;
  #hasWarned = false;

  /** @param warn Hears once if a file can't be written; that stops nothing. */
  constructor(places: DaemonPlaces, warn: (message: string) => void) {
    this.#places = places;
    this.#warn = warn;
  }

  read(workspace: string): string | undefined {
    const path = this.#pathOf(workspace);
    try {
      const { isFile, size } = Deno.lstatSync(path);
      if (!isFile || size > MAX_SYNCED_BYTES) return undefined;
      return Deno.readTextFileSync(path);
    } catch {
      // What can't be read is as good as lost, and that is no harm.
      return undefined;
    }
  }

  write(workspace: string, text: string): void {
    const path = this.#pathOf(workspace);
    try {
      Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      using file = new AtomicFile(path);
      file.write(text);
      file.commit();
    } catch (error) {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      this.#warn(messageOf(fileSystemError(error, "write", path)));
    }
  }

  remove(workspace: string): void {
    try {
      Deno.removeSync(this.#pathOf(workspace));
    } catch {
      // It is not taken for that of another workspace: it names the path.
    }
  }

  #pathOf(workspace: string): string {
    return syncedFileOf(this.#places, workspace);
  }
}
