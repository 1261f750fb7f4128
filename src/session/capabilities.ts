/** What this side names in its hello, beyond version 1. */
import { Capability } from "../protocol/version.ts";
import { type CompressMode, wantsPacked } from "./compression.ts";

/** What a session may do beyond version 1. */
export interface CapabilityOptions {
  /** How content is packed. */
  readonly compress?: CompressMode | undefined;
  /** Whether files may be described before they are sent; true unless said. */
  readonly recipes?: boolean | undefined;
  /** Whether this side can be asked to move entries; true unless said. */
  readonly moves?: boolean | undefined;
  /** Whether it knows after a transition what it has; true unless said. */
  readonly follows?: boolean | undefined;
  /** Whether this side takes part in a two-way sync; not unless said. */
  readonly twoWay?: boolean | undefined;
  /** Whether this side can be asked to watch its tree; not unless said. */
  readonly notices?: boolean | undefined;
}

/** The names of what such a session may do. */
export function capabilitiesFor(
  {
    compress,
    recipes = true,
    moves = true,
    follows = true,
    twoWay = false,
    notices = false,
  }: CapabilityOptions,
): string[] {
  const names: string[] = [Capability.echo];
  if (moves) names.push(Capability.moves);
  if (follows) names.push(Capability.follow);
  if (wantsPacked(compress)) names.push(Capability.zstd);
  if (recipes) names.push(Capability.recipes);
  if (twoWay) names.push(Capability.twoWay);
  if (notices) names.push(Capability.notices);
  return names;
}
