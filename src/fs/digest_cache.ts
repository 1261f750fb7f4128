/**
 * Digests of files, remembered from scan to scan: a file that is the same version
 * as before need not be read again. It lives as long as whoever scans, and is kept
 * nowhere.
 */
import type { Digest } from "../core/entry.ts";
import type { Stat } from "./file_system.ts";
import { isRacy, type KnownDigests } from "./known_digests.ts";

interface Known {
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly digest: Digest;
}

/** The digests of one tree. */
export class DigestCache implements KnownDigests {
  readonly #now: () => number;
  /** By device and inode: what the scan before this one has seen, and this one. */
  #before = new Map<string, Known>();
  #current = new Map<string, Known>();

  /** Knows nothing yet; `now` is the time of day, in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  /** A scan begins: what the one before it did not see is forgotten. */
  begin(): void {
    this.#before = this.#current;
    this.#current = new Map();
  }

  /** The digest of the file with this `stat`, if it is known. */
  get(stat: Stat): Digest | undefined {
    const key = keyOf(stat);
    const known = this.#current.get(key) ?? this.#before.get(key);
    if (
      known === undefined || known.size !== stat.size ||
      known.mtime !== stat.mtime || known.ctime !== stat.ctime
    ) return undefined;
    this.#current.set(key, known);
    return known.digest;
  }

  /** Remembers that the file with this `stat`, read from `readAt` on, had this digest. */
  set(
    stat: Stat,
    digest: Digest,
    { readAt }: { readonly readAt: number },
  ): void {
    const { size, mtime, ctime, inode } = stat;
    // What has no number of its own is told from others by its path alone.
    if (inode === 0) return;
    if (isRacy(stat, readAt)) return;
    this.#current.set(keyOf(stat), { size, mtime, ctime, digest });
  }

  /** It is kept nowhere. */
  pause(): void {}

  /** The next scan forgets what this one has not seen. */
  finish(): void {}
}

function keyOf({ device, inode }: Stat): string {
  return `${device} ${inode}`;
}
