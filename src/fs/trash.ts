/** Where what is replaced or deleted goes, if somebody wants it kept. */
import type { TrackedEntry } from "../core/entry.ts";
import type { Name, RelPath } from "../core/path.ts";
import type { Directory } from "./file_system.ts";

/** Takes entries in. */
export interface Trash {
  /**
   * Keeps what is taken from now on apart from what was taken before: to be
   * called when a transition begins.
   */
  begin(): void;

  /**
   * Moves the entry `name` of `from`, which was at `path` in the tree, into the
   * trash: whole, with all that is in it. `entry` is what the scan saw there, if
   * that is known: a directory gets the mode back that it had then.
   * @throws {FileSystemError} If it can't; then all of it is still in `from`, or
   *   what is no longer there is in the trash.
   */
  take(
    from: Directory,
    name: Name,
    path: RelPath,
    entry?: TrackedEntry,
  ): Promise<void>;
}
