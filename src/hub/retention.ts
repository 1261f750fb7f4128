/**
 * Which old versions stay. PURE. A version stays while it is one of the newest of
 * a file that exists, and in any case for some time after it was replaced or
 * deleted, whichever is longer.
 */

/** How long old versions are kept. */
export interface Retention {
  /** So many versions of each file, besides the current one. */
  readonly versions: number;
  /** For so long after it was replaced or deleted, in milliseconds. */
  readonly ageMs: number;
  /** No more versions than this of a file, however young; unless said any number. */
  readonly most?: number | undefined;
}

/** What decides about an old version. */
export interface OldVersion {
  /** How many changes of its path came after it. */
  readonly newer: number;
  /** When the next one came, in milliseconds since 1970. */
  readonly replaced: number;
  /** Whether anything is at its path now. */
  readonly exists: boolean;
  /** Whether it was replaced by a change set that replaced most files, lately. */
  readonly isHeld?: boolean;
}

/** Whether `version` may go at the time `now`. */
export function mayGo(
  version: OldVersion,
  retention: Retention,
  now: number,
): boolean {
  if (version.isHeld) return false;
  const { most = Infinity } = retention;
  if (version.exists && version.newer > most) return true;
  if (version.replaced > now - retention.ageMs) return false;
  return !version.exists || version.newer > retention.versions;
}
