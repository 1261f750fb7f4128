/** Decides about proposed changes, and writes those that are accepted. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { parentOf, type RelPath } from "../core/path.ts";
import type { HubRecord } from "./record.ts";
import { below, digestBytes, toRecord } from "./rows.ts";
import type {
  CommitOptions,
  CommitResult,
  NewState,
  ProposedChange,
  RefusalReason,
  RefusedChange,
} from "./store.ts";

/** Mode of directories that are made because something is put into them. */
const DIRECTORY_MODE = 0o755;

/** All are refused because one is: ends the transaction. */
export class AllRefused extends Error {
  override name = "AllRefused";

  constructor(readonly refused: readonly RefusedChange[]) {
    super("A change was refused, and with it all others");
  }
}

/** The statements of a store; one {@link ChangeWriter} works with them at a time. */
export class ChangeStatements {
  readonly latest: StatementSync;
  readonly insert: StatementSync;
  readonly enter: StatementSync;
  readonly leave: StatementSync;
  readonly current: StatementSync;
  readonly hasContent: StatementSync;
  readonly isBelow: StatementSync;
  readonly below: StatementSync;
  readonly changedBelow: StatementSync;
  readonly joinSet: StatementSync;

  constructor(database: DatabaseSync) {
    this.latest = database.prepare(
      "SELECT * FROM changes WHERE path = ? ORDER BY revision DESC LIMIT 1",
    );
    this.insert = database.prepare(
      "INSERT INTO changes (path, kind, size, mtime, mode, digest, target, time, client, operation, change_set) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.enter = database.prepare(
      "INSERT INTO files VALUES (?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision",
    );
    this.leave = database.prepare("DELETE FROM files WHERE path = ?");
    this.current = database.prepare(
      "SELECT changes.* FROM files JOIN changes USING (revision) WHERE files.path = ?",
    );
    this.hasContent = database.prepare(
      "SELECT size FROM contents WHERE digest = ?",
    );
    const range = below("x" as RelPath).sql;
    this.isBelow = database.prepare(
      `SELECT 1 FROM files WHERE ${range} LIMIT 1`,
    );
    this.below = database.prepare(
      `SELECT path FROM files WHERE ${range} ORDER BY path DESC`,
    );
    this.changedBelow = database.prepare(
      `SELECT 1 FROM changes WHERE ${range} AND revision > ? AND revision < ? LIMIT 1`,
    );
    this.joinSet = database.prepare(
      "UPDATE changes SET change_set = revision WHERE revision = ?",
    );
  }
}

/** One commit; within a transaction. */
export class ChangeWriter {
  readonly #statements: ChangeStatements;
  readonly #options: CommitOptions;
  readonly #time: number;
  readonly #accepted: HubRecord[] = [];
  readonly #refused: RefusedChange[] = [];
  /** Revision of the first change; 0: there was none yet. */
  #changeSet = 0;
  /** Paths that this commit itself has changed. */
  readonly #own = new Set<RelPath>();
  #replaced = 0;
  /** Paths at which a directory is known to be. */
  readonly #directories = new Set<RelPath>();

  constructor(
    statements: ChangeStatements,
    options: CommitOptions,
    time: number,
  ) {
    this.#statements = statements;
    this.#options = options;
    this.#time = time;
  }

  /** How many files have other content now. */
  get replaced(): number {
    return this.#replaced;
  }

