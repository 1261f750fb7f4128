/** Sets mode and mtime of a file or directory by its path, never through a link. */
import { closeSync, constants, openSync } from "node:fs";
import { refusal, systemCodeOf } from "./deno_errors.ts";
import { type FilePlace, OPEN_TO_READ, OPEN_TO_WRITE } from "./deno_file.ts";
import {
  KEEPS_MODES,
  setOpenMetadata,
  setTimeAt,
  toStat,
} from "./deno_stat.ts";
import type { Metadata } from "./file_system.ts";

/**
 * Sets `metadata` of what is at `place`.
 * @throws {FileSystemError} `unsupported` for what is neither file nor directory.
 */
export function setMetadataAt(place: FilePlace, metadata: Metadata): void {
  const { kind, mode } = toStat(Deno.lstatSync(place.at));
  if (kind !== "file" && kind !== "directory") {
    const reason = "it is neither a file nor a directory";
    throw refusal("unsupported", "set mode and time of", place.shown, reason);
  }
  if (!KEEPS_MODES) {
    // Windows opens no directories.
    setTimeAt(place.at, metadata.mtime);
    return;
  }
  const opened = openForMetadata(place.at, kind, mode);
  try {
    setOpenMetadata(opened.fd, place.at, metadata, opened.mode);
  } finally {
    closeSync(opened.fd);
  }
}

/** Opens the entry, even if nobody may read or write it: and the mode it has then. */
function openForMetadata(
  path: string,
  kind: "file" | "directory",
  mode: number,
): { readonly fd: number; readonly mode: number } {
  const flags = kind === "file"
    ? OPEN_TO_READ
    : OPEN_TO_READ | constants.O_DIRECTORY;
  try {
    return { fd: openSync(path, flags), mode };
  } catch (error) {
    if (systemCodeOf(error) !== "EACCES") throw error;
  }
  if (kind === "file") {
    try {
      return { fd: openSync(path, OPEN_TO_WRITE), mode };
    } catch (error) {
      if (systemCodeOf(error) !== "EACCES") throw error;
    }
  }
  // Only a call by path is left. It would follow a link that took the place of
  // the entry just now; the owner may do to its target what we do.
  const readable = mode | 0o400;
  Deno.chmodSync(path, readable);
  return { fd: openSync(path, flags), mode: readable };
}
