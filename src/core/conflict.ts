/**
 * Conflicts: both sides changed one path, in different ways. Who wins is decided
 * here, from the two versions alone, so that both sides decide alike; the version
 * that loses is kept beside the winner, under the name of a conflict copy.
 */
import type { Change } from "./change.ts";
import type { TrackedEntry } from "./entry.ts";
import { compareNames, type Name, parseName, type RelPath } from "./path.ts";

/** One of two equal sides. */
export type TwoWaySide = "alpha" | "beta";

/**
 * - `newest`: what was modified last wins; a directory wins over anything else.
 * - `keep-both`: neither wins, both become conflict copies.
 * - `prefer-alpha`, `prefer-beta`: that side wins.
 * - `manual`: both stay as they are, and the conflict is told in each run.
 */
export type ConflictPolicy =
  | "newest"
  | "keep-both"
  | "prefer-alpha"
  | "prefer-beta"
  | "manual";

/** What both sides did at one path, the outermost at which they differ. */
export interface Conflict {
  readonly path: RelPath;
  /** From the ancestor to what each side has now. */
  readonly alpha: Change;
  readonly beta: Change;
  /** Whose version keeps the path; "none": neither; undefined: left as it is. */
  readonly winner: TwoWaySide | "none" | undefined;
  /** Where the versions that lose are kept. */
  readonly copies: readonly RelPath[];
  /** Why it is left as it is, where the policy is not the reason. */
  readonly reason?: string;
}

/** Longest name that every usual file system takes, in bytes of UTF-8. */
const MAX_COPY_NAME_BYTES = 255;

/** What follows the last dot counts as an extension up to this length. */
const MAX_EXTENSION_LENGTH = 16;

/** The mark of a copy, before an extension or at the end. */
const MARK = /\.conflict-[a-z0-9]+-[0-9TZ]+(?:-[0-9]+)?(?=\.[^.]*$|$)/;

const encoder = new TextEncoder();

/** Both, in the order in which they are dealt with. */
export const SIDES: readonly TwoWaySide[] = ["alpha", "beta"];

/** The other one. */
export function otherSide(side: TwoWaySide): TwoWaySide {
  return side === "alpha" ? "beta" : "alpha";
}

/** Who wins between two different versions; "none": neither does. */
export function winnerOf(
  policy: Exclude<ConflictPolicy, "manual">,
  alpha: TrackedEntry,
  beta: TrackedEntry,
): TwoWaySide | "none" {
  switch (policy) {
    case "newest":
      return isNewer(alpha, beta) ? "alpha" : "beta";
    case "keep-both":
      return "none";
    case "prefer-alpha":
      return "alpha";
    case "prefer-beta":
      return "beta";
    default:
      return policy satisfies never;
  }
}

/**
 * The name of the copy that keeps a version of `name`: `report.txt` becomes
 * `report.conflict-to-20260131T120000Z.txt`. The mark of an earlier copy gives
 * way to the new one, and what is too long is cut, before the mark.
 * @param label Lower-case letters and digits: which side the version is from.
 * @param version It; the time in the name is that of its last modification.
 * @param attempt From 1; others are shown, so that names do not clash.
 */
export function copyName(
  name: Name,
  label: string,
  version: TrackedEntry,
  attempt: number,
): Name {
  const plain = name.replace(MARK, "");
  // A name that is nothing but a mark stays as it is, and is marked once more.
  const base = plain === "" ? name : plain;
  const extension = version.kind === "directory" ? "" : extensionOf(base);
  const stem = base.slice(0, base.length - extension.length);
  const count = attempt === 1 ? "" : `-${attempt}`;
  const end = `.conflict-${label}-${timeOf(version)}${count}${extension}`;
  const room = MAX_COPY_NAME_BYTES - encoder.encode(end).length;
  return parseName(cut(stem, room) + end);
}

function isNewer(a: TrackedEntry, b: TrackedEntry): boolean {
  const isDirectory = a.kind === "directory";
  if (isDirectory !== (b.kind === "directory")) return isDirectory;
  if (a.mtime !== b.mtime) return a.mtime > b.mtime;
  return compareNames(contentKey(a), contentKey(b)) > 0;
}

/** Equal for equal content; any order will do, as long as it is the same everywhere. */
function contentKey(entry: TrackedEntry): string {
  switch (entry.kind) {
    case "directory":
      return "directory";
    case "file":
      return `file ${entry.digest} ${entry.size}`;
    case "symlink":
      return `symlink ${entry.target}`;
    default:
      return entry satisfies never;
  }
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  const length = name.length - dot;
  return dot > 0 && length <= MAX_EXTENSION_LENGTH ? name.slice(dot) : "";
}

/** "20260131T120000Z" */
function timeOf({ mtime }: TrackedEntry): string {
  const text = new Date(mtime).toISOString();
  return `${text.slice(0, text.lastIndexOf("."))}Z`.replaceAll(/[-+:]/g, "");
}

/** The beginning of `text` that fits into `room` bytes, in whole characters. */
function cut(text: string, room: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > room) break;
    end += character.length;
  }
  return text.slice(0, end);
}
