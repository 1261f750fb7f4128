/**
 * Deletions that are more than usual wait until a person has approved them. Of a
 * change set that would take most files away nothing is accepted until then, so
 * nothing is lost meanwhile at either side.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Change } from "../core/change.ts";
import { lossesOf } from "../core/losses.ts";
import { comparePaths, parentOf, type RelPath } from "../core/path.ts";
import { GuardError } from "../errors.ts";
import { guardDatabase, transact } from "./database.ts";
import { RECENT_MS, RecentLosses } from "./recent_losses.ts";
import type { HubRecord } from "./record.ts";

/** More files than this, and more than this share of all, are unusual. */
const USUAL_FILES = 100;
const USUAL_SHARE = 0.5;

/** For so long a request counts that may not be carried out yet. */
const ASKED_MS = 10_000;

/** For so long an approval holds that nobody uses. */
const VALID_MS = 24 * 3_600_000;

/** So many requests are kept; the oldest go. */
const MAX_APPROVALS = 1_000;

/** What has become of a request. */
export type ApprovalState = "waiting" | "approved" | "rejected";

/** What somebody wants to delete. */
export interface Loss {
  /** What would go, with all below it. */
  readonly paths: readonly RelPath[];
  readonly files: number;
  /** Files of the hub before it. */
  readonly total: number;
}

/** A request. */
export interface Approval extends Loss {
  readonly id: number;
  /** Who wants it, see `HubRecord`. */
  readonly client: string;
  /** The other side of a two-way sync, if it came from one. */
  readonly peer: string | undefined;
  readonly state: ApprovalState;
  /** In milliseconds since 1970: when it came, and was decided. */
  readonly time: number;
  readonly decided: number | undefined;
  /** When what was approved was deleted; it is good for nothing since. */
  readonly used: number | undefined;
}

/** Whether so much waits for an approval. */
export function isUnusual({ files, total }: Loss): boolean {
  return files > USUAL_FILES && files > total * USUAL_SHARE;
}

/**
 * What `changes` would take away of `total` files, but for what is at or below
 * `approved`, or was only renamed.
 */
export function lossOf(
  changes: readonly Change[],
  total: number,
  approved: readonly RelPath[] = [],
): Loss {
  const tops = new Set(approved);
  const leaving = changes.filter(({ path }) => !isBelowOne(path, tops));
  const losses = lossesOf(leaving, changes);
  return {
    paths: losses.map(({ path }) => path).sort(comparePaths),
    files: losses.reduce((sum, { files }) => sum + files, 0),
    total,
  };
}

/** Ids of those of `approved` that allow any of `leaving` to go. */
export function countedOn(
  approved: readonly Approval[],
  leaving: readonly RelPath[],
): number[] {
  return approved.filter(({ paths }) => {
    const tops = new Set(paths);
    return leaving.some((path) => isBelowOne(path, tops));
  }).map(({ id }) => id);
}

/** Whether `path` is at or below one of `tops`, which may be many. */
function isBelowOne(path: RelPath, tops: ReadonlySet<RelPath>): boolean {
  for (let at: RelPath | undefined = path; at !== undefined;) {
    if (tops.has(at)) return true;
    at = parentOf(at);
  }
  return false;
}

