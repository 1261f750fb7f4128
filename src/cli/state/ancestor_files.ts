/** What pairs of sides agreed on last, as files in the state directory. */
import { join } from "@std/path";
import type { Announced } from "../../core/announced.ts";
import { displayPath } from "../../core/path.ts";
import { IntegrityError, messageOf, SyncError } from "../../errors.ts";
import {
  decodeAncestor,
  encodeAncestor,
} from "../../session/ancestor_codec.ts";
import {
  applyLog,
  encodeLogHeader,
  encodeLogStep,
} from "../../session/ancestor_log.ts";
import {
  announcedHeader,
  decodeAnnounced,
  encodeAnnounced,
} from "../../session/announced_codec.ts";
import type {
  AncestorRecord,
  AncestorRecords,
  FoundRecord,
  PairingId,
} from "../../session/pairing.ts";
import { AtomicFile } from "./atomic_file.ts";
import { unusable } from "./state_directory.ts";

/** A log may be as long as this, or as what it begins with. */
const LOG_BYTES = 256 * 1024;

/** A log that is being written. */
interface Log {
  /** Of the ancestor that it begins with. */
  readonly base: PairingId;
  /** Of its last step. */
  readonly token: PairingId;
  /** Of its steps. */
  readonly bytes: number;
  readonly baseBytes: number;
}

/** One file for each pair, and a log of what has changed since that was written. */
export class AncestorFiles implements AncestorRecords {
  readonly #directory: string;
  /** Logs that were begun here, by their paths. */
  readonly #logs = new Map<string, Log>();
  /** Bytes in the files of announcements that were begun here, by their paths. */
  readonly #announcements = new Map<string, number>();

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
  ): Promise<FoundRecord | undefined> {
    return Promise.try(() => this.#read(alphaId, betaId));
  }

  /** @throws {SyncError} If it can't be written. */
  async announce(
    { alphaId, betaId, token }: Parameters<AncestorRecords["announce"]>[0],
    announced: readonly Announced[],
  ): Promise<void> {
    const path = announcementsOf(this.#pathOf(alphaId, betaId));
    const bytes = encodeAnnounced(token, announced);
    const length = this.#announcements.get(path);
    this.#announcements.delete(path);
    try {
      if (length === undefined || length > LOG_BYTES) {
        using file = new AtomicFile(path);
        const header = announcedHeader();
        file.write(header);
        file.write(bytes);
        file.commit();
        this.#announcements.set(path, header.length + bytes.length);
        return;
      }
      using file = Deno.openSync(path, { append: true });
      writeAll(file, bytes);
      await file.syncData();
      this.#announcements.set(path, length + bytes.length);
    } catch (error) {
      throw unusable(this.#directory, error);
    }
  }

  /** @throws {SyncError} If it can't be written. */
  write(record: AncestorRecord, before?: AncestorRecord): Promise<void> {
    const path = this.#pathOf(record.alphaId, record.betaId);
    try {
      const log = this.#logs.get(path);
      if (before !== undefined && log?.token === before.token) {
        const step = encodeLogStep(before, record);
        if (log.bytes + step.length <= Math.max(LOG_BYTES, log.baseBytes)) {
          this.#append(path, log, step);
          this.#logs.set(path, {
            ...log,
            token: record.token,
            bytes: log.bytes + step.length,
          });
          return Promise.resolve();
        }
      }
      this.#replace(path, record);
      return Promise.resolve();
    } catch (error) {
      // What the log holds now is not known: the next one begins anew.
      this.#logs.delete(path);
      return Promise.reject(unusable(this.#directory, error));
    }
  }

  #replace(path: string, record: AncestorRecord): void {
    let baseBytes = 0;
    using file = new AtomicFile(path);
    for (const bytes of encodeAncestor(record)) {
      file.write(bytes);
      baseBytes += bytes.length;
    }
    file.commit();
    // A log of another ancestor counts for nothing.
    remove(logOf(path));
    const { token } = record;
    this.#logs.set(path, { base: token, token, bytes: 0, baseBytes });
  }

  #append(path: string, log: Log, step: Uint8Array): void {
    if (log.bytes === 0) {
      using file = new AtomicFile(logOf(path));
      file.write(encodeLogHeader(log.base));
      file.write(step);
      return file.commit();
    }
    using file = Deno.openSync(logOf(path), { append: true });
    writeAll(file, step);
    file.syncDataSync();
  }

  #read(alphaId: PairingId, betaId: PairingId): FoundRecord | undefined {
    const path = this.#pathOf(alphaId, betaId);
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unusable(this.#directory, error);
    }
    try {
      const base = decodeAncestor(bytes);
      const log = readIfThere(logOf(path));
      const record = log === undefined ? base : applyLog(base, log);
      if (record.alphaId !== alphaId || record.betaId !== betaId) {
        throw new IntegrityError("it is about other directories");
      }
      const announced = readIfThere(announcementsOf(path));
      return {
        ...record,
        announced: announced === undefined
          ? []
          : decodeAnnounced(announced, record.token),
      };
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

function logOf(path: string): string {
  return `${path}.log`;
}

function announcementsOf(path: string): string {
  return `${path}.announced`;
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
