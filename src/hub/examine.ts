/**
 * Looks at the data of a hub that does not run: what is damaged, and what of the
 * files and their versions is lost by that. Nothing is written there: the database
 * is looked at in a copy, since opening one with a log would change it.
 */
import { DatabaseSync } from "node:sqlite";
import { chunkId, ID_BYTES } from "../content/recipe.ts";
import { displayPath } from "../core/path.ts";
import { nextTurn } from "../core/turn.ts";
import { IntegrityError, messageOf, SyncError } from "../errors.ts";
import type { ChunkPlace } from "./chunk_space.ts";
import { DATABASE, lockDirectory } from "./data_directory.ts";
import { checkPack, PackFiles } from "./pack_files.ts";
import { decodeRecipe } from "./recipe_blob.ts";
import { SCHEMA_VERSION, schemaVersionOf } from "./schema.ts";

/** So many chunks are proven before others have their turn. */
const CHUNKS_PER_TURN = 64;

/** So many lost versions are named. */
const MAX_NAMED = 20;

/** One thing that was looked at. */
export interface StoreFinding {
  /** What it is about. */
  readonly check: "lock" | "database" | "packs" | "chunks" | "versions";
  readonly state: "good" | "poor" | "bad";
  readonly message: string;
  readonly advice?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

const PUT_BACK =
  "put the data directory back from a backup; what is left can " +
  "be read from a copy of it";

/** Looks at all of the data in `directory`, in order; ends where nothing can follow. */
export async function* examineStore(
  directory: string,
  signal?: AbortSignal,
): AsyncGenerator<StoreFinding> {
  if (!hasFile(`${directory}/${DATABASE}`)) {
    const message = `There is no hub at ${displayPath(directory)}`;
    return yield { check: "database", state: "bad", message };
  }
  const lock = hasFile(`${directory}/lock`)
    ? await lockDirectory(directory).catch(asLocked)
    : undefined;
  if (lock === "locked") {
    return yield {
      check: "lock",
      state: "poor",
      message: `A hub runs with ${displayPath(directory)}`,
      advice: "stop it, or look at a copy that was made while it was stopped",
    };
  }
  const copy = Deno.makeTempDirSync({ prefix: "lockstep-doctor-" });
  try {
    for (const end of ["", "-wal"]) {
      const name = `${DATABASE}${end}`;
      if (!hasFile(`${directory}/${name}`)) continue;
      Deno.copyFileSync(`${directory}/${name}`, `${copy}/${name}`);
    }
    yield* examineCopy(directory, `${copy}/${DATABASE}`, signal);
  } finally {
    Deno.removeSync(copy, { recursive: true });
    lock?.release();
  }
}

async function* examineCopy(
  directory: string,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoreFinding> {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    const fault = faultOf(database);
    if (fault !== undefined) return yield fault;
    yield {
      check: "database",
      state: "good",
      message: `The database is whole, and has version ${SCHEMA_VERSION}`,
    };
    yield* examineContent(database, `${directory}/packs`, signal);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_SQLITE_ERROR") throw error;
    yield badDatabase(messageOf(error));
  } finally {
    database?.close();
  }
}

function faultOf(database: DatabaseSync): StoreFinding | undefined {
  const version = schemaVersionOf(database);
  const row = database.prepare("PRAGMA quick_check(1)").get();
  const verdict = String(Object.values(row ?? {})[0]);
  if (verdict !== "ok") return badDatabase(verdict);
  if (version === SCHEMA_VERSION) return undefined;
  const isNewer = version > SCHEMA_VERSION;
  return {
    check: "database",
    state: isNewer ? "bad" : "poor",
    message: `The database has version ${version}, this program knows ` +
      `${SCHEMA_VERSION}`,
    advice: isNewer
      ? "update this program"
      : "start the hub once, which brings it up to date",
  };
}

function badDatabase(reason: string): StoreFinding {
  const message = `The database is damaged: ${reason}`;
  return { check: "database", state: "bad", message, advice: PUT_BACK };
}

async function* examineContent(
  database: DatabaseSync,
  packs: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoreFinding> {
  const sizes = database.prepare("SELECT number, size FROM packs").all();
  const faults: string[] = [];
  for (const row of sizes) {
    const number = row["number"] as number;
    try {
      const path = `${packs}/${number}.pack`;
      checkPack(path, number, Number(row["size"]));
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      faults.push(error.message);
    }
  }
  yield finding("packs", sizes.length, faults.length, faults);
  const bad = await badChunks(database, packs, signal);
  const [total] = counts(database, "SELECT count(*) AS n FROM chunks");
  yield finding("chunks", total!, bad.size, []);
  const lost = lostVersions(database, bad);
  const [versions] = counts(
    database,
    "SELECT count(*) AS n FROM changes WHERE kind = 'file'",
  );
  yield finding("versions", versions!, lost.length, lost);
}

function finding(
  check: "packs" | "chunks" | "versions",
  total: number,
  damaged: number,
  named: readonly string[],
): StoreFinding {
  const facts = { total, damaged };
  if (damaged === 0) {
    const message = `All ${total} ${check} are whole`;
    return { check, state: "good", message, facts };
  }
  const shown = named.slice(0, MAX_NAMED).join("; ");
  const message = `${damaged} of ${total} ${check} are damaged or missing` +
    (shown === "" ? "" : `: ${shown}`);
  return { check, state: "bad", message, advice: PUT_BACK, facts };
}

/** Ids of chunks that are not what they are said to be: each is read. */
async function badChunks(
  database: DatabaseSync,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const bad = new Set<string>();
  const packs = PackFiles.view(directory);
  try {
    const rows = database.prepare("SELECT * FROM chunks ORDER BY pack, offset");
    let count = 0;
    for (const row of rows.iterate()) {
      const id = row["id"] as Uint8Array;
      const name = id.toHex();
      if (!isWhole(packs, id, name, row as unknown as ChunkPlace)) {
        bad.add(name);
      }
      if (++count % CHUNKS_PER_TURN !== 0) continue;
      await nextTurn();
      signal?.throwIfAborted();
    }
    return bad;
  } finally {
    packs.close();
  }
}

function isWhole(
  packs: Pick<PackFiles, "read">,
  id: Uint8Array,
  name: string,
  place: ChunkPlace,
): boolean {
  try {
    return chunkId(packs.read(id, place)) === name;
  } catch (error) {
    if (error instanceof SyncError) return false;
    throw error;
  }
}

/** Versions of which content is missing, the current ones first, for people. */
function lostVersions(
  database: DatabaseSync,
  bad: ReadonlySet<string>,
): string[] {
  const hasChunk = database.prepare("SELECT 1 FROM chunks WHERE id = ?");
  const isHere = (id: Uint8Array): boolean =>
    !bad.has(id.toHex()) && hasChunk.get(id) !== undefined;
  const whole = new Set<string>();
  for (const row of database.prepare("SELECT * FROM contents").iterate()) {
    const recipe = row["recipe"] as Uint8Array;
    if (isReadable(recipe, Number(row["size"]), isHere)) {
      whole.add((row["digest"] as Uint8Array).toHex());
    }
  }
  const versions = database.prepare(
    `SELECT path, revision, digest,
       (SELECT count(*) FROM files WHERE files.revision = changes.revision) AS current
     FROM changes WHERE kind = 'file' ORDER BY current DESC, path, revision DESC`,
  );
  const lost: string[] = [];
  for (const row of versions.iterate()) {
    if (whole.has((row["digest"] as Uint8Array).toHex())) continue;
    const path = displayPath(row["path"] as string);
    lost.push(
      `${path}, version ${row["revision"]}${row["current"] ? ", current" : ""}`,
    );
  }
  return lost;
}

function isReadable(
  recipe: Uint8Array,
  size: number,
  isHere: (id: Uint8Array) => boolean,
): boolean {
  try {
    const { ids } = decodeRecipe(recipe, size);
    for (let at = 0; at < ids.length; at += ID_BYTES) {
      if (!isHere(ids.subarray(at, at + ID_BYTES))) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof IntegrityError) return false;
    throw error;
  }
}

function counts(database: DatabaseSync, sql: string): number[] {
  return database.prepare(sql).all().map((row) => Number(row["n"]));
}

function asLocked(error: unknown): "locked" {
  if (error instanceof SyncError && error.code === "locked") return "locked";
  throw error;
}

function hasFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
