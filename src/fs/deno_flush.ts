/**
 * Makes what was written survive a loss of power. That waits for the disk, in
 * another thread: a heartbeat must not.
 */
import { closeSync, constants, fsync, openSync } from "node:fs";
import { promisify } from "node:util";
import type { Anchor } from "./anchor.ts";
import { fileSystemError } from "./deno_errors.ts";
import { type FilePlace, OPEN_TO_READ } from "./deno_file.ts";
import { faultPoint } from "./fault_point.ts";

const fsyncAsync = promisify(fsync);

/** The program of the system that flushes one whole file system (`syncfs`). */
const SYNC_PROGRAMS = ["/usr/bin/sync", "/bin/sync"];

/** Flushes the file at `place`. @throws {FileSystemError} */
export async function flushFile(place: FilePlace): Promise<void> {
  await flushPath(place.at, OPEN_TO_READ, place.shown);
}

/** Flushes the entries of the directory. @throws {FileSystemError} */
export async function flushDirectory(anchor: Anchor): Promise<void> {
  // Windows opens no directories, and writes their entries through.
  if (Deno.build.os === "windows") return;
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  await flushPath(anchor.own(), flags, anchor.path);
}

/**
 * Flushes the whole file system that holds the directory `path`. Answers false
 * where the system has no means to do that, or none that works.
 */
export async function flushFileSystem(path: string): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  faultPoint("change");
  for (const program of SYNC_PROGRAMS) {
    try {
      const { success } = await new Deno.Command(program, {
        args: ["-f", path],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return true;
    } catch {
      // It is not there, or may not be run: file by file it is, then.
    }
  }
  return false;
}

async function flushPath(
  path: string,
  flags: number,
  shown: string,
): Promise<void> {
  try {
    faultPoint("change");
    const fd = openSync(path, flags);
    try {
      await fsyncAsync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileSystemError(error, "flush", shown);
  }
}
