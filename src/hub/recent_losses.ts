/**
 * Which files a client has deleted lately, as the history of the hub tells: so
 * what goes bit by bit counts as one, over any number of rounds, connections and
 * starts of the hub.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Digest } from "../core/entry.ts";
import { parentOf, type RelPath } from "../core/path.ts";
import { guardDatabase } from "./database.ts";

/** Deletions that are no further apart than this are looked at together. */
export const RECENT_MS = 10 * 60_000;

/** No more changes are read at once, the newest: nobody else has a turn meanwhile. */
const MAX_CHANGES = 100_000;

/** A file that a client has deleted, or made where there was none. */
interface Event {
  readonly time: number;
  readonly changeSet: number;
  readonly path: RelPath;
  readonly digest: Digest;
  readonly kind: "gone" | "come";
}

/** What is known of a client. */
interface Ledger {
  /** Up to here the history was read. */
  revision: number;
  /** The oldest first. */
  events: Event[];
}

/** Of which losses there is a question. */
export interface RecentQuery {
  /** In milliseconds since 1970: now. */
  readonly now: number;
  /** What was deleted before was meant, in milliseconds since 1970. */
  readonly after: number;
  /** What is at or below these was meant, up to that time. */
  readonly meant: ReadonlyMap<RelPath, number>;
}

/** The deletions of all clients of one hub. */
export class RecentLosses {
  readonly #changes: StatementSync;
  readonly #isThere: StatementSync;
  /** By client. */
  readonly #ledgers = new Map<string, Ledger>();

  constructor(database: DatabaseSync) {
    this.#changes = database.prepare(
      `SELECT c.revision, c.time, c.path, c.change_set,
         c.digest AS new, p.digest AS old
       FROM changes AS c LEFT JOIN changes AS p ON p.revision = (
         SELECT max(revision) FROM changes
         WHERE path = c.path AND revision < c.revision
       ) WHERE c.client = ? AND c.revision > ?
       ORDER BY c.revision DESC LIMIT ${MAX_CHANGES}`,
    );
    this.#isThere = database.prepare("SELECT 1 FROM files WHERE path = ?");
  }

  /** How many files `client` has deleted lately that are not there again. */
  count(client: string, { now, after, meant }: RecentQuery): number {
    const since = Math.max(after, now - RECENT_MS);
    const { events } = this.#read(client, now - RECENT_MS);
    const come = new Map<Digest, number>();
    const gone = new Set<RelPath>();
    // What comes in the same change set, or later, was only renamed.
    for (let last = events.length; last > 0;) {
      const { changeSet, time } = events[last - 1]!;
      if (time <= since) break;
      let first = last;
      while (events[first - 1]?.changeSet === changeSet) first--;
      const together = events.slice(first, last);
      last = first;
      for (const { kind, digest } of together) {
        if (kind === "come") come.set(digest, (come.get(digest) ?? 0) + 1);
      }
      for (const { kind, digest, path } of together) {
        if (kind === "come") continue;
        const left = come.get(digest) ?? 0;
        if (left > 0) come.set(digest, left - 1);
        else if (!isMeant(path, time, meant)) gone.add(path);
      }
    }
    // Somebody else may have brought it back.
    let count = 0;
    for (const path of gone) {
      if (this.#isThere.get(path) === undefined) count++;
    }
    return count;
  }

  /** Reads what the history has had since the last time. */
  #read(client: string, since: number): Ledger {
    this.#forget(since);
    const ledger = this.#ledgers.get(client) ?? { revision: 0, events: [] };
    const fresh: Event[] = [];
    guardDatabase("the hub's database", () => {
      let newest = 0;
      for (const row of this.#changes.iterate(client, ledger.revision)) {
        newest = Math.max(newest, row["revision"] as number);
        if (row["time"] as number <= since) break;
        const event = eventOf(row);
        if (event !== undefined) fresh.push(event);
      }
      ledger.revision = Math.max(ledger.revision, newest);
    });
    for (const event of fresh.reverse()) ledger.events.push(event);
    if (ledger.events.length > 0) this.#ledgers.set(client, ledger);
    return ledger;
  }

  #forget(since: number): void {
    for (const [client, ledger] of this.#ledgers) {
      const first = ledger.events.findIndex(({ time }) => time > since);
      if (first < 0) this.#ledgers.delete(client);
      else if (first > 0) ledger.events = ledger.events.slice(first);
    }
  }
}

/** Whether what went from `path` at `time` was meant. */
function isMeant(
  path: RelPath,
  time: number,
  meant: ReadonlyMap<RelPath, number>,
): boolean {
  for (let at: RelPath | undefined = path; at !== undefined;) {
    const until = meant.get(at);
    if (until !== undefined && time <= until) return true;
    at = parentOf(at);
  }
  return false;
}

function eventOf(row: Record<string, unknown>): Event | undefined {
  // Only files have one.
  const come = row["new"] as Uint8Array | null;
  const gone = row["old"] as Uint8Array | null;
  if ((come === null) === (gone === null)) return undefined;
  return {
    time: row["time"] as number,
    changeSet: row["change_set"] as number,
    path: row["path"] as RelPath,
    digest: (come ?? gone!).toHex(),
    kind: come !== null ? "come" : "gone",
  };
}
