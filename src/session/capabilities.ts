/** What this side names in its hello, beyond version 1. */
import { Capability } from "../protocol/version.ts";
import { type CompressMode, wantsPacked } from "./compression.ts";

/** The names, for a session that packs content in this way. */
export function capabilitiesFor(mode?: CompressMode): string[] {
  const packed = wantsPacked(mode) ? [Capability.zstd] : [];
  return [...packed, Capability.moves];
}
