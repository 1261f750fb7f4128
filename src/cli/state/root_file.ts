/**
 * What is remembered of one directory that takes part in two-way syncs: an id, by
 * which other sides know it again, and the last run with each of them. A JSON file:
 *
 * | field   | value                                                         |
 * | ------- | ------------------------------------------------------------- |
 * | format  | "lockstep-root"                                               |
 * | version | 1                                                             |
 * | id      | 32 hexadecimal digits, lower case                             |
 * | root    | as in a record of a round, see `record_codec.ts`              |
 * | pairs   | list of {peer, current, previous}: ids, the last one or null  |
 */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { isSameRoot, type RootIdentity } from "../../core/guard.ts";
import { displayPath } from "../../core/path.ts";
import { messageOf, SyncError } from "../../errors.ts";
import type {
  PairedSide,
  PairingId,
  PairingState,
  Tokens,
} from "../../session/pairing.ts";
import { isCount, isObject, isTime, require } from "../json_checks.ts";
import { AtomicFile } from "./atomic_file.ts";
import { unusable } from "./state_directory.ts";

const FORMAT = "lockstep-root";
const VERSION = 1;

/** What the file holds. */
interface RootRecord {
  readonly id: PairingId;
  readonly root: RootIdentity;
  readonly pairs: ReadonlyMap<PairingId, Tokens>;
}

/** How a {@link RootFile} is opened. */
export interface RootFileOptions {
  /** The state directory. */
  readonly directory: string;
  /** Absolute, and free of links. */
  readonly path: string;
  /** The directory that is there now. */
  readonly identify: () => RootIdentity;
  /** Hears what is wrong with the file, and what that means. */
  readonly warn: (message: string) => void;
}

/** Draws an id. */
export function newPairingId(): PairingId {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/** The first part of names of files that are about the directory `path`. */
export function fileNameOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 32);
}

/** One directory, as it is remembered. */
export class RootFile implements PairedSide {
  readonly #options: RootFileOptions;
  readonly #file: string;
  #record: RootRecord | undefined;
  #id: PairingId;

  /** @throws {SyncError} If the file is there and can't be read, or is too new. */
  constructor(options: RootFileOptions) {
    this.#options = options;
    const { directory, path } = options;
    this.#file = join(directory, `${fileNameOf(path)}.root`);
    this.#record = this.#read();
    this.#id = this.#record?.id ?? newPairingId();
  }

  /** By which other sides know it. */
  get id(): PairingId {
    return this.#id;
  }

  /** Whether it has taken part before. */
  get isKnown(): boolean {
    return this.#record !== undefined;
  }

  /** Whether the path leads to another directory than before. */
  get isReplaced(): boolean {
    const before = this.#record?.root;
    if (before === undefined) return false;
    try {
      return !isSameRoot(before, this.#options.identify());
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return true;
    }
  }

  /** Takes what is there now for another directory, which no side knows yet. */
  renew(): void {
    this.#record = undefined;
    this.#id = newPairingId();
  }

  /** Makes sure that the id lasts. @throws {SyncError} If it can't be written. */
  persist(): void {
    if (this.#record === undefined) this.#write(new Map());
  }

  look(peerId: PairingId): Promise<PairingState> {
    return Promise.resolve({
      rootId: this.#id,
      isReplaced: this.isReplaced,
      tokens: this.#record?.pairs.get(peerId),
    });
  }

  commit(peerId: PairingId, tokens: Tokens): Promise<void> {
    try {
      // Whoever agreed on something agreed on what the other directory held.
      const known = this.isReplaced ? [] : this.#record?.pairs ?? [];
      this.#write(new Map(known).set(peerId, tokens));
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #write(pairs: ReadonlyMap<PairingId, Tokens>): void {
    const root = this.#options.identify();
    const record = { id: this.#id, root, pairs };
    try {
      using file = new AtomicFile(this.#file);
      file.write(format(record));
      file.commit();
    } catch (error) {
      throw unusable(this.#options.directory, error);
    }
    this.#record = record;
  }

  #read(): RootRecord | undefined {
    let text: string;
    try {
      text = Deno.readTextFileSync(this.#file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw unusable(this.#options.directory, error);
    }
    try {
      return parse(text);
    } catch (error) {
      // A newer program knows more: what it remembers is not to be overwritten.
      if (error instanceof SyncError) {
        const message = `Cannot use ${
          displayPath(this.#file)
        }: ${error.message}`;
        throw new SyncError("failed", message, { cause: error });
      }
      const { path, warn } = this.#options;
      warn(
        `What is remembered of ${displayPath(path)}, ${
          displayPath(this.#file)
        }, is damaged (${messageOf(error)}): no earlier run counts`,
      );
      return undefined;
    }
  }
}

function format({ id, root, pairs }: RootRecord): string {
  const { path, device, inode, born = null } = root;
  const listed = [...pairs].map(([peer, { current, previous = null }]) => ({
    peer,
    current,
    previous,
  }));
  const fields = {
    format: FORMAT,
    version: VERSION,
    id,
    root: { path, device, inode, born },
    pairs: listed,
  };
  return `${JSON.stringify(fields, undefined, 2)}\n`;
}

function parse(text: string): RootRecord {
  const fields = JSON.parse(text);
  require(isObject(fields), "it is no object");
  require(fields.format === FORMAT, "it is something else");
  const { version } = fields;
  require(isCount(version) && version > 0, "its version is damaged");
  if (version > VERSION) {
    throw new SyncError(
      "failed",
      `it has version ${version}, this program knows ${VERSION}: update it`,
    );
  }
  const { id, root, pairs } = fields;
  require(isId(id), "its id is damaged");
  require(isObject(root) && typeof root.path === "string", "it has no root");
  const { path, device, inode, born } = root;
  require(
    isCount(device) && isCount(inode) && (born === null || isTime(born)),
    "its root is damaged",
  );
  require(Array.isArray(pairs), "its pairs are damaged");
  const known = new Map<PairingId, Tokens>();
  for (const pair of pairs) {
    require(isObject(pair), "a pair is damaged");
    const { peer, current, previous } = pair;
    require(
      isId(peer) && isId(current) && (previous === null || isId(previous)),
      "a pair is damaged",
    );
    known.set(peer, { current, previous: previous ?? undefined });
  }
  return {
    id,
    root: { path, device, inode, born: born ?? undefined },
    pairs: known,
  };
}

function isId(value: unknown): value is PairingId {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}
