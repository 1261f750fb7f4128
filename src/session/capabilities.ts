/** What this side names in its hello, beyond version 1. */
import { Capability } from "../protocol/version.ts";
import { type CompressMode, wantsPacked } from "./compression.ts";

/** What a session may do beyond version 1. */
export interface CapabilityOptions {
  /** How content is packed. */
  readonly compress?: CompressMode | undefined;
  /** Whether files may be described before they are sent; true unless said. */
  readonly recipes?: boolean | undefined;
}

/** The names of what such a session may do. */
export function capabilitiesFor(
  { compress, recipes = true }: CapabilityOptions,
): string[] {
  const names: string[] = [
    Capability.moves,
    Capability.follow,
    Capability.echo,
  ];
  if (wantsPacked(compress)) names.push(Capability.zstd);
  if (recipes) names.push(Capability.recipes);
  return names;
}
