/**
 * Refuses to mirror a directory into itself: each round would copy the copy of
 * the round before, or delete the source. Links are looked through, and one
 * directory under two names (a bind mount) is told by device and inode.
 */
import { dirname, resolve } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";

/**
 * Checks the existing directory `source` against `target`, which may be missing.
 * @throws {UsageError} If they are one directory, or one lies inside the other.
 */
export function refuseOverlap(source: string, target: string): void {
  const from = Deno.realPathSync(source);
  // With ".." after a part that is missing, only the resolved path tells the place.
  for (const path of new Set([target, resolve(target)])) {
    const { real, exists } = nearestExisting(path);
    if (exists && isSame(from, real)) {
      throw new UsageError(
        `--from and --to are the same directory: ${displayPath(from)}`,
      );
    }
    if (isInside(real, from)) {
      throw new UsageError(
        `--to ${displayPath(target)} lies inside --from ${displayPath(source)}`,
      );
    }
    if (exists && isInside(from, real)) {
      throw new UsageError(
        `--from ${displayPath(source)} lies inside --to ${displayPath(target)}`,
      );
    }
  }
}

/** The real path of `path`, or of the nearest directory above it that exists. */
function nearestExisting(path: string): { real: string; exists: boolean } {
  for (let at = path, exists = true;; exists = false) {
    try {
      return { real: Deno.realPathSync(at), exists };
    } catch (error) {
      const parent = dirname(at);
      if (parent === at) throw error;
      at = parent;
    }
  }
}

/** Whether the real path `path` is `directory` or lies below it. */
function isInside(path: string, directory: string): boolean {
  for (let at = path;;) {
    if (isSame(at, directory)) return true;
    const parent = dirname(at);
    if (parent === at) return false;
    at = parent;
  }
}

function isSame(a: string, b: string): boolean {
  if (a === b) return true;
  const one = Deno.statSync(a);
  const other = Deno.statSync(b);
  // Some file systems have no inode numbers, and say null or 0.
  return Boolean(one.ino) && one.ino === other.ino && one.dev === other.dev;
}
