/** What is remembered of the last completed round between two places. */
import type { Digest } from "../core/entry.ts";
import type { RootIdentity } from "../core/guard.ts";

/** One completed round. */
export interface RoundRecord {
  /** The directory that was mirrored. */
  readonly root: RootIdentity;
  /** Entries in it that took part. */
  readonly entries: number;
  /** Of its tree. */
  readonly digest: Digest;
}

/** Where the record of one source and target is kept. */
export interface RoundRecords {
  /** The record, or undefined where there is none that could be believed. */
  read(): Promise<RoundRecord | undefined>;
  /** Replaces the record in one step. */
  write(record: RoundRecord): Promise<void>;
}
