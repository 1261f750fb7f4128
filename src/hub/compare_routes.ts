/** The route by which a client without an engine learns what it has to do. */
import type { Hono } from "hono";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
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
import { HttpProblem } from "./problem.ts";
import type { HubRecord } from "./record.ts";
import { recordsWithin } from "./records_within.ts";
import { checkPath } from "./request_path.ts";
import { SyncBody, toWireRecord } from "./schemas.ts";

/** Adds the route to `app`. */
export function addCompareRoutes(
  app: Hono<HubEnv>,
  options: ApiOptions,
): void {
  app.post("/sync", (c) => compare(c, options));
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
