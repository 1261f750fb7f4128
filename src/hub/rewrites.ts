/**
 * Change sets that replace most files, as extortioners do who encrypt them. They
 * are told of, and what was there before stays for some time whatever retention
 * says.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Rewrite } from "./store.ts";

/** More files than this, and more than this share of all, are most of them. */
const USUAL_FILES = 100;
const USUAL_SHARE = 0.5;

/** For so long the versions before it stay, in milliseconds. */
export const KEEP_BEFORE_MS = 30 * 24 * 3_600_000;

/** Whether `files` of `total` have other content now that are most of them. */
export function isMassRewrite(files: number, total: number): boolean {
  return files > USUAL_FILES && files > total * USUAL_SHARE;
}

/** Keeps what was there before `rewrite`; within a transaction. */
export function keepBefore(
  database: DatabaseSync,
  { changeSet }: Rewrite,
  time: number,
): void {
  database.prepare("INSERT OR IGNORE INTO rewrites VALUES (?, ?)")
    .run(changeSet, time);
}
