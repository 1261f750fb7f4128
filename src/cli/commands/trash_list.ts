/** `lockstep trash list`: what is in a trash, the newest first. */
import { isFileSystemError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Directory } from "../../fs/file_system.ts";
import {
  eachEntry,
  type EntryVisitor,
  listFolders,
  openFiles,
  type TrashFolderInfo,
} from "../../fs/trash_contents.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { CommandContext } from "./context.ts";

/** Runs the command. @throws {SyncError} */
export async function trashList(
  options: OptionsOf<"trash list">,
  context: CommandContext,
): Promise<ExitCode> {
  const trash = await new DenoFileSystem().openRoot(options.trash);
  try {
    const { folders, strangers } = await listFolders(trash);
    const listing = new Listing(context);
    for (const { name, message, isDamaged } of strangers) {
      if (isDamaged) listing.leaveOut(name, message);
    }
    for (const folder of folders) await listing.list(trash, folder);
    return listing.finish();
  } finally {
    trash.close();
  }
}

class Listing {
  readonly #context: CommandContext;
  #entries = 0;
  #bytes = 0;
  #isComplete = true;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async list(trash: Directory, folder: TrashFolderInfo): Promise<void> {
    const { reporter, signal } = this.#context;
    reporter.report({ kind: "trash", event: { kind: "folder", folder } });
    const visitor: EntryVisitor = {
      entry: (path, { kind, size }) => {
        this.#entries++;
        this.#bytes += size;
        const event = {
          kind: "entry",
          folder,
          path,
          node: kind,
          size,
        } as const;
        reporter.report({ kind: "trash", event });
      },
      failed: (path, message) => this.leaveOut(path, message),
    };
    try {
      const files = await openFiles(trash, folder.stamp);
      if (files === undefined) return;
      try {
        await eachEntry(files, visitor, signal);
      } finally {
        files.close();
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      this.leaveOut(folder.stamp, error.message);
    }
  }

  leaveOut(path: string, message: string): void {
    this.#isComplete = false;
    const event = { kind: "left-out", path, message } as const;
    this.#context.reporter.report({ kind: "trash", event });
  }

  finish(): ExitCode {
    const entries = this.#entries;
    const event = { kind: "listed", entries, bytes: this.#bytes } as const;
    this.#context.reporter.report({ kind: "trash", event });
    return this.#isComplete ? EXIT.done : EXIT.partial;
  }
}
