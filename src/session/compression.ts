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

/** Whether this side wants packed content, and can read it. */
export function wantsPacked(mode: CompressMode = "auto"): boolean {
  return mode !== "off" && canPack();
}

/**
 * How content is packed on its way to a peer with these capabilities. The peer
 * says whether, never how: levels and limits are those of this side.
 */
export function compressionFor(
  options: {
    readonly compress?: CompressMode;
    readonly clock: Clock;
    /** What the link is held to, in bytes per second. */
    readonly rate?: number;
  },
  theirs: ReadonlySet<string>,
): Compression | undefined {
  const { compress = "auto", clock, rate } = options;
  if (!wantsPacked(compress) || !theirs.has(Capability.zstd)) return undefined;
  const policy = compress === "on"
    ? new SteadyCompression()
    : new AdaptiveCompression(rate);
  return { policy, clock };
}
