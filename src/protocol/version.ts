/** Which version of the protocol two sides speak, and what else they can do. */

/** The only version so far. */
export const PROTOCOL_VERSION = 1;

/** The versions that one side can speak, both ends included. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** What this side speaks. */
export const SUPPORTED_VERSIONS: VersionRange = {
  min: PROTOCOL_VERSION,
  max: PROTOCOL_VERSION,
};

/** Names of what goes beyond version 1; an unknown name is ignored. */
export const Capability = {
  /** Content may come compressed, in `packed` frames. */
  zstd: "zstd",
  /** A target can be asked to `move` entries. */
  moves: "moves",
  /** Files may be described before they are sent, and only their gaps sent. */
  recipes: "recipes",
  /**
   * After a transition the answering side knows what it has, so that changes may
   * be staged without a scan; and it hears of the end of a round, in `synced`.
   */
  follow: "follow",
  /** This side takes part in two-way syncs, and in nothing else. */
  twoWay: "two-way",
  /** This side can be asked to `watch` its tree, and tells of changes in `changed`. */
  notices: "notices",
  /** An `echo` frame may ask for a `ping` at once. */
  echo: "echo",
} as const;

/** The highest version that both sides speak, or undefined. */
export function negotiate(
  ours: VersionRange,
  theirs: VersionRange,
): number | undefined {
  const highest = Math.min(ours.max, theirs.max);
  return highest >= Math.max(ours.min, theirs.min) ? highest : undefined;
}

/** A range for people: "1" or "1 to 3". */
export function describeVersions(range: VersionRange): string {
  return range.min === range.max
    ? `${range.min}`
    : `${range.min} to ${range.max}`;
}
