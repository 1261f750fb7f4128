/** The real file system, by `Deno` and `node:fs`. */
import { openAnchor } from "./anchor.ts";
import { DenoDirectory } from "./deno_directory.ts";
import { fileSystemError, isNotFound, refusal } from "./deno_errors.ts";
import { KEEPS_MODES } from "./deno_stat.ts";
import type { Directory, FileSystem, FileSystemTraits } from "./file_system.ts";
import { canReachByHandle } from "./open_handles.ts";

/** How a {@link DenoFileSystem} works; the default suits the system. */
export interface DenoFileSystemOptions {
  /**
   * Whether directories are held by open handles, where that is possible (Linux
   * with `/proc`), so that they can be renamed and swapped freely, or else by
   * their paths, with a check before each call.
   */
  readonly handles?: boolean;
}

/** The file system of this machine. */
export class DenoFileSystem implements FileSystem {
  /** What the file systems of this machine can hold. */
  readonly traits: FileSystemTraits = {
    modes: KEEPS_MODES,
    symlinks: Deno.build.os !== "windows",
    owners: KEEPS_MODES && Deno.uid() === 0,
    watches: "recursive",
  };
  readonly #handles: boolean;
  readonly #umask: number;

  /** The file systems of this machine; `options` say how directories are held open. */
  constructor(options: DenoFileSystemOptions = {}) {
    this.#handles = options.handles !== false && canReachByHandle();
    this.#umask = KEEPS_MODES ? Deno.umask() : 0;
  }

  // deno-lint-ignore require-await -- an async method rejects where it would throw
  async openRoot(
    path: string,
    options: { readonly create?: boolean } = {},
  ): Promise<Directory> {
    try {
      const real = realPathOf(path, options.create === true);
      if (!Deno.lstatSync(real).isDirectory) throw notADirectory(path);
      return new DenoDirectory(openAnchor(real, this.#handles), this.#umask);
    } catch (error) {
      throw fileSystemError(error, "open", path);
    }
  }
}

/** `path` without links; with `create`, it is made first where it is missing. */
function realPathOf(path: string, create: boolean): string {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (!create || !isNotFound(error)) throw error;
  }
  Deno.mkdirSync(path, { recursive: true });
  return Deno.realPathSync(path);
}

function notADirectory(path: string): Error {
  const reason = "it is a file, not a directory";
  return refusal("not-a-directory", "open", path, reason);
}
