/** `--trash DIR` of the commands that write to a directory here. */
import { join } from "@std/path";
import { displayPath, RESERVED_NAME } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import type { FileSystem } from "../../fs/file_system.ts";
import { TrashDirectory } from "../../fs/trash_directory.ts";
import { liesWithin, realPlaceOf } from "./overlap.ts";

/** A directory, and the option that names it. */
export interface NamedDirectory {
  readonly option: string;
  readonly path: string;
}

/**
 * Checks the place of a trash, before anything is made. In the directory that is
 * written to, it would be taken for something extra, and deleted: only the
 * reserved directory is safe there. Each may be missing.
 * @throws {UsageError}
 */
export function refuseTrashPlace(
  trash: string,
  target: NamedDirectory,
  source?: NamedDirectory,
): void {
  const shown = `--trash ${displayPath(trash)}`;
  if (source !== undefined && liesWithin(trash, source.path)) {
    throw new UsageError(`${shown} lies inside ${named(source)}`);
  }
  const own = join(realPlaceOf(target.path), RESERVED_NAME, "trash");
  if (realPlaceOf(trash) === own) return;
  if (liesWithin(trash, target.path)) {
    throw new UsageError(
      `${shown} lies inside ${named(target)}: only ${
        displayPath(join(target.path, RESERVED_NAME, "trash"))
      } is possible there`,
    );
  }
  if (liesWithin(target.path, trash)) {
    throw new UsageError(`${named(target)} lies inside ${shown}`);
  }
}

/**
 * Opens the trash for what is written to the directory `target`, which may be
 * missing; undefined where none is wanted. The caller closes it.
 * @throws {FileSystemError}
 */
export async function openTrash(
  fileSystem: FileSystem,
  target: string,
  options: { readonly trash: string | undefined; readonly noFsync: boolean },
): Promise<TrashDirectory | undefined> {
  const { trash, noFsync } = options;
  if (trash === undefined) return undefined;
  return await TrashDirectory.open(fileSystem, trash, {
    root: realPlaceOf(target),
    now: () => new Date(),
    durable: !noFsync,
  });
}

function named({ option, path }: NamedDirectory): string {
  return `${option} ${displayPath(path)}`;
}
