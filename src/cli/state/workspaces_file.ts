/** The file in which the workspaces are remembered: a daemon does what it says. */
import { Buffer } from "node:buffer";
import { closeSync, fstatSync, readSync } from "node:fs";
import { dirname } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { isFileSystemError, UsageError } from "../../errors.ts";
import type { ConfigStore } from "../../daemon/registry.ts";
import { MAX_CONFIG_BYTES } from "../../daemon/workspace_config.ts";
import { fileSystemError } from "../../fs/deno_errors.ts";
import { OPEN_TO_READ, openRegular } from "../../fs/deno_file.ts";
import { AtomicFile } from "./atomic_file.ts";

/** The file at `path`, which is absolute. */
export class WorkspacesFile implements ConfigStore {
  readonly name: string;
  readonly #uid: number | null;

  /** @param uid Who we are; null where users have no numbers. */
  constructor(path: string, uid = Deno.uid()) {
    this.name = path;
    this.#uid = uid;
  }

  /** @throws {SyncError} If it can't be read, or others can get at it. */
  read(): string | undefined {
    let fd: number;
    try {
      const place = { at: this.name, shown: this.name };
      fd = openRegular(place, OPEN_TO_READ, "read the workspaces in");
    } catch (error) {
      if (isFileSystemError(error, "not-found")) return undefined;
      throw error;
    }
    try {
      this.#check(fd);
      const bytes = Buffer.alloc(fstatSync(fd).size);
      let length = 0;
      for (let count = 1; count > 0; length += count) {
        count = readSync(fd, bytes, length, bytes.length - length, null);
      }
      return new TextDecoder("utf-8", { fatal: true })
        .decode(bytes.subarray(0, length));
    } catch (error) {
      if (error instanceof TypeError) {
        throw new UsageError(`${displayPath(this.name)} is not UTF-8`);
      }
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** @throws {SyncError} If it can't be written; then it is what it was. */
  write(text: string): void {
    try {
      Deno.mkdirSync(dirname(this.name), { recursive: true, mode: 0o700 });
      using file = new AtomicFile(this.name);
      file.write(text);
      file.commit();
    } catch (error) {
      throw fileSystemError(error, "remember the workspaces in", this.name);
    }
  }

  /** @throws {UsageError} If others own it, can read tokens in it, or write to it. */
  #check(fd: number): void {
    const { size, uid, mode } = fstatSync(fd);
    const shown = displayPath(this.name);
    if (size > MAX_CONFIG_BYTES) {
      throw new UsageError(`${shown} is larger than ${MAX_CONFIG_BYTES} bytes`);
    }
    if (this.#uid === null) return;
    if (uid !== this.#uid) {
      throw new UsageError(`${shown} belongs to another user`);
    }
    if ((mode & 0o077) !== 0) {
      throw new UsageError(
        `${shown} is open to other users; mend it with: chmod 600 ${shown}`,
      );
    }
  }
}
