/** What pairs of sides agreed on last, as files in the state directory. */
import { join } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { IntegrityError, messageOf, SyncError } from "../../errors.ts";
import {
  decodeAncestor,
  encodeAncestor,
} from "../../session/ancestor_codec.ts";
import type {
  AncestorRecord,
  AncestorRecords,
  PairingId,
} from "../../session/pairing.ts";
import { AtomicFile } from "./atomic_file.ts";
import { unusable } from "./state_directory.ts";

/** One file for each pair. */
export class AncestorFiles implements AncestorRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * @throws {IntegrityError} If the file is damaged.
   * @throws {SyncError} If it is there and can't be read, or is too new.
   */
  read(
    alphaId: PairingId,
    betaId: PairingId,
  ): Promise<AncestorRecord | undefined> {
    return Promise.try(() => this.#read(alphaId, betaId));
  }

  /** @throws {SyncError} If it can't be written. */
  write(record: AncestorRecord): Promise<void> {
    try {
      using file = new AtomicFile(this.#pathOf(record.alphaId, record.betaId));
      for (const bytes of encodeAncestor(record)) file.write(bytes);
      file.commit();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(unusable(this.#directory, error));
    }
  }

  #read(alphaId: PairingId, betaId: PairingId): AncestorRecord | undefined {
    const path = this.#pathOf(alphaId, betaId);
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unusable(this.#directory, error);
    }
    try {
      const record = decodeAncestor(bytes);
      if (record.alphaId === alphaId && record.betaId === betaId) return record;
      throw new IntegrityError("it is about other directories");
    } catch (error) {
      const message = messageOf(error);
      throw error instanceof IntegrityError
        ? new IntegrityError(
          `What both sides agreed on last, ${
            displayPath(path)
          }, is damaged (${message})`,
          { cause: error },
        )
        : new SyncError(
          "failed",
          `Cannot use ${displayPath(path)}: ${message}`,
          {
            cause: error,
          },
        );
    }
  }

  #pathOf(alphaId: PairingId, betaId: PairingId): string {
    return join(this.#directory, `${alphaId}-${betaId}.ancestor`);
  }
}
