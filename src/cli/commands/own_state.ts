/** Lockstep's own state directory, where it lies in what is synced or compared. */
import { isAbsolute, relative } from "@std/path";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import {
  type StateOptions,
  usualStateDirectory,
} from "../state/state_directory.ts";
import { type ExcludeOptions, ignoreOptionsOf } from "./ignore_rules.ts";
import { realPlaceOf } from "./overlap.ts";

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
  const way = relative(realPlaceOf(from), realPlaceOf(usual));
  const names = way.split(/[\\/]/);
  if (way === "" || isAbsolute(way) || names[0] === "..") return undefined;
  return `/${names.map(escapeGlob).join("/")}/`;
}

function escapeGlob(name: string): string {
  return name.replaceAll(/[\\*?[\]]/g, "\\$&");
}
