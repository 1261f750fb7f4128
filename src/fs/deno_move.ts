/** Moves entries between open directories of the {@link DenoFileSystem}. */
import { existsSync } from "node:fs";
import type { Name } from "../core/path.ts";
import { type Anchor, below } from "./anchor.ts";
import {
  fileSystemError,
  isNotFound,
  refusal,
  systemCodeOf,
} from "./deno_errors.ts";
import { faultPoint } from "./fault_point.ts";

/** A name in an open directory, whether there is an entry or not. */
export interface AnchoredName {
  readonly anchor: Anchor;
  readonly name: Name;
}

/** How file systems say that they have no hard links (for this entry). */
const NO_HARD_LINK_CODES: readonly (string | undefined)[] = [
  "EPERM",
  "EMLINK",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
];

/** Moves the entry at `from` to `to`, over what is there; see `Directory.rename`. */
export function renameEntry(from: AnchoredName, to: AnchoredName): void {
  const path = pathOf(from);
  try {
    faultPoint("change");
    Deno.renameSync(path, pathOf(to));
    // Between two names of one file, the system does nothing and says it did.
    if (existsSync(path) && areTwins(from, to)) Deno.removeSync(path);
  } catch (error) {
    throw renameError(error, from, to);
  }
}

/** Moves the file or link at `from` to `to`, never over anything; see `Directory.moveNew`. */
export function moveNewEntry(from: AnchoredName, to: AnchoredName): void {
  const path = pathOf(from);
  const target = pathOf(to);
  try {
    faultPoint("change");
    Deno.linkSync(path, target);
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") {
      throw fileSystemError(error, "create", shown(to));
    }
    if (!hasNoHardLinks(error)) {
      throw fileSystemError(error, "move", shown(from));
    }
    moveWithoutLink(from, to);
    return;
  }
  try {
    faultPoint("change");
    Deno.removeSync(path);
  } catch (error) {
    Deno.removeSync(target);
    throw fileSystemError(error, "move", shown(from));
  }
}

/** Gives the file or link at `from` the second name `to`; see `Directory.link`. */
export function linkEntry(from: AnchoredName, to: AnchoredName): void {
  try {
    faultPoint("change");
    Deno.linkSync(pathOf(from), pathOf(to));
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") {
      throw fileSystemError(error, "create", shown(to));
    }
    if (hasNoHardLinks(error)) {
      const reason = "the file system has no second names for it";
      throw refusal("unsupported", "link", shown(from), reason, error);
    }
    throw fileSystemError(error, "link", shown(from));
  }
}

/** For lack of hard links: with a gap between the look and the move. */
function moveWithoutLink(from: AnchoredName, to: AnchoredName): void {
  try {
    if (Deno.lstatSync(pathOf(from)).isDirectory) {
      const reason = "it is a directory";
      throw refusal("is-a-directory", "move", shown(from), reason);
    }
    if (lookAt(to) !== undefined) {
      throw refusal("exists", "create", shown(to), "it exists already");
    }
    Deno.renameSync(pathOf(from), pathOf(to));
  } catch (error) {
    throw fileSystemError(error, "move", shown(from));
  }
}

/**
 * Whether these are two entries for one file. What looks like it may also be one
 * entry reached twice: the same directory opened twice, or names that differ in
 * case only where case does not count.
 */
function areTwins(from: AnchoredName, to: AnchoredName): boolean {
  const a = lookAt(from);
  const b = lookAt(to);
  if (!a || !b || a.isDirectory || !isSame(a, b)) return false;
  const own = from.anchor.own();
  if (!isSame(Deno.statSync(own), Deno.statSync(to.anchor.own()))) return true;
  if (from.name === to.name) return false;
  const names = new Set<string>();
  for (const { name } of Deno.readDirSync(own)) names.add(name);
  return names.has(from.name) && names.has(to.name);
}

function isSame(a: Deno.FileInfo, b: Deno.FileInfo): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

function renameError(
  error: unknown,
  from: AnchoredName,
  to: AnchoredName,
): Error {
  switch (systemCodeOf(error)) {
    case "EEXIST": {
      const reason = "the directory is not empty";
      return refusal("not-empty", "replace", shown(to), reason, error);
    }
    case "EISDIR":
    case "ENOTDIR":
    case "ENOTEMPTY":
      return fileSystemError(error, "replace", shown(to));
    case "EINVAL": {
      const reason = "a directory can't be moved into itself";
      return refusal("unsupported", "move", shown(from), reason, error);
    }
    default:
      return fileSystemError(error, "move", shown(from));
  }
}

function lookAt(spot: AnchoredName): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(pathOf(spot));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function hasNoHardLinks(error: unknown): boolean {
  return NO_HARD_LINK_CODES.includes(systemCodeOf(error)) ||
    error instanceof Deno.errors.NotSupported;
}

function pathOf(spot: AnchoredName): string {
  return spot.anchor.at(spot.name);
}

function shown(spot: AnchoredName): string {
  return below(spot.anchor.path, spot.name);
}
