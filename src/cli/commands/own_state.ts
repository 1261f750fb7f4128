/** Lockstep's own state directory, where it lies in what is synced. */
import { isAbsolute, relative } from "@std/path";
import {
  stateDirectoryOf,
  type StateOptions,
} from "../state/state_directory.ts";
import { realPlaceOf } from "./overlap.ts";

/**
 * The ignore rule that leaves the usual state directory out of a sync of `from`,
 * as a home directory is synced; undefined where it does not lie in there, or
 * somebody has put it there. Each run would change what it mirrors.
 */
export function ruleForOwnState(
  options: StateOptions,
  from: string,
): string | undefined {
  if (options.noState || options.stateDir !== undefined) return undefined;
  const directory = stateDirectoryOf(options)!;
  const way = relative(realPlaceOf(from), realPlaceOf(directory));
  const names = way.split(/[\\/]/);
  if (way === "" || isAbsolute(way) || names[0] === "..") return undefined;
  return `/${names.map(escapeGlob).join("/")}/`;
}

function escapeGlob(name: string): string {
  return name.replaceAll(/[\\*?[\]]/g, "\\$&");
}
