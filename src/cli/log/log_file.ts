/**
 * A log on the disk, to which other processes may append as well: each line is one
 * write at the end of the file, so lines are never mixed. Whoever finds it full
 * renames it, under a lock; the others notice, and go on in the new one.
 */
import { closeSync, constants, fstatSync, writeSync } from "node:fs";
import { dirname, join } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { messageOf } from "../../errors.ts";
import { fileSystemError, isNotFound } from "../../fs/deno_errors.ts";
import { openRegular } from "../../fs/deno_file.ts";
import { isFull, type RotationRule, rotationSteps } from "./log_line.ts";

const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT |
  (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** How often it is made sure that the file is still the one at its path. */
const LOOK_EVERY_MS = 50;

/** So much room has to be there at the start. */
const PROBE_BYTES = 4_096;

/** So long a half written line may be the work of a process that is still at it. */
const SETTLE_MS = 20;

const NEWLINE = 0x0a;
const encoder = new TextEncoder();

/** How a {@link LogFile} is opened. */
export interface LogFileOptions {
  readonly rule: RotationRule;
  /** In milliseconds, never going back. */
  readonly now: () => number;
  /** Hears once if old logs can't be put aside: then this one goes on growing. */
  readonly onUnrotated: (message: string) => void;
}

/** An open log; its owner disposes of it. */
export class LogFile implements Disposable {
  readonly #path: string;
  readonly #options: LogFileOptions;
  #fd: number | undefined;
  #size = 0;
  /** Whether the last line has no end: whoever wrote it was broken off. */
  #isTorn = false;
  #canRotate = true;
  #nextLook = 0;

  private constructor(path: string, options: LogFileOptions) {
    this.#path = path;
    this.#options = options;
  }

  /**
   * Opens the log at `path`, which is absolute and free of links; makes it, for its
   * owner alone, where it is missing.
   * @throws {FileSystemError} If it can't be written to, or the disk is full.
   */
  static open(path: string, options: LogFileOptions): LogFile {
    const log = new LogFile(path, options);
    log.#open();
    try {
      probe(path);
    } catch (error) {
      log[Symbol.dispose]();
      throw error;
    }
    return log;
  }

  /** Appends one line. @throws {FileSystemError} */
  append(line: string): void {
    this.#look();
    const bytes = encoder.encode(`${line}\n`);
    if (isFull(this.#size, bytes.length, this.#options.rule)) this.#rotate();
    this.#write(this.#isTorn ? encoder.encode(`\n${line}\n`) : bytes);
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) {
        done += writeSync(this.#fd!, bytes, done, bytes.length - done);
      }
      this.#isTorn = false;
    } catch (error) {
      // How much of it came through is not told.
      this.#isTorn = endsWithin(this.#path);
      throw fileSystemError(error, "write to the log", this.#path);
    } finally {
      this.#size += done;
    }
  }

  /** Now and then: somebody may have put the file aside, or removed it. */
  #look(): void {
    const now = this.#options.now();
    if (this.#fd !== undefined && now < this.#nextLook) return;
    this.#nextLook = now + LOOK_EVERY_MS;
    if (this.#fd === undefined || !this.#isInPlace()) return this.#open();
    this.#size = fstatSync(this.#fd).size;
  }

  #open(): void {
    this[Symbol.dispose]();
    const place = { at: this.#path, shown: this.#path };
    this.#fd = openRegular(place, APPEND, "write to the log");
    this.#size = fstatSync(this.#fd).size;
    this.#isTorn = this.#size > 0 && endsWithin(this.#path);
  }

  #isInPlace(): boolean {
    const there = statOf(this.#path);
    if (there === undefined) return false;
    const { ino, dev } = fstatSync(this.#fd!);
    return there.ino === ino && there.dev === dev;
  }

  /** Puts the full log aside, unless somebody else was faster. */
  #rotate(): void {
    if (!this.#canRotate) return;
    try {
      // Not this descriptor: only a file opened by Deno can be locked.
      using lock = Deno.openSync(this.#path, { read: true });
      lock.lockSync(true);
      const { ino, dev } = lock.statSync();
      const there = statOf(this.#path);
      if (there?.ino === ino && there.dev === dev && this.#isInPlace()) {
        for (const step of rotationSteps(this.#path, this.#options.rule)) {
          if (step.kind === "remove") remove(step.name);
          else rename(step.from, step.to);
        }
      }
    } catch (error) {
      this.#canRotate = false;
      this.#options.onUnrotated(
        `The log ${
          displayPath(this.#path)
        } grows beyond its limit: it can't be put aside: ${messageOf(error)}`,
      );
    }
    this.#open();
  }
}

/** A disk without room shows now, and not when something was changed already. */
function probe(log: string): void {
  const path = join(dirname(log), `.${crypto.randomUUID()}`);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  } catch {
    // The log itself could be opened: nothing new can be made beside it, that is all.
    return;
  }
  try {
    file.writeSync(new Uint8Array(PROBE_BYTES).fill(NEWLINE));
  } catch (error) {
    throw fileSystemError(error, "write to the log", log);
  } finally {
    file.close();
    Deno.removeSync(path);
  }
}

/**
 * Whether the file ends in the middle of a line, and stays so: another process' line
 * can be seen half written for a moment. What can't be read counts as whole.
 */
function endsWithin(path: string): boolean {
  let before: number | undefined;
  while (true) {
    const size = sizeIfWithin(path);
    if (size === undefined) return false;
    if (size === before) return true;
    before = size;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLE_MS);
  }
}

/** The size of a file whose last byte is no end of a line. */
function sizeIfWithin(path: string): number | undefined {
  try {
    using file = Deno.openSync(path, { read: true });
    const size = file.seekSync(-1, Deno.SeekMode.End) + 1;
    const last = new Uint8Array(1);
    return file.readSync(last) === 1 && last[0] !== NEWLINE ? size : undefined;
  } catch {
    return undefined;
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw fileSystemError(error, "write to the log", path);
  }
}

function rename(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