/** The requests of one hub, and its judgement. */
export class Approvals {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #recent: RecentLosses;
  /** By client: what it wants to delete by requests that follow each other. */
  readonly #asked = new Map<string, { last: number; files: number }>();

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
    this.#recent = new RecentLosses(database);
  }

  /** What somebody has approved that `client` wants to delete, and has not yet. */
  approvedFor(client: string): Approval[] {
    return this.#select(
      "client = ? AND state = 'approved' AND used IS NULL AND decided > ?",
      client,
      this.#now() - VALID_MS,
    );
  }

  /**
   * Uses up those approvals with `ids` that `accepted` took something away by;
   * within its transaction, at `time`.
   * @throws {GuardError} If another change set was faster.
   */
  use(
    ids: readonly number[],
    accepted: readonly HubRecord[],
    time: number,
  ): void {
    if (ids.length === 0 || accepted.length === 0) return;
    const approved = ids.map((id) => this.get(id))
      .filter((approval) => approval !== undefined);
    const paths = accepted.map(({ path }) => path);
    const use = this.#database.prepare(
      "UPDATE approvals SET used = ? WHERE id = ? AND used IS NULL",
    );
    for (const id of countedOn(approved, paths)) {
      if (use.run(time, id).changes > 0) continue;
      throw new GuardError(
        `The approval with number ${id} was used up meanwhile, and nothing was changed`,
      );
    }
  }

  /**
   * Lets usual losses pass. What the client has deleted lately counts as well, but
   * for what somebody has approved, or has seen who did.
   * @throws {GuardError} If the loss has to wait: it is a request then.
   */
  review(client: string, loss: Loss, peer?: string): void {
    if (loss.files === 0) return;
    const before = this.#lately(client);
    this.#judge(client, {
      ...loss,
      files: loss.files + before,
      total: loss.total + before,
    }, { before, peer });
  }

  /** How many files `client` has deleted that nobody was asked about. */
  #lately(client: string): number {
    const row = guardDatabase(
      "the hub's database",
      () =>
        this.#database.prepare(
          "SELECT max(decided) AS time FROM approvals WHERE client = ? AND state = 'approved'",
        ).get(client),
    );
    const after = Number(row?.["time"] ?? 0);
    const meant = this.#meant(client);
    return this.#recent.count(client, { now: this.#now(), after, meant });
  }

  /** What somebody has approved, and up to when it went because of that. */
  #meant(client: string): Map<RelPath, number> {
    const meant = new Map<RelPath, number>();
    const used = this.#select(
      "client = ? AND used > ?",
      client,
      this.#now() - RECENT_MS,
    );
    for (const approval of [...used, ...this.approvedFor(client)]) {
      const until = approval.used ?? Infinity;
      for (const path of approval.paths) {
        meant.set(path, Math.max(until, meant.get(path) ?? 0));
      }
    }
    return meant;
  }

  /** @param before Of `loss`: files that went before. @throws {GuardError} */
  #judge(
    client: string,
    loss: Loss,
    { before, peer }: {
      readonly before: number;
      readonly peer?: string | undefined;
    },
  ): void {
    if (!isUnusual(loss)) return;
    const { id, state } = this.#request(client, loss, peer);
    const lately = before > 0
      ? `with ${before} of the last ${RECENT_MS / 60_000} minutes, `
      : "";
    const what = `${loss.files} of ${loss.total} files of the hub would be ` +
      `deleted, ${lately}and nothing was changed`;
    throw new GuardError(
      state === "rejected"
        ? `${what}: that was rejected there, as number ${id}`
        : `${what}: that waits for an approval there (lockstep approve ${id})`,
    );
  }

  /**
   * The same for one of many requests, which may belong together.
   * @param total Counts the files of the hub.
   * @throws {GuardError}
   */
  async reviewOne(
    client: string,
    path: RelPath,
    files: number,
    total: () => Promise<number>,
  ): Promise<void> {
    const now = this.#now();
    const asked = this.#asked.get(client);
    const isAsking = asked !== undefined && now - asked.last < ASKED_MS;
    const askedFiles = isAsking ? asked.files : 0;
    const before = Math.max(askedFiles, this.#lately(client));
    if (files + before > USUAL_FILES) {
      // What went before is not there any more, and was part of all.
      const all = await total() + before;
      const loss = { paths: [path], files: files + before, total: all };
      this.#judge(client, loss, { before });
    }
    for (const [name, { last }] of this.#asked) {
      if (now - last >= ASKED_MS) this.#asked.delete(name);
    }
    this.#asked.set(client, { last: now, files: files + askedFiles });
  }

  /** All requests, or those that wait; the oldest first. */
  list({ all = false }: { readonly all?: boolean } = {}): Approval[] {
    return this.#select(all ? "1" : "state = 'waiting'");
  }

  get(id: number): Approval | undefined {
    return this.#select("id = ?", id)[0];
  }

  /**
   * Decides a request that waits: false if it does not. What was agreed on with a
   * side whose deletion is rejected is forgotten, so its files come back.
   */
  decide(id: number, state: Exclude<ApprovalState, "waiting">): boolean {
    return transact(this.#database, () => {
      const { changes } = this.#database.prepare(
        "UPDATE approvals SET state = ?, decided = ? WHERE id = ? AND state = 'waiting'",
      ).run(state, this.#now(), id);
      if (changes === 0) return false;
      if (state === "rejected") {
        this.#database.prepare(
          "DELETE FROM pairs WHERE peer = (SELECT peer FROM approvals WHERE id = ?)",
        ).run(id);
      }
      return true;
    });
  }

  /** The request for this: the one that there is, or a new one. */
  #request(client: string, loss: Loss, peer: string | undefined): Approval {
    const paths = JSON.stringify(loss.paths);
    const known = this.#select(
      "client = ? AND paths = ? AND state != 'approved'",
      client,
      paths,
    ).at(-1);
    if (known !== undefined) return known;
    const id = transact(this.#database, () => {
      // Whoever wants something else by now does not want that any more.
      this.#database.prepare(
        "DELETE FROM approvals WHERE client = ? AND peer IS ? AND state = 'waiting' AND peer IS NOT NULL",
      ).run(client, peer ?? null);
      const { lastInsertRowid } = this.#database.prepare(
        "INSERT INTO approvals (client, peer, time, files, total, paths, state) VALUES (?, ?, ?, ?, ?, ?, 'waiting')",
      ).run(client, peer ?? null, this.#now(), loss.files, loss.total, paths);
      this.#database.prepare("DELETE FROM approvals WHERE id <= ?")
        .run(Number(lastInsertRowid) - MAX_APPROVALS);
      return Number(lastInsertRowid);
    });
    return this.get(id)!;
  }

  #select(where: string, ...values: readonly (string | number)[]): Approval[] {
    return guardDatabase("the hub's database", () =>
      this.#database.prepare(
        `SELECT * FROM approvals WHERE ${where} ORDER BY id`,
      ).all(...values).map(toApproval));
  }
}

function toApproval(row: Record<string, unknown>): Approval {
  return {
    id: row["id"] as number,
    client: row["client"] as string,
    peer: row["peer"] as string | null ?? undefined,
    state: row["state"] as ApprovalState,
    time: row["time"] as number,
    decided: row["decided"] as number | null ?? undefined,
    used: row["used"] as number | null ?? undefined,
    files: row["files"] as number,
    total: row["total"] as number,
    paths: JSON.parse(row["paths"] as string),
  };
}
