/**
 * Refuses to mirror a directory into itself: each round would copy the copy of
 * the round before, or delete the source. Links are looked through, and one
 * directory under two names (a bind mount) is told by device and inode, and on
 * Linux by the table of mounts.
 */
import { dirname, isAbsolute, join, relative, resolve } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import {
  isPathWithin,
  type Mount,
  parseMounts,
  regionAt,
  regionsMeet,
  regionsOf,
} from "./mounts.ts";

/**
 * Checks the existing directory `source` against `target`, which may be missing.
 * @throws {UsageError} If they are one directory, or one lies inside the other,
 *   or the target is the whole system.
 */
export function refuseOverlap(source: string, target: string): void {
  const from = Deno.realPathSync(source);
  const places = spellingsOf(target).map(placeOnDisk);
  for (const { nearest, exists } of places) {
    if (exists && dirname(nearest) === nearest) {
      // Whatever is not at the source would go: from the whole system.
      throw new UsageError(`--to ${displayPath(nearest)} is the whole system`);
    }
    if (exists && isSame(from, nearest)) {
      throw new UsageError(
        `--from and --to are the same directory: ${displayPath(from)}`,
      );
    }
    if (isInside(nearest, from)) {
      throw new UsageError(
        `--to ${displayPath(target)} lies inside --from ${displayPath(source)}`,
      );
    }
    if (exists && isInside(from, nearest)) {
      throw new UsageError(
        `--from ${displayPath(source)} lies inside --to ${displayPath(target)}`,
      );
    }
  }
  const mounts = readMounts();
  if (places.some((place) => sharesMount(mounts, from, place))) {
    throw new UsageError(
      `--from ${displayPath(source)} and --to ${
        displayPath(target)
      } share a directory, by a mount`,
    );
  }
}

/** Whether `path` is `directory` or lies in it; both may be missing. */
export function liesWithin(path: string, directory: string): boolean {
  const around = placeOnDisk(directory);
  if (!around.exists) {
    const way = relative(realPlaceOf(directory), realPlaceOf(path));
    return !isAbsolute(way) && way.split(/[\\/]/)[0] !== "..";
  }
  const real = around.nearest;
  const mounts = readMounts();
  return spellingsOf(path).some((spelling) => {
    const place = placeOnDisk(spelling);
    if (isInside(place.nearest, real)) return true;
    const region = regionOfPlace(mounts, place);
    return region !== undefined &&
      regionsOf(mounts, real).some((other) =>
        region.device === other.device &&
        isPathWithin(region.path, other.path)
      );
  });
}

/** The absolute path of `path` without links, as far as it exists. */
export function realPlaceOf(path: string): string {
  const { nearest, missing } = placeOnDisk(resolve(path));
  return missing === "" ? nearest : join(nearest, missing);
}

/** A path, as far as it exists. */
interface Place {
  /** The real path of it, or of the nearest directory above it that exists. */
  readonly nearest: string;
  /** Whether that is the path itself. */
  readonly exists: boolean;
  /** What is missing below `nearest`; "" if nothing is. */
  readonly missing: string;
}

/** With ".." after a part that is missing, only the resolved path tells the place. */
function spellingsOf(path: string): string[] {
  return [...new Set([path, resolve(path)])];
}

function placeOnDisk(path: string): Place {
  for (let at = path;;) {
    try {
      const nearest = Deno.realPathSync(at);
      return { nearest, exists: at === path, missing: relative(at, path) };
    } catch (error) {
      const parent = dirname(at);
      if (parent === at) throw error;
      at = parent;
    }
  }
}

/** Whether both sides see one directory, though their paths do not tell. */
function sharesMount(
  mounts: readonly Mount[],
  from: string,
  to: Place,
): boolean {
  const target = regionOfPlace(mounts, to);
  if (target === undefined) return false;
  const seenAtTarget = to.exists ? regionsOf(mounts, to.nearest) : [target];
  return regionsOf(mounts, from).some((one) =>
    seenAtTarget.some((other) => regionsMeet(one, other))
  );
}

function regionOfPlace(
  mounts: readonly Mount[],
  { nearest, missing }: Place,
): ReturnType<typeof regionAt> {
  const region = regionAt(mounts, nearest);
  if (region === undefined || missing === "") return region;
  const base = region.path === "/" ? "" : region.path;
  return { ...region, path: `${base}/${missing}` };
}

/** None where the system does not tell. */
function readMounts(): readonly Mount[] {
  if (Deno.build.os !== "linux") return [];
  try {
    return parseMounts(Deno.readTextFileSync("/proc/self/mountinfo"));
  } catch {
    // Without /proc, device and inode have to do.
    return [];
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
