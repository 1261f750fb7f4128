// deno-lint-ignore-file require-await -- an async method rejects where it would throw
/** Open files of the {@link DenoFileSystem}: regular files only. */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from "node:fs";
import {
  ClosedError,
  fileSystemError,
  isNotFound,
  refusal,
  systemCodeOf,
} from "./deno_errors.ts";
import {
  type FileFacts,
  KEEPS_MODES,
  setOpenMetadata,
  toStat,
} from "./deno_stat.ts";
import { faultPoint } from "./fault_point.ts";
import { canReachByHandle } from "./open_handles.ts";
import type { Metadata, Stat, WritableFile } from "./file_system.ts";

/** Never through a link, and without waiting for the other end of a fifo. */
const NO_SURPRISE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Flags to open a file for reading. */
export const OPEN_TO_READ = constants.O_RDONLY | NO_SURPRISE;

/** Flags to open a file for writing only, where reading it is not allowed. */
export const OPEN_TO_WRITE = constants.O_WRONLY | NO_SURPRISE;

/** Flags to open a file for reading and writing; makes it where it is missing. */
export const OPEN_OR_CREATE = constants.O_RDWR | constants.O_CREAT |
  NO_SURPRISE;

/** Flags to make a file; fails on anything that has its name. */
export const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT |
  constants.O_EXCL | NO_SURPRISE;

/**
 * From so many bytes on, reading and writing is left to another thread. That pays
 * where something else is done meanwhile, as with the blocks of files that are
 * described or drafted; smaller pieces, which are waited for, only get slower.
 */
const HANDED_OVER_BYTES = 512 * 1024;

/** Where these go wrong, it is because the entry is no regular file. */
const NO_FILE_CODES: readonly (string | undefined)[] = [
  "EAGAIN",
  "EISDIR",
  "ELOOP",
  "ENODEV",
  "ENXIO",
  "ESPIPE",
];

/** Where an open file is: `at` leads to it, `shown` is for people. */
export interface FilePlace {
  readonly at: string;
  readonly shown: string;
}

/**
 * Opens the regular file at `place` with `flags`: the descriptor, which the caller
 * closes. A new file is readable by nobody else.
 * @throws {FileSystemError} `unsupported` if it is no regular file.
 */
export function openRegular(
  place: FilePlace,
  flags: number,
  action: string,
): number {
  let fd: number | undefined;
  try {
    if ((flags & constants.O_CREAT) !== 0) faultPoint("change");
    if (!KEEPS_MODES) refuseLink(place, action);
    fd = openSync(place.at, flags, 0o600);
    if (!factsOf(fd).isFile) throw noFile(action, place.shown);
    return fd;
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw toFileError(error, action, place.shown);
  }
}

/** As {@link fileSystemError}; `unsupported` where the entry is no regular file. */
export function toFileError(
  error: unknown,
  action: string,
  shown: string,
): Error {
  return NO_FILE_CODES.includes(systemCodeOf(error))
    ? noFile(action, shown, error)
    : fileSystemError(error, action, shown);
}

/** The error for an entry that is no regular file. */
export function noFile(
  action: string,
  shown: string,
  cause?: unknown,
): Error {
  const reason = "it is not a regular file";
  return refusal("unsupported", action, shown, reason, cause);
}

/** Writes all of `bytes` from `offset` on. */
export function writeAll(fd: number, bytes: Uint8Array, offset: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}

/** An open regular file; its owner closes it. */
export class DenoFile implements WritableFile {
  readonly #place: FilePlace;
  #fd: number;
  /** The same file once more, there as soon as another thread has to write to it. */
  #writer: Deno.FsFile | undefined;
  #isWriting = false;
  /** Calls that another thread has not come back from. */
  #underWay = 0;
  #isClosed = false;

  /** Takes over `fd`. */
  constructor(fd: number, place: FilePlace) {
    this.#fd = fd;
    this.#place = place;
  }

