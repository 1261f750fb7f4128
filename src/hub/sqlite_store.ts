/** The store of a hub in SQLite, with its content in packs. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Recipe } from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { ROOT } from "../core/path.ts";
import { AllRefused, ChangeStatements, ChangeWriter } from "./change_writer.ts";
import { Approvals } from "./approvals.ts";
import { type ChunkSpace, MemoryChunks } from "./chunk_space.ts";
import { ClientTable } from "./clients.ts";
import { collect } from "./collector.ts";
import { type Conflict, ConflictTable, type NewConflict } from "./conflicts.ts";
import { ContentStore } from "./content_store.ts";
import { EpochTable } from "./epochs.ts";
import { guardDatabase, openDatabase, transact } from "./database.ts";
import { KeyTable } from "./keys.ts";
import { PairingTable } from "./pairings.ts";
import { Policy } from "./policy.ts";
import type { HubRecord } from "./record.ts";
import { checkFiles, checkRoom, type Quota } from "./quota.ts";
import type { Retention } from "./retention.ts";
import { isMassRewrite, keepBefore } from "./rewrites.ts";
import { type Condition, every, type Row, toRecord, within } from "./rows.ts";
import type {
  ChangeQuery,
  Collected,
  CommitOptions,
  CommitResult,
  ContentReader,
  ContentWriter,
  FileQuery,
  HubStore,
  ProposedChange,
  RecipeWriter,
  Rewrite,
  StoredContent,
  StoreTotals,
} from "./store.ts";

const NAME = "the hub's database";

/** What a {@link SqliteStore} is made of; it closes them. */
export interface StoreParts {
  readonly database: DatabaseSync;
  readonly space: ChunkSpace;
  /** The time of day, in milliseconds since 1970. */
  readonly now: () => number;
  readonly quota?: Quota;
  /** Called at the very end. */
  readonly onClose?: () => void;
}

/** A store that goes with the process, for tests and short lives. */
export function openMemoryStore(now: () => number = Date.now): SqliteStore {
  const database = openDatabase(":memory:", { owner: true });
  return new SqliteStore({ database, space: new MemoryChunks(), now });
}

/** The embedded store. */
export class SqliteStore implements HubStore {
  readonly id: string;
  readonly epoch: string;
  readonly clients: ClientTable;
  readonly conflicts: ConflictTable;
  readonly keys: KeyTable;
  readonly policy: Policy;
  readonly approvals: Approvals;
  readonly pairings: PairingTable;
  readonly #parts: StoreParts;
  readonly #database: DatabaseSync;
  readonly #contents: ContentStore;
  readonly #statements: ChangeStatements;
  readonly #head: StatementSync;
  readonly #epochs: EpochTable;
  readonly #listeners = new Set<(records: readonly HubRecord[]) => void>();
  readonly #rewriteListeners = new Set<(rewrite: Rewrite) => void>();
  /** Statements that were asked for by their text; there are few texts. */
  readonly #prepared = new Map<string, StatementSync>();
  #collecting = false;

