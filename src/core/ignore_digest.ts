/**
 * A digest of ignore files: where it is equal, two trees were looked at by the
 * same rules. SHA-256 over a record for each file, in the order of a scan: path,
 * NUL, length in decimal, NUL, content; of a file that can't be used, only path
 * and two NULs.
 */
import { createHash } from "node:crypto";
import type { Digest } from "./entry.ts";

/** Collects the records of one tree. */
export class IgnoreDigest {
  readonly #hash = createHash("sha256");

  /** Adds the file at `path`; undefined where its content can't be used. */
  add(path: string, content: Uint8Array | undefined): void {
    this.#hash.update(`${path}\0${content?.length ?? ""}\0`);
    if (content !== undefined) this.#hash.update(content);
  }

  /** The digest; nothing can be added afterwards. */
  finish(): Digest {
    return this.#hash.digest("hex");
  }
}

/** The digest of no files. */
export const NO_IGNORE_FILES: Digest = new IgnoreDigest().finish();
