/** Locks of the {@link DenoFileSystem}: held by the open file, gone with the process. */
import { closeSync } from "node:fs";
import { fileSystemError, isNotFound, refusal } from "./deno_errors.ts";
import { type FilePlace, OPEN_OR_CREATE, openRegular } from "./deno_file.ts";
import { aliasOf } from "./deno_stat.ts";
import type { Lock } from "./file_system.ts";

/** A lock that nobody holds is got in less; see {@link tryLock}. */
const OLD_DENO_WAIT_MS = 500;

/**
 * Makes (where missing) and locks the file at `place`, without waiting.
 * @throws {FileSystemError} `locked`, `unsupported` if it is no regular file …
 */
export async function lockFile(place: FilePlace): Promise<Lock> {
  while (true) {
    const file = openToLock(place);
    try {
      if (!await tryLock(file)) {
        const reason = "it is locked by somebody else";
        throw refusal("locked", "lock", place.shown, reason);
      }
      if (isStillAt(place.at, file)) return new DenoLock(file);
    } catch (error) {
      file.close();
      throw fileSystemError(error, "lock", place.shown);
    }
    // Who held the lock before has removed the file: this lock is worth nothing.
    file.close();
  }
}

/** Deno before 2.9 can only wait for a lock: who does not get it soon gives up. */
async function tryLock(file: Deno.FsFile): Promise<boolean> {
  const { tryLock } = file as Deno.FsFile & {
    readonly tryLock?: (exclusive: boolean) => Promise<boolean>;
  };
  if (tryLock !== undefined) return await tryLock.call(file, true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), OLD_DENO_WAIT_MS);
  });
  const locked = file.lock(true).then(() => true);
  try {
    return await Promise.race([locked, late]);
  } finally {
    clearTimeout(timer);
  }
}

class DenoLock implements Lock {
  #file: Deno.FsFile | undefined;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  release(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Only a file opened by Deno can be locked, and only node:fs refuses links. */
function openToLock(place: FilePlace): Deno.FsFile {
  const fd = openRegular(place, OPEN_OR_CREATE, "lock");
  try {
    return Deno.openSync(aliasOf(fd, place.at), { read: true, write: true });
  } catch (error) {
    throw fileSystemError(error, "lock", place.shown);
  } finally {
    closeSync(fd);
  }
}

function isStillAt(path: string, file: Deno.FsFile): boolean {
  try {
    const there = Deno.lstatSync(path);
    const held = file.statSync();
    return there.ino === held.ino && there.dev === held.dev;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