  constructor(parts: StoreParts) {
    const { database, space, now } = parts;
    this.#parts = parts;
    this.#database = database;
    this.#contents = new ContentStore(database, space, now);
    this.#statements = new ChangeStatements(database);
    this.#head = database.prepare(
      "SELECT seq FROM sqlite_sequence WHERE name = 'changes'",
    );
    this.clients = new ClientTable(database, now);
    this.conflicts = new ConflictTable(database, now);
    this.keys = new KeyTable(database, now);
    this.policy = new Policy(database);
    this.approvals = new Approvals(database, now);
    this.id = this.#meta("epoch");
    this.pairings = new PairingTable(database, now, this.id);
    this.#epochs = guardDatabase(
      NAME,
      () => new EpochTable(database, this.#headNow()),
    );
    this.epoch = this.#epochs.current;
  }

  async totals(): Promise<StoreTotals> {
    const head = await this.head();
    const one = (sql: string): Row =>
      this.#ask(() => this.#database.prepare(sql).get() ?? {});
    const files = one(
      "SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes FROM files JOIN changes USING (revision) WHERE kind = 'file'",
    );
    const all = one("SELECT count(*) AS n FROM changes WHERE kind = 'file'");
    const chunks = one(
      "SELECT count(*) AS n, coalesce(sum(length), 0) AS bytes FROM chunks",
    );
    const packs = one("SELECT coalesce(sum(size), 0) AS bytes FROM packs");
    return {
      head,
      horizon: Number(this.#meta("horizon")),
      files: Number(files["n"]),
      bytes: Number(files["bytes"]),
      oldVersions: Number(all["n"]) - Number(files["n"]),
      chunks: Number(chunks["n"]),
      chunkBytes: Number(chunks["bytes"]),
      packBytes: Number(packs["bytes"]),
    };
  }

  head(): Promise<number> {
    return this.#answer(() => this.#headNow());
  }

  horizon(): Promise<number> {
    return this.#answer(() => Number(this.#meta("horizon")));
  }

  knownUpTo(epoch: string): number {
    return this.#epochs.knownUpTo(epoch);
  }

  latest(path: RelPath): Promise<HubRecord | undefined> {
    return this.#one(
      "SELECT * FROM changes WHERE path = ? ORDER BY revision DESC LIMIT 1",
      [path],
    );
  }

  record(revision: number): Promise<HubRecord | undefined> {
    return this.#one("SELECT * FROM changes WHERE revision = ?", [revision]);
  }

  at(path: RelPath, revision: number): Promise<HubRecord | undefined> {
    return this.#one(
      "SELECT * FROM changes WHERE path = ? AND revision <= ? ORDER BY revision DESC LIMIT 1",
      [path, revision],
    );
  }

  revisionAt(time: number): Promise<number> {
    return this.#answer(() => {
      const row = this.#database.prepare(
        "SELECT max(revision) AS n FROM changes WHERE time <= ?",
      ).get(time);
      return Number(row?.["n"] ?? 0);
    });
  }

  files({ within: top = ROOT, after, limit }: FileQuery): Promise<
    readonly HubRecord[]
  > {
    const where = every(
      within(top, "files.path"),
      ...is("files.path > ?", after),
    );
    return this.#many(
      `SELECT changes.* FROM files JOIN changes USING (revision) WHERE ${where.sql} ORDER BY files.path LIMIT ?`,
      [...where.values, limit],
    );
  }

  countFiles(path: RelPath): Promise<number> {
    return this.#answer(() => this.#countFiles(path));
  }

  changes(query: ChangeQuery): Promise<readonly HubRecord[]> {
    const { after, before, limit } = query;
    const where = every(
      within(query.within ?? ROOT),
      ...is("path = ?", query.path),
      ...is("client = ?", query.client),
      ...is("change_set = ?", query.changeSet),
      ...is("revision > ?", after),
      ...is("revision < ?", before),
    );
    const order = after === undefined ? "DESC" : "ASC";
    return this.#many(
      `SELECT * FROM changes WHERE ${where.sql} ORDER BY revision ${order} LIMIT ?`,
      [...where.values, limit],
    );
  }

  changedSince(
    revision: number,
    { within: top = ROOT, after, limit }: FileQuery,
  ): Promise<readonly HubRecord[]> {
    const where = every(
      { sql: "revision > ?", values: [revision] },
      within(top),
      ...is("path > ?", after),
    );
    return this.#many(
      `SELECT * FROM changes WHERE revision IN (SELECT max(revision) FROM changes WHERE ${where.sql} GROUP BY path) ORDER BY path LIMIT ?`,
      [...where.values, limit],
    );
  }

  write(client?: string): ContentWriter {
    this.#ask(() => checkRoom(this.#database, this.#parts.quota));
    return this.#contents.write(client);
  }

  async writeRecipe(recipe: Recipe, client: string): Promise<RecipeWriter> {
    this.#ask(() => checkRoom(this.#database, this.#parts.quota));
    return await this.#contents.writeRecipe(recipe, client);
  }

  recipe(digest: Digest): Recipe | undefined {
    return this.#ask(() => this.#contents.recipe(digest));
  }

  hasUnfinished(client: string): boolean {
    return this.#ask(() => this.#contents.chunkStore.unfinished.has(client));
  }

  forgetUnfinished(client: string): void {
    transact(
      this.#database,
      () => this.#contents.chunkStore.unfinished.forget(client),
    );
  }

  async keepUnfinished(client: string): Promise<void> {
    await this.#contents.chunkStore.keepUnfinished(client);
  }

  hold(digest: Digest): StoredContent | undefined {
    return this.#ask(() => this.#contents.hold(digest));
  }

  read(
    digest: Digest,
    range?: { readonly start: number; readonly end: number },
  ): ReadableStream<Uint8Array> {
    return this.#ask(() => this.#contents.read(digest, range));
  }

  chunks(
    digest: Digest,
    range?: { readonly start: number; readonly end: number },
  ): Iterable<Uint8Array> {
    return this.#ask(() => this.#contents.chunks(digest, range));
  }

  open(digest: Digest): ContentReader | undefined {
    return this.#ask(() => this.#contents.open(digest));
  }

  async commit(
    changes: readonly ProposedChange[],
    options: CommitOptions,
  ): Promise<CommitResult> {
    await this.#contents.chunkStore.flush();
    let result: CommitResult;
    let rewrite: Rewrite | undefined;
    try {
      result = transact(this.#database, () => {
        this.#contents.save(digestsOf(changes));
        const time = this.#parts.now();
        const writer = new ChangeWriter(this.#statements, options, time);
        const result = writer.write(changes);
        this.approvals.use(options.approvals ?? [], result.accepted, time);
        checkFiles(this.#database, this.#parts.quota, result.accepted);
        rewrite = this.#rewriteOf(writer, result, options.client);
        if (rewrite !== undefined) keepBefore(this.#database, rewrite, time);
        return result;
      });
    } catch (error) {
      if (error instanceof AllRefused) {
        return { accepted: [], refused: error.refused };
      }
      this.#contents.chunkStore.noteFull(error);
      throw error;
    }
    this.#contents.chunkStore.saved();
    if (result.accepted.length > 0) {
      for (const listener of [...this.#listeners]) listener(result.accepted);
    }
    if (rewrite !== undefined) {
      for (const listener of [...this.#rewriteListeners]) listener(rewrite);
    }
    return result;
  }

  async addConflict(conflict: NewConflict): Promise<Conflict> {
    await this.#contents.chunkStore.flush();
    let id: number;
    try {
      id = transact(this.#database, () => {
        this.#contents.save([conflict.digest]);
        return this.conflicts.insert(conflict);
      });
    } catch (error) {
      this.#contents.chunkStore.noteFull(error);
      throw error;
    }
    this.#contents.chunkStore.saved();
    return this.conflicts.get(id)!;
  }

  onAccepted(listener: (records: readonly HubRecord[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  wake(): void {
    for (const listener of [...this.#listeners]) listener([]);
  }

  onRewritten(listener: (rewrite: Rewrite) => void): () => void {
    this.#rewriteListeners.add(listener);
    return () => void this.#rewriteListeners.delete(listener);
  }

  async collect(
    retention: Retention,
    signal?: AbortSignal,
  ): Promise<Collected> {
    if (this.#collecting) {
      return { versions: 0, chunks: 0, bytes: 0, problems: [] };
    }
    this.#collecting = true;
    try {
      return await collect({
        database: this.#database,
        contents: this.#contents,
        retention,
        now: this.#parts.now(),
        ...(signal && { signal }),
      });
    } finally {
      this.#collecting = false;
    }
  }

  close(): Promise<void> {
    const { database, space, onClose } = this.#parts;
    this.#listeners.clear();
    this.#rewriteListeners.clear();
    space.close();
    database.close();
    onClose?.();
    return Promise.resolve();
  }

  /** Undefined where a commit is like others. */
  #rewriteOf(
    { replaced }: ChangeWriter,
    { accepted }: CommitResult,
    client: string,
  ): Rewrite | undefined {
    const changeSet = accepted[0]?.changeSet;
    if (changeSet === undefined || !isMassRewrite(replaced, 0)) {
      return undefined;
    }
    const total = this.#countFiles(ROOT);
    return isMassRewrite(replaced, total)
      ? { client, changeSet, files: replaced, total }
      : undefined;
  }

  #countFiles(path: RelPath): number {
    const { sql, values } = within(path, "files.path");
    const row = this.#prepare(
      `SELECT count(*) AS n FROM files JOIN changes USING (revision) WHERE kind = 'file' AND ${sql}`,
    ).get(...values);
    return Number(row?.["n"]);
  }

  #headNow(): number {
    return Number(this.#head.get()?.["seq"] ?? 0);
  }

  #meta(name: string): string {
    const row = this.#ask(() =>
      this.#prepare("SELECT value FROM meta WHERE name = ?").get(name)
    );
    return String(row?.["value"]);
  }

  #one(
    sql: string,
    values: readonly (string | number)[],
  ): Promise<HubRecord | undefined> {
    return this.#answer(() => {
      const row = this.#prepare(sql).get(...values);
      return row === undefined ? undefined : toRecord(row);
    });
  }

  #many(
    sql: string,
    values: readonly (string | number)[],
  ): Promise<readonly HubRecord[]> {
    return this.#answer(() => this.#prepare(sql).all(...values).map(toRecord));
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  #ask<T>(work: () => T): T {
    return guardDatabase(NAME, work);
  }

  #answer<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(this.#ask(work));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

function is(sql: string, value: string | number | undefined): Condition[] {
  return value === undefined ? [] : [{ sql, values: [value] }];
}

function digestsOf(changes: readonly ProposedChange[]): Set<Digest> {
  const digests = new Set<Digest>();
  for (const { state } of changes) {
    if (state.kind === "file") digests.add(state.digest);
  }
  return digests;
}
