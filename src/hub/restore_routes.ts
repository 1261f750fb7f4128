/** Routes that bring back what was: a version, all of a time, what a client has changed. */
import type { Hono } from "hono";
import { ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import {
  type ApiOptions,
  authorOf,
  type HubContext,
  type HubEnv,
  jsonOf,
} from "./context.ts";
import { noFile, refusalOf } from "./file_answers.ts";
import { allows } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import { checkPath, pathOfFile } from "./request_path.ts";
import { restoreAt, type RestoreResult, stateOf, undo } from "./restore.ts";
import {
  RestoreBody,
  RestoreFileBody,
  toWireRecord,
  UndoBody,
} from "./schemas.ts";

/** Adds the routes to `app`. */
export function addRestoreRoutes(
  app: Hono<HubEnv>,
  options: ApiOptions,
): void {
  app.post("/files/*", (c) => restoreFile(c, options));
  app.post("/restore", (c) => restore(c, options));
  app.post("/undo", (c) => takeBack(c, options));
}

async function restoreFile(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const path = pathOfFile(context.req.url, "/restore");
  require(context.get("key"), "write", path);
  const body = await jsonOf(context, RestoreFileBody, options);
  const client = authorOf(context, options, body.client_id);
  const version = await store.record(body.version);
  if (version?.path !== path || version.kind === "deleted") throw noFile(path);
  const { accepted, refused: [refusal] } = await store.commit(
    [{ path, state: stateOf(version), expected: { kind: "any" } }],
    { client, operation: "restore" },
  );
  if (refusal !== undefined) throw refusalOf(path, refusal);
  const record = accepted.find((record) => record.path === path) ??
    (await store.latest(path))!;
  return context.json(toWireRecord(record));
}

async function restore(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const body = await jsonOf(context, RestoreBody, options);
  const path = body.path === undefined || body.path === ""
    ? ROOT
    : checkPath(body.path);
  require(context.get("key"), "write", path);
  const client = authorOf(context, options, body.client_id);
  const time = typeof body.at === "number" ? body.at : Date.parse(body.at);
  const revision = await store.revisionAt(time);
  if (revision < await store.horizon()) {
    throw new HttpProblem(
      409,
      "too-old",
      "What there was then is not known any more: versions of that time are gone",
    );
  }
  return restored(context, await restoreAt(store, path, revision, client));
}

async function takeBack(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const body = await jsonOf(context, UndoBody, options);
  const key = context.get("key");
  if (key.role === "read") require(key, "write", key.path);
  const client = authorOf(context, options, body.client_id);
  const result = await undo(
    store,
    body.client,
    client,
    (path) => allows(key, "write", path),
  );
  if (result !== undefined) return restored(context, result);
  const detail = "That client has changed nothing";
  throw new HttpProblem(404, "not-found", detail);
}

function restored(
  context: HubContext,
  { records, leftOut }: RestoreResult,
): Response {
  return context.json({
    records: records.map((record) => toWireRecord(record)),
    left_out: leftOut,
  });
}
