/** Routes of clients, and of bringing back what was. */
import type { Hono } from "hono";
import type { Digest } from "../core/entry.ts";
import { type RelPath, ROOT } from "../core/path.ts";
import { nextTurn } from "../core/turn.ts";
import { require } from "./access.ts";
import { actionAt, type ClientFile } from "./compare_list.ts";
import {
  type ApiOptions,
  authorOf,
  type HubContext,
  type HubEnv,
  jsonOf,
  scopeOf,
} from "./context.ts";
import { allows } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import type { HubRecord } from "./record.ts";
import { recordsWithin } from "./records_within.ts";
import { checkPath } from "./request_path.ts";
import { restoreAt, type RestoreResult, undo } from "./restore.ts";
import {
  RegisterBody,
  RestoreBody,
  SyncBody,
  toWireRecord,
  UndoBody,
} from "./schemas.ts";

/** Adds the routes to `app`. */
export function addClientRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.post("/register", (c) => register(c, options));
  app.post("/sync", (c) => compare(c, options));
  app.get("/clients", (c) => listClients(c, options));
  app.post("/restore", (c) => restore(c, options));
  app.post("/undo", (c) => takeBack(c, options));
}

async function register(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const { name, client_id } = await jsonOf(context, RegisterBody, options);
  const key = context.get("key");
  const known = client_id === undefined
    ? undefined
    : store.clients.get(client_id);
  // Whoever takes over what another key has registered may do all that it may.
  if (known !== undefined && known.key !== key.id) require(key, "write", ROOT);
  const { id } = store.clients.register(name, key.id, client_id);
  const revision = await store.head();
  return context.json({ client_id: id, epoch: store.epoch, revision }, 201);
}

async function compare(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const body = await jsonOf(context, SyncBody, options);
  if (body.client_id !== undefined) {
    store.clients.heardOf(authorOf(context, options, body.client_id));
  }
  // Revisions of another hub, or of this one before its data was put back, say nothing.
  const known = body.epoch === undefined
    ? Infinity
    : store.knownUpTo(body.epoch);
  const within = scopeOf(context, body.path);
  const files = new Map<RelPath, ClientFile>();
  const deleted = new Map<RelPath, number>();
  const note = (text: string): RelPath => {
    const path = checkPath(text);
    require(context.get("key"), "read", path);
    if (files.has(path) || deleted.has(path)) {
      throw new HttpProblem(400, "bad-request", "A path is there twice");
    }
    return path;
  };
  for (const { path, digest, revision = 0 } of body.files) {
    files.set(note(path), { digest, base: revision <= known ? revision : 0 });
  }
  for (const { path, revision } of body.deleted ?? []) {
    deleted.set(note(path), revision <= known ? revision : -1);
  }
  const revision = await store.head();
  const plan = new ListComparison();
  const seen = new Set<RelPath>();
  for await (const record of recordsWithin(store, within, nextTurn)) {
    if (record.kind !== "file") continue;
    seen.add(record.path);
    await decide(record.path, record);
  }
  for (const path of [...files.keys(), ...deleted.keys()]) {
    if (!seen.has(path)) await decide(path, await store.latest(path));
  }
  return context.json({ revision, epoch: store.epoch, ...plan.lists });

  async function decide(
    path: RelPath,
    there: HubRecord | undefined,
  ): Promise<void> {
    const here = files.get(path);
    plan.add(there, path, {
      path,
      here,
      there,
      deleted: deleted.get(path),
      ancestor: await ancestorOf(path, here),
    });
  }

  async function ancestorOf(
    path: RelPath,
    here: ClientFile | undefined,
  ): Promise<Digest | undefined> {
    if (here === undefined || here.base === 0) return undefined;
    const record = await store.record(here.base);
    return record?.path === path ? record.digest : undefined;
  }
}

/** What the two have to do, as lists. */
class ListComparison {
  readonly lists = {
    send: [] as unknown[],
    fetch: [] as unknown[],
    delete: [] as unknown[],
    remove: [] as unknown[],
    conflicts: [] as unknown[],
  };

  add(
    there: HubRecord | undefined,
    path: RelPath,
    state: Parameters<typeof actionAt>[0],
  ): void {
    const action = actionAt(state);
    const { lists } = this;
    switch (action.kind) {
      case "nothing":
        break;
      case "send":
        lists.send.push({ path, base: action.base });
        break;
      case "fetch":
        lists.fetch.push(toWireRecord(there!));
        break;
      case "delete":
        lists.delete.push({ path, revision: there!.revision });
        break;
      case "remove":
        lists.remove.push({ path, base: action.base });
        break;
      case "conflict":
        lists.conflicts.push({ path, current: toWireRecord(there!) });
        break;
      default:
        action satisfies never;
    }
  }
}

async function listClients(
  context: HubContext,
  { hub }: ApiOptions,
): Promise<Response> {
  require(context.get("key"), "admin", ROOT);
  const clients = await hub.clients();
  return context.json({
    clients: clients.map((client) => ({
      client_id: client.id,
      name: client.name,
      online: client.online,
      last_seen: new Date(client.seen).toISOString(),
      registered: new Date(client.registered).toISOString(),
      revision: client.revision,
      lag: client.lag,
    })),
  });
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
