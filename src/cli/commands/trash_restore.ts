/** `lockstep trash restore`: puts back what was replaced or deleted. */
import {
  displayPath,
  nameOf,
  parentOf,
  parseRelPath,
  type RelPath,
  ROOT,
} from "../../core/path.ts";
import {
  isFileSystemError,
  messageOf,
  UnsafePathError,
  UsageError,
} from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { DirectoryCursor } from "../../fs/directory_cursor.ts";
import type { Directory } from "../../fs/file_system.ts";
import {
  listFolders,
  openFiles,
  type TrashFolderInfo,
} from "../../fs/trash_contents.ts";
import { removeEmptyFolder } from "../../fs/trash_folder.ts";
import { restore } from "../../fs/trash_restore.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { TrashEvent } from "../trash_report.ts";
import type { CommandContext } from "./context.ts";
import { liesWithin } from "./overlap.ts";

type TrashRestoreOptions = OptionsOf<"trash restore">;

/** Runs the command. @throws {SyncError} */
export async function trashRestore(
  options: TrashRestoreOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const paths = options.paths.map(pathFrom);
  const { to } = options;
  if (to !== undefined && liesWithin(to, options.trash)) {
    throw new UsageError(`--to ${displayPath(to)} lies inside the trash`);
  }
  const fileSystem = new DenoFileSystem();
  const trash = await fileSystem.openRoot(options.trash);
  try {
    const folders = await foldersFor(options, trash, context);
    const work = new Restoring(options, context, fileSystem, trash);
    for (const path of paths) await work.restore(path, folders);
    return work.finish();
  } finally {
    trash.close();
  }
}

/** The folders to look in, the newest first. @throws {UsageError} */
async function foldersFor(
  { from }: TrashRestoreOptions,
  trash: Directory,
  { reporter }: CommandContext,
): Promise<readonly TrashFolderInfo[]> {
  const { folders, strangers } = await listFolders(trash);
  for (const { name, message, isDamaged } of strangers) {
    // What is asked for may be in there.
    if (isDamaged && (from === undefined || from === name)) {
      reporter.report({ kind: "warning", message });
    }
  }
  if (from === undefined) return folders;
  const chosen = folders.filter(({ stamp }) => stamp === from);
  if (chosen.length > 0) return chosen;
  throw new UsageError(`--from ${from}: the trash has nothing of that stamp`);
}

class Restoring {
  readonly #options: TrashRestoreOptions;
  readonly #context: CommandContext;
  readonly #fileSystem: DenoFileSystem;
  readonly #trash: Directory;
  #count = 0;
  #leftOut = 0;

  constructor(
    options: TrashRestoreOptions,
    context: CommandContext,
    fileSystem: DenoFileSystem,
    trash: Directory,
  ) {
    this.#options = options;
    this.#context = context;
    this.#fileSystem = fileSystem;
    this.#trash = trash;
  }

  /** Puts the newest version of `path` back that the folders have. */
  async restore(
    path: RelPath,
    folders: readonly TrashFolderInfo[],
  ): Promise<void> {
    this.#context.signal.throwIfAborted();
    try {
      const holding = await this.#foldersWith(path, folders);
      const [newest] = holding;
      if (newest === undefined) {
        return this.#leaveOut(path, "It is not in the trash");
      }
      const other = holding.find(({ root }) => root !== newest.root);
      if (other !== undefined) {
        return this.#leaveOut(
          path,
          `It is in the trash from ${displayPath(newest.root)} and from ${
            displayPath(other.root)
          }: choose by --from ${newest.stamp} or ${other.stamp}`,
        );
      }
      await this.#restoreFrom(newest, path);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      this.#leaveOut(path, error.message);
    }
  }

  finish(): ExitCode {
    const count = this.#count;
    const leftOut = this.#leftOut;
    this.#report({ kind: "restore-done", count, leftOut });
    return leftOut === 0 ? EXIT.done : EXIT.partial;
  }

  async #foldersWith(
    path: RelPath,
    folders: readonly TrashFolderInfo[],
  ): Promise<TrashFolderInfo[]> {
    const holding: TrashFolderInfo[] = [];
    for (const folder of folders) {
      const files = await openFiles(this.#trash, folder.stamp);
      if (files === undefined) continue;
      try {
        if (await holds(files, path)) holding.push(folder);
      } finally {
        files.close();
      }
    }
    return holding;
  }

  async #restoreFrom(folder: TrashFolderInfo, path: RelPath): Promise<void> {
    const { stamp } = folder;
    const root = await this.#openRoot(folder);
    try {
      const files = await openFiles(this.#trash, stamp);
      if (files === undefined) {
        return this.#leaveOut(path, "It is not in the trash");
      }
      try {
        await restore(path, {
          files,
          root,
          signal: this.#context.signal,
          listener: {
            restored: (path, node) => {
              this.#count++;
              const to = root.path;
              this.#report({ kind: "restored", folder, path, node, to });
            },
            leftOut: (path, message) => this.#leaveOut(path, message),
          },
        });
      } finally {
        files.close();
      }
      await removeEmptyFolder(this.#trash, stamp);
    } finally {
      root.close();
    }
  }

  /** A root that is gone may be a disk that is not mounted: it is not made. */
  async #openRoot({ root }: TrashFolderInfo): Promise<Directory> {
    const { to } = this.#options;
    return to === undefined
      ? await this.#fileSystem.openRoot(root)
      : await this.#fileSystem.openRoot(to, { create: true });
  }

  #leaveOut(path: RelPath, message: string): void {
    this.#leftOut++;
    this.#report({ kind: "left-out", path, message });
  }

  #report(event: TrashEvent): void {
    this.#context.reporter.report({ kind: "trash", event });
  }
}

/** @throws {UsageError} If it can be no path of a tree. */
function pathFrom(text: string): RelPath {
  const plain = text.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
  if (text.startsWith("/")) {
    throw new UsageError(
      `${displayPath(text)}: write the path as "trash list" shows it`,
    );
  }
  try {
    return plain === "." || plain === "" ? ROOT : parseRelPath(plain);
  } catch (error) {
    if (!(error instanceof UnsafePathError)) throw error;
    throw new UsageError(messageOf(error), { cause: error });
  }
}

async function holds(files: Directory, path: RelPath): Promise<boolean> {
  if (path === ROOT) return true;
  const cursor = new DirectoryCursor(files);
  try {
    const parent = await cursor.at(parentOf(path)!);
    return await parent.lookup(nameOf(path)) !== undefined;
  } catch (error) {
    if (isFileSystemError(error, "not-found")) return false;
    if (isFileSystemError(error, "not-a-directory")) return false;
    throw error;
  } finally {
    cursor.close();
  }
}
