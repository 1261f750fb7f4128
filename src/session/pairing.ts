/**
 * Two sides that have agreed on something know it: each remembers the other, and
 * a token of the last run that both took part in. Where the tokens differ, one of
 * them is not what it was then (restored from a backup, moved to another machine,
 * or its memory is gone): what was agreed on holds no longer, and the run is like
 * a first one.
 *
 * Beta commits to a new token, still knowing the one before, after the changes
 * of a run are safe; then alpha saves the ancestor with the new one. A run that
 * breaks off in between leaves alpha with the token before, and an ancestor that
 * is older than it could be: what it was about to do was announced before.
 */
import type { Announced } from "../core/announced.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { IntegrityError } from "../errors.ts";
import type { Ancestry } from "./ancestry.ts";

/** 32 hexadecimal digits, drawn by chance: one root, or one run of a pair. */
export type PairingId = string;

/** What beta remembers of runs with one other side. */
export interface Tokens {
  /** Of the last run. */
  readonly current: PairingId;
  /** What alpha had before that run; undefined: it was the first. */
  readonly previous: PairingId | undefined;
}

/** What one side is, and what it remembers of another one. */
export interface PairingState {
  /** Of the root: another directory at the same path has another one. */
  readonly rootId: PairingId;
  /** Whether the path led to another directory in earlier runs. */
  readonly isReplaced: boolean;
  /** Undefined: it knows of no run with that side. */
  readonly tokens: Tokens | undefined;
}

/** The side that is asked. */
export interface PairedSide {
  /** What it remembers of the side whose root is `peerId`; changes nothing. */
  look(peerId: PairingId): Promise<PairingState>;
  /** Remembers a run with that side, so that it survives a loss of power. */
  commit(peerId: PairingId, tokens: Tokens): Promise<void>;
}

/** What alpha keeps of one pair. */
export interface AncestorRecord {
  readonly alphaId: PairingId;
  readonly betaId: PairingId;
  /** Of the run that ended with it. */
  readonly token: PairingId;
  readonly ancestor: DirectoryEntry;
}

/** A record as it is found. */
export interface FoundRecord extends AncestorRecord {
  /** What the run after it has announced last. */
  readonly announced: readonly Announced[];
}

/** Where alpha keeps it. */
export interface AncestorRecords {
  /**
   * The record of a pair; undefined where there is none.
   * @throws {IntegrityError} If it is damaged.
   */
  read(
    alphaId: PairingId,
    betaId: PairingId,
  ): Promise<FoundRecord | undefined>;
  /**
   * Replaces it in one step, so that it survives a loss of power.
   * @param before What was written last, by this object, if that is known: then
   *   only what has changed since needs to be.
   */
  write(record: AncestorRecord, before?: AncestorRecord): Promise<void>;
  /**
   * Keeps, so that it survives a loss of power, what is about to be done since the
   * record of that pair with that token was written; in place of what was kept before.
   */
  announce(
    pair: Pick<AncestorRecord, "alphaId" | "betaId" | "token">,
    announced: readonly Announced[],
  ): Promise<void>;
}

/** What a {@link PairedAncestry} needs. */
export interface PairedAncestryOptions {
  /** Alpha's root. */
  readonly alphaId: PairingId;
  readonly beta: PairedSide;
  readonly records: AncestorRecords;
  readonly newToken: () => PairingId;
  /** Hears why this run is like a first one, though it is not the first. */
  readonly warn: (message: string) => void;
}

const LIKE_FIRST =
  "this run deletes nothing, and takes what differs for conflicts";

/** The memory of a pair whose sides still know each other. */
export class PairedAncestry implements Ancestry {
  #ancestor: DirectoryEntry | undefined;
  #announced: readonly Announced[];
  readonly #options: PairedAncestryOptions;
  readonly #betaId: PairingId;
  /** What the saved ancestor goes by. */
  #token: PairingId | undefined;
  /** What was saved last, if anything was. */
  #written: AncestorRecord | undefined;

  private constructor(
    options: PairedAncestryOptions,
    betaId: PairingId,
    record: FoundRecord | undefined,
  ) {
    this.#options = options;
    this.#betaId = betaId;
    this.#token = record?.token;
    this.#ancestor = record?.ancestor;
    this.#announced = record?.announced ?? [];
  }

  get ancestor(): DirectoryEntry | undefined {
    return this.#ancestor;
  }

  get announced(): readonly Announced[] {
    return this.#announced;
  }

  /**
   * Compares what both sides remember.
   * @param beta What {@link PairedSide.look} has answered.
   */
  static async open(
    options: PairedAncestryOptions,
    { rootId, isReplaced, tokens }: PairingState,
  ): Promise<PairedAncestry> {
    const { alphaId, records, warn } = options;
    // What was agreed on was agreed on with another directory.
    if (isReplaced) return new PairedAncestry(options, rootId, undefined);
    let record: FoundRecord | undefined;
    try {
      record = await records.read(alphaId, rootId);
    } catch (error) {
      // Never a guess: what it said may have been anything.
      if (!(error instanceof IntegrityError)) throw error;
      warn(`${error.message}; ${LIKE_FIRST}`);
      return new PairedAncestry(options, rootId, undefined);
    }
    const isKnown = record !== undefined && tokens !== undefined &&
      (record.token === tokens.current || record.token === tokens.previous);
    if (isKnown) return new PairedAncestry(options, rootId, record);
    if (record !== undefined) {
      warn(
        tokens === undefined
          ? `The other side does not remember this one; ${LIKE_FIRST}`
          : "The sides remember different last runs: one of them was restored " +
            `from a backup, or moved to another machine; ${LIKE_FIRST}`,
      );
    } else if (tokens !== undefined) {
      warn(
        `This side does not remember its last run with the other one; ${LIKE_FIRST}`,
      );
    }
    return new PairedAncestry(options, rootId, undefined);
  }

  async announce(announced: readonly Announced[]): Promise<void> {
    const { alphaId, records } = this.#options;
    const token = this.#token;
    // Who has agreed on nothing takes nothing for granted next time.
    if (token === undefined) return;
    this.#announced = announced;
    await records.announce({ alphaId, betaId: this.#betaId, token }, announced);
  }

  async save(ancestor: DirectoryEntry): Promise<void> {
    const { alphaId, beta, records, newToken } = this.#options;
    const token = newToken();
    await beta.commit(alphaId, { current: token, previous: this.#token });
    const record = { alphaId, betaId: this.#betaId, token, ancestor };
    await records.write(record, this.#written);
    this.#written = record;
    this.#token = token;
    this.#ancestor = ancestor;
    this.#announced = [];
  }
}