  /** Writes what can be accepted. @throws {AllRefused} */
  write(changes: readonly ProposedChange[]): CommitResult {
    for (const [index, change] of changes.entries()) {
      const reason = this.#refusalOf(change);
      if (reason === undefined) this.#accept(change);
      else {
        const current = this.#latest(change.path);
        this.#refused.push({ index, reason, current });
      }
    }
    if (this.#options.atomic === true && this.#refused.length > 0) {
      throw new AllRefused(this.#refused);
    }
    return { accepted: this.#accepted, refused: this.#refused };
  }

  /** Why `change` can't be accepted; undefined: it can. */
  #refusalOf(change: ProposedChange): RefusalReason | undefined {
    const { path, state, subtree = false } = change;
    // The root is a directory, and stays.
    if (path === "" && state.kind !== "directory") return "blocked";
    if (this.#isStale(change)) return "stale";
    const there = this.#current(path);
    if (there?.kind === "directory" && state.kind !== "directory") {
      const isEmpty = this.#statements.isBelow.get(...rangeBelow(path)) ===
        undefined;
      if (!isEmpty && !subtree) return "not-empty";
    }
    if (state.kind === "deleted") return undefined;
    if (this.#isBlocked(path)) return "blocked";
    if (state.kind !== "file") return undefined;
    const row = this.#statements.hasContent.get(digestBytes(state.digest));
    return row?.["size"] === state.size ? undefined : "content-missing";
  }

  #isStale({ path, expected, state }: ProposedChange): boolean {
    if (expected.kind === "any" || this.#own.has(path)) return false;
    const latest = this.#latest(path);
    const { revision } = expected;
    if (expected.kind === "revision") {
      const isGone = latest === undefined || latest.kind === "deleted";
      if (revision === 0) return !isGone;
      return latest?.revision !== revision;
    }
    if (latest !== undefined && latest.revision > revision) return true;
    const goesBelow = state.kind !== "directory";
    return goesBelow && latest?.kind === "directory" &&
      this.#statements.changedBelow.get(
          ...rangeBelow(path),
          revision,
          // What this commit itself has done is not somebody else's.
          this.#changeSet || Number.MAX_SAFE_INTEGER,
        ) !== undefined;
  }

  /** Whether something that is no directory stands above `path`. */
  #isBlocked(path: RelPath): boolean {
    for (
      let parent = parentOf(path);
      parent !== undefined;
      parent = parentOf(parent)
    ) {
      if (this.#directories.has(parent)) return false;
      const there = this.#current(parent);
      if (there === undefined) continue;
      if (there.kind === "directory") this.#directories.add(parent);
      return there.kind !== "directory";
    }
    return false;
  }

  #accept({ path, state }: ProposedChange): void {
    const there = this.#current(path);
    if (there?.kind === "directory" && state.kind !== "directory") {
      // The deepest first, as they would go on a disk.
      const rows = this.#statements.below.all(...rangeBelow(path));
      for (const row of rows) {
        this.#put(row["path"] as RelPath, { kind: "deleted" });
      }
    }
    if (state.kind !== "deleted") this.#makeParents(path);
    if (isThatWay(there, state)) return;
    const isRewritten = state.kind === "file" && there?.kind === "file" &&
      there.digest !== state.digest;
    if (isRewritten) this.#replaced++;
    this.#put(path, state);
  }

  #makeParents(path: RelPath): void {
    const missing: RelPath[] = [];
    for (
      let parent = parentOf(path);
      parent !== undefined && parent !== "";
      parent = parentOf(parent)
    ) {
      if (this.#directories.has(parent)) break;
      if (this.#current(parent) !== undefined) break;
      missing.push(parent);
    }
    const state = {
      kind: "directory",
      mtime: this.#time,
      mode: DIRECTORY_MODE,
    } as const;
    for (const parent of missing.reverse()) this.#put(parent, state);
  }

  #put(path: RelPath, state: NewState): void {
    const isFile = state.kind === "file";
    const size = isFile ? state.size : 0;
    const mtime = state.kind === "deleted" ? 0 : state.mtime;
    const mode = isFile || state.kind === "directory" ? state.mode : 0;
    const digest = isFile ? state.digest : undefined;
    const target = state.kind === "symlink" ? state.target : undefined;
    const { client, operation } = this.#options;
    const { lastInsertRowid } = this.#statements.insert.run(
      path,
      state.kind,
      size,
      mtime,
      mode,
      digest === undefined ? null : digestBytes(digest),
      target ?? null,
      this.#time,
      client,
      operation,
      this.#changeSet,
    );
    const revision = Number(lastInsertRowid);
    if (this.#changeSet === 0) {
      this.#changeSet = revision;
      this.#statements.joinSet.run(revision);
    }
    if (state.kind === "deleted") this.#statements.leave.run(path);
    else this.#statements.enter.run(path, revision);
    this.#own.add(path);
    if (state.kind === "directory") this.#directories.add(path);
    else this.#directories.delete(path);
    this.#accepted.push({
      revision,
      path,
      kind: state.kind,
      size,
      mtime,
      mode,
      digest,
      target,
      time: this.#time,
      client,
      operation,
      changeSet: this.#changeSet,
    });
  }

  #latest(path: RelPath): HubRecord | undefined {
    const row = this.#statements.latest.get(path);
    return row === undefined ? undefined : toRecord(row);
  }

  #current(path: RelPath): HubRecord | undefined {
    const row = this.#statements.current.get(path);
    return row === undefined ? undefined : toRecord(row);
  }
}

/** The values for {@link below}, whose text is the same for all but the root. */
function rangeBelow(path: RelPath): [string, string] {
  // Of the root: all that begins with anything; no path begins with U+10FFFF twice.
  return path === "" ? ["", "\u{10ffff}\u{10ffff}"] : [`${path}/`, `${path}0`];
}

/** Whether `there` is what `state` says already. */
function isThatWay(there: HubRecord | undefined, state: NewState): boolean {
  if (there === undefined) return state.kind === "deleted";
  if (there.kind !== state.kind) return false;
  switch (state.kind) {
    case "file":
      return there.digest === state.digest && there.mtime === state.mtime &&
        there.mode === state.mode;
    case "directory":
      return there.mtime === state.mtime && there.mode === state.mode;
    case "symlink":
      return there.target === state.target && there.mtime === state.mtime;
    case "deleted":
      return true;
    default:
      return state satisfies never;
  }
}