  async stat(): Promise<Stat> {
    return this.#do("look at", (fd) => statOpen(fd));
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    if (into.length >= HANDED_OVER_BYTES) {
      return await this.#handOver("read", (fd) => {
        faultPoint("read");
        return readElsewhere(fd, into, offset);
      });
    }
    return this.#do("read", (fd) => {
      faultPoint("read");
      return readSync(fd, into, 0, into.length, offset);
    });
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    // A writer has one position.
    const isLarge = bytes.length >= HANDED_OVER_BYTES && !this.#isWriting;
    const writer = isLarge ? this.#openWriter() : undefined;
    if (writer !== undefined) {
      return await this.#handOver("write to", async () => {
        faultPoint("change");
        this.#isWriting = true;
        try {
          await writeElsewhere(writer, bytes, offset);
        } finally {
          this.#isWriting = false;
        }
      });
    }
    this.#do("write to", (fd) => {
      faultPoint("change");
      writeAll(fd, bytes, offset);
    });
  }

  async truncate(size: number): Promise<void> {
    this.#do("set the length of", (fd) => {
      faultPoint("change");
      ftruncateSync(fd, size);
    });
  }

  async setMetadata(metadata: Metadata): Promise<void> {
    this.#do("set mode and time of", (fd) => {
      faultPoint("change");
      setOpenMetadata(fd, this.#place.at, metadata);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#closeWhenDone();
  }

  /** While a call is under way, the number of the file must not go to another one. */
  #closeWhenDone(): void {
    if (!this.#isClosed || this.#underWay > 0 || this.#fd < 0) return;
    this.#writer?.close();
    closeSync(this.#fd);
    this.#fd = -1;
  }

  /**
   * Deno writes elsewhere only to a file of its own, which is opened through the
   * number of this one; undefined where that can't be.
   */
  #openWriter(): Deno.FsFile | undefined {
    if (this.#isClosed || !canReachByHandle()) return undefined;
    try {
      return this.#writer ??= Deno.openSync(`/proc/self/fd/${this.#fd}`, {
        write: true,
      });
    } catch {
      // It is written to here, then.
      return undefined;
    }
  }

  #do<T>(action: string, run: (fd: number) => T): T {
    if (this.#isClosed) throw new ClosedError(this.#place.shown);
    try {
      return run(this.#fd);
    } catch (error) {
      throw fileSystemError(error, action, this.#place.shown);
    }
  }

  async #handOver<T>(
    action: string,
    run: (fd: number) => Promise<T>,
  ): Promise<T> {
    if (this.#isClosed) throw new ClosedError(this.#place.shown);
    this.#underWay++;
    try {
      return await run(this.#fd);
    } catch (error) {
      throw fileSystemError(error, action, this.#place.shown);
    } finally {
      this.#underWay--;
      this.#closeWhenDone();
    }
  }
}

/** Reads in another thread; the bytes are to be left alone until it is done. */
function readElsewhere(
  fd: number,
  into: Uint8Array,
  offset: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, offset, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

/** As {@link writeAll}, in another thread; the bytes are to be left alone until then. */
async function writeElsewhere(
  writer: Deno.FsFile,
  bytes: Uint8Array,
  offset: number,
): Promise<void> {
  writer.seekSync(offset, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) {
    done += await writer.write(bytes.subarray(done));
  }
}

/** Stat of an open file, the same as that of its path. */
function statOpen(fd: number): Stat {
  return toStat(factsOf(fd));
}

function factsOf(fd: number): FileFacts {
  // Five times as fast: node:fs makes much of what it is told.
  if (canReachByHandle()) return Deno.statSync(`/proc/self/fd/${fd}`);
  const info = fstatSync(fd);
  return {
    isFile: info.isFile(),
    isDirectory: info.isDirectory(),
    isSymlink: false,
    size: info.size,
    // Of a time before 1970, node:fs gets the Date wrong, but not the number.
    mtime: new Date(info.mtimeMs),
    ctime: new Date(info.ctimeMs),
    birthtime: info.birthtimeMs > 0 ? new Date(info.birthtimeMs) : null,
    mode: info.mode,
    ino: info.ino,
    dev: info.dev,
    nlink: info.nlink,
    uid: info.uid,
    gid: info.gid,
  };
}

/** For systems that can't refuse links while opening. */
function refuseLink(place: FilePlace, action: string): void {
  let isLink: boolean;
  try {
    isLink = Deno.lstatSync(place.at).isSymlink;
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  if (isLink) throw noFile(action, place.shown);
}
