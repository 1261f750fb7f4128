/** Whether a session packs content, by what both of its sides want. */
import type { Clock } from "../core/clock.ts";
import { canPack } from "../protocol/packed_codec.ts";
import { Capability } from "../protocol/version.ts";
import {
  AdaptiveCompression,
  SteadyCompression,
} from "./compression_policy.ts";
import type { Compression } from "./content_sender.ts";

/** What this side wants: as it pays, always, or never, in neither direction. */
export type CompressMode = "auto" | "on" | "off";

/** What to name in the hello. */
export function capabilitiesFor(mode: CompressMode = "auto"): string[] {
  return canCompress(mode)
    ? [Capability.zstd, Capability.follow]
    : [Capability.follow];
}

function canCompress(mode: CompressMode): boolean {
  return mode !== "off" && canPack();
}

/**
 * How content is packed on its way to a peer with these capabilities. The peer
 * says whether, never how: levels and limits are those of this side.
 */
export function compressionFor(
  options: { readonly compress?: CompressMode; readonly clock: Clock },
  theirs: ReadonlySet<string>,
): Compression | undefined {
  const { compress = "auto", clock } = options;
  if (!canCompress(compress) || !theirs.has(Capability.zstd)) return undefined;
  const policy = compress === "on"
    ? new SteadyCompression()
    : new AdaptiveCompression();
  return { policy, clock };
}
