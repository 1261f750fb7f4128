/** Routes that list what there is and was: files, their versions, the history. */
import type { Hono } from "hono";
import { ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import {
  type ApiOptions,
  type HubContext,
  type HubEnv,
  queryOf,
  scopeOf,
} from "./context.ts";
import { noFile } from "./file_answers.ts";
import type { HubRecord } from "./record.ts";
import { checkReplacedPath, pathOfFile } from "./request_path.ts";
import {
  FilesQuery,
  HistoryQuery,
  toWireRecord,
  VersionsQuery,
} from "./schemas.ts";
import type { HubStore } from "./store.ts";

const DEFAULT_LIMIT = 100;

/** Adds the routes to `app`. */
export function addListRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.get("/files", (c) => listFiles(c, options));
  app.get("/files/*", (c) => listVersions(c, options));
  app.get("/history", (c) => listHistory(c, options));
}

async function listFiles(
  context: HubContext,
  { hub: { store } }: ApiOptions,
): Promise<Response> {
  const query = queryOf(context, FilesQuery);
  const within = scopeOf(context, query.path);
  const { after, limit = DEFAULT_LIMIT } = query;
  const records = await store.files({
    within,
    limit,
    // After the root, which is no file of anybody's.
    after: after === undefined ? ROOT : checkReplacedPath(after),
  });
  return context.json({
    records: records.map((record) => toWireRecord(record)),
    ...(records.length === limit && { next: records.at(-1)!.path }),
  });
}

async function listVersions(
  context: HubContext,
  { hub: { store } }: ApiOptions,
): Promise<Response> {
  const path = pathOfFile(context.req.url, "/versions");
  require(context.get("key"), "read", path);
  const { before, limit = DEFAULT_LIMIT } = queryOf(context, VersionsQuery);
  const records = await store.changes({
    path,
    limit,
    ...(before !== undefined && { before }),
  });
  if (records.length === 0 && before === undefined) throw noFile(path);
  return context.json(page(store, records, limit));
}

async function listHistory(
  context: HubContext,
  { hub: { store } }: ApiOptions,
): Promise<Response> {
  const query = queryOf(context, HistoryQuery);
  const within = scopeOf(context, query.path);
  const { before, client, limit = DEFAULT_LIMIT } = query;
  const records = await store.changes({
    within,
    limit,
    ...(before !== undefined && { before }),
    ...(client !== undefined && { client }),
  });
  return context.json(page(store, records, limit));
}

/** A page of records, with the names of the clients that have made them. */
function page(
  { clients }: HubStore,
  records: readonly HubRecord[],
  limit: number,
): Record<string, unknown> {
  const authors = new Set(records.map(({ client }) => client));
  const names = new Map(
    [...authors].map((id) => [id, clients.get(id)?.name] as const),
  );
  return {
    records: records.map((record) =>
      toWireRecord(record, names.get(record.client))
    ),
    ...(records.length === limit && { next: records.at(-1)!.revision }),
  };
}
