/** The file of `--token-file`: a secret, so it must belong to us alone. */
import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import { isToken, MAX_TOKEN_CHARACTERS, TOKEN_RULE } from "../../net/token.ts";
import { reasonOf, unreadable } from "./option_file.ts";

const OPTION = "--token-file";

/** More than the longest token with a byte order mark and line ends has. */
const MAX_BYTES = MAX_TOKEN_CHARACTERS + 64;

/** Neither through a link nor into a pipe that nobody writes to; 0 on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);

/**
 * The token in the file `path`, without a byte order mark and line ends around
 * it. All checks look at the open file, so nobody can swap it in between.
 * @param uid Who we are; null where users have no numbers.
 * @throws {UsageError} With the reason and what to do, but not what is in it.
 */
export function readTokenFile(path: string, uid = Deno.uid()): string {
  const bytes = Buffer.alloc(MAX_BYTES);
  let length = 0;
  const fd = open(path);
  try {
    checkOwner(fd, path, uid);
    for (let count = 1; count > 0 && length < MAX_BYTES; length += count) {
      count = readSync(fd, bytes, length, MAX_BYTES - length, null);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw unreadable(OPTION, path, reasonOf(error), error);
  } finally {
    closeSync(fd);
  }
  // Latin-1 keeps every byte apart: whatever is not ASCII stays wrong.
  const token = bytes.toString("latin1", 0, length)
    .replace(/^\xef\xbb\xbf/, "").replace(/[\r\n]+$/, "");
  if (isToken(token)) return token;
  throw new UsageError(
    token === ""
      ? `${OPTION} ${displayPath(path)} is empty; put a token in it: ` +
        `openssl rand -hex 32 > ${displayPath(path)}`
      : `${OPTION} ${displayPath(path)} holds no token: ${TOKEN_RULE}`,
  );
}

function open(path: string): number {
  try {
    return openSync(path, OPEN_FLAGS);
  } catch (error) {
    const isLink = (error as { code?: string }).code === "ELOOP";
    const reason = isLink
      ? "it is a symbolic link; name the file that it points to"
      : reasonOf(error);
    throw unreadable(OPTION, path, reason, error);
  }
}

/** @throws {UsageError} If others own it, or may read it or write to it. */
function checkOwner(fd: number, path: string, uid: number | null): void {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw unreadable(OPTION, path, "it is no file");
  if (uid === null) return;
  const shown = displayPath(path);
  if (stat.uid !== uid) {
    throw new UsageError(
      `${OPTION} ${shown} belongs to another user; mend it with: ` +
        `chown ${uid} ${shown}`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new UsageError(
      `${OPTION} ${shown} is open to other users; mend it with: ` +
        `chmod 600 ${shown}`,
    );
  }
}
