/** The file of `--config`: read with care, and written as a whole or not at all. */
import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { messageOf, SyncError, UsageError } from "../../errors.ts";
import { reasonOf } from "../commands/option_file.ts";
import { AtomicFile } from "../state/atomic_file.ts";
import {
  type ClientConfig,
  formatClientConfig,
  parseClientConfig,
} from "./client_config.ts";

const MAX_BYTES = 256 * 1024;

/** A pipe that nobody writes to must not hold us up; 0 on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads the file `path`. Where it holds a key, it has to be ours alone.
 * @param uid Who we are; null where users have no numbers.
 * @throws {UsageError} `FILE:LINE:COL: REASON`, or why it can't be read.
 */
export function readConfigFile(
  path: string,
  uid: number | null = Deno.uid(),
): ClientConfig {
  const shown = displayPath(path);
  const { bytes, mode, owner } = readBytes(path);
  const config = parseClientConfig(
    decode(bytes, shown),
    shown,
    dirname(resolve(path)),
  );
  if (config.apiKey === undefined || uid === null) return config;
  if (owner !== uid) {
    throw new UsageError(
      `${shown} holds a key and belongs to another user; mend it with: ` +
        `chown ${uid} ${shown}`,
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new UsageError(
      `${shown} holds a key and is open to other users; mend it with: ` +
        `chmod 600 ${shown}`,
    );
  }
  return config;
}

/**
 * Writes `config` to `path`, for its owner alone.
 * @param force Whether a file that is there is replaced.
 * @throws {UsageError} If there is one that is not to be replaced.
 * @throws {SyncError} If it can't be written.
 */
export function writeConfigFile(
  path: string,
  config: ClientConfig,
  force: boolean,
): void {
  const shown = displayPath(path);
  try {
    using file = new AtomicFile(resolve(path));
    file.write(formatClientConfig(config));
    if (force) file.commit();
    else file.commitNew();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new UsageError(
        `${shown} is there already; --force replaces it`,
        { cause: error },
      );
    }
    const message = `Cannot write ${shown}: ${messageOf(error)}`;
    throw new SyncError("failed", message, { cause: error });
  }
}

interface ReadFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly owner: number;
}

function readBytes(path: string): ReadFile {
  const fail = (reason: string, cause?: unknown): UsageError =>
    new UsageError(`Cannot read --config ${displayPath(path)}: ${reason}`, {
      cause,
    });
  let fd: number;
  try {
    fd = openSync(path, OPEN_FLAGS);
  } catch (error) {
    const isMissing = (error as { code?: string }).code === "ENOENT";
    const hint = isMissing ? "; lockstep init writes one" : "";
    throw fail(reasonOf(error) + hint, error);
  }
  try {
    // All checks look at the open file, so nobody can swap it in between.
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw fail("it is no file");
    if (stat.size > MAX_BYTES) throw fail("it is larger than 256 KiB");
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let count = 1; count > 0 && length < bytes.length; length += count) {
      count = readSync(fd, bytes, length, bytes.length - length, null);
    }
    if (length > MAX_BYTES) throw fail("it is larger than 256 KiB");
    return {
      bytes: bytes.subarray(0, length),
      mode: stat.mode,
      owner: stat.uid,
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw fail(reasonOf(error), error);
  } finally {
    closeSync(fd);
  }
}

/** A byte order mark of UTF-8 is no fault; anything but UTF-8 is. */
function decode(bytes: Uint8Array, shown: string): string {
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) ||
    (bytes[0] === 0xfe && bytes[1] === 0xff);
  const nul = bytes.indexOf(0);
  if (isWide || nul >= 0) {
    throw new UsageError(
      `${shown}:${lineAt(bytes, isWide ? 0 : nul)}:1: ${
        isWide ? "it is UTF-16: save it as UTF-8" : "it holds NUL"
      }`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${shown}:1:1: it is no UTF-8 text`, { cause: error });
  }
}

function lineAt(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (const byte of bytes.subarray(0, offset)) if (byte === 0x0a) line++;
  return line;
}
