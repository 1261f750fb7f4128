/** What becomes of a path that a client and its hub have both changed. */

/** In words of a client: its own side, and the hub's. */
export const CLIENT_POLICIES = [
  "newest",
  "keep-both",
  "prefer-hub",
  "prefer-client",
  "manual",
  "merge",
] as const;

/** One of {@link CLIENT_POLICIES}. */
export type ClientPolicy = (typeof CLIENT_POLICIES)[number];
