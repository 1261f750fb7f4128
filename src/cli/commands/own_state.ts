/** Lockstep's own state directory, where it lies in what is synced or compared. */
import { isAbsolute, relative } from "@std/path";
import { displayPath } from "../../core/path.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { UsageError } from "../../errors.ts";
import {
  type StateOptions,
  usualStateDirectory,
} from "../state/state_directory.ts";
import { type ExcludeOptions, ignoreOptionsOf } from "./ignore_rules.ts";
import { liesWithin, realPlaceOf } from "./overlap.ts";

/**
 * What of `from` is left out: what the options say, and {@link ruleForOwnState}.
 * A command without `state` options goes by the usual place.
 * @throws {UsageError} See {@link ignoreOptionsOf}.
 */
export function ignoreFor(
  options: ExcludeOptions & Partial<StateOptions>,
  from: string,
): IgnoreOptions {
  const { rules, files } = ignoreOptionsOf(options);
  const own = ruleForOwnState(options, from);
  return { rules: own === undefined ? rules : [...rules, own], files };
}

/**
 * The ignore rule that leaves the usual state directory out of a sync of `from`,
 * as a home directory is synced; undefined where it does not lie in there, or
 * somebody has put it there. Each run would change what it mirrors.
 */
export function ruleForOwnState(
  { noState, stateDir }: Partial<StateOptions>,
  from: string,
): string | undefined {
  const usual = usualStateDirectory();
  if (noState || stateDir !== undefined || usual === undefined) {
    return undefined;
  }
  const rule = ruleForPlace(usual, from);
  return rule && `${rule}/`;
}

/** The ignore rule for `path` in a sync of `from`; undefined where it is not in there. */
export function ruleForPlace(path: string, from: string): string | undefined {
  const way = relative(realPlaceOf(from), realPlaceOf(path));
  const names = way.split(/[\\/]/);
  if (way === "" || isAbsolute(way) || names[0] === "..") return undefined;
  return `/${names.map(escapeGlob).join("/")}`;
}

/**
 * Each run would change what it mirrors, or delete what it remembers.
 * @throws {UsageError} If the state directory lies inside `root`.
 */
export function refuseStateInside(
  directory: string,
  root: string,
  option: string,
): void {
  if (!liesWithin(directory, root)) return;
  throw new UsageError(
    `The state directory ${displayPath(directory)} lies inside ${option} ${
      displayPath(root)
    }: choose another with --state-dir, or do without with --no-state`,
  );
}

function escapeGlob(name: string): string {
  return name.replaceAll(/[\\*?[\]]/g, "\\$&");
}
