/** Routes of conflicts: what is kept beside the version at a path, and what becomes of it. */
import type { Hono } from "hono";
import { ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import type { Conflict } from "./conflicts.ts";
import {
  type ApiOptions,
  authorOf,
  type HubContext,
  type HubEnv,
  jsonOf,
  queryOf,
} from "./context.ts";
import { allows } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import { checkPath } from "./request_path.ts";
import { changesThatResolve } from "./resolve_conflict.ts";
import {
  ConflictBody,
  ConflictsQuery,
  ResolveBody,
  toWireConflict,
  toWireRecord,
} from "./schemas.ts";
import type { HubStore } from "./store.ts";

const DEFAULT_LIMIT = 100;

/** Adds the routes to `app`. */
export function addConflictRoutes(
  app: Hono<HubEnv>,
  options: ApiOptions,
): void {
  app.get("/conflicts", (c) => listConflicts(c, options));
  app.post("/conflicts", (c) => tellOfConflict(c, options));
  app.get("/conflicts/:id", (c) => showConflict(c, options));
  app.post("/conflicts/:id/resolve", (c) => resolve(c, options));
}

function listConflicts(
  context: HubContext,
  { hub: { store } }: ApiOptions,
): Response {
  const key = context.get("key");
  const query = queryOf(context, ConflictsQuery);
  const { after = 0, limit = DEFAULT_LIMIT } = query;
  const all = query.all === "true";
  const path = query.path === undefined ? undefined : checkPath(query.path);
  const conflicts = store.conflicts.list({ after, limit, all, path });
  const seen = conflicts.filter(({ path }) => allows(key, "read", path));
  return context.json({
    conflicts: seen.map((conflict) => wireConflict(store, conflict)),
    ...(conflicts.length === limit && { next: conflicts.at(-1)!.id }),
  });
}

function showConflict(
  context: HubContext,
  { hub: { store } }: ApiOptions,
): Response {
  return context.json(wireConflict(store, conflictOf(context, store)));
}

/** With the name of the client that has told of it. */
function wireConflict(store: HubStore, conflict: Conflict): unknown {
  const name = store.clients.get(conflict.client)?.name;
  return toWireConflict(conflict, name);
}

/** The conflict that the address names. @throws {HttpProblem} 404 */
function conflictOf(context: HubContext, store: HubStore): Conflict {
  const id = Number(context.req.param("id"));
  const conflict = Number.isSafeInteger(id)
    ? store.conflicts.get(id)
    : undefined;
  if (
    conflict === undefined ||
    !allows(context.get("key"), "read", conflict.path)
  ) throw new HttpProblem(404, "not-found", "There is no such conflict");
  return conflict;
}

/** A two-way sync has kept a version beside the one at its path. */
async function tellOfConflict(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store, fanOut } = options.hub;
  const body = await jsonOf(context, ConflictBody, options);
  const path = checkPath(body.path);
  const copy = body.copy === undefined ? undefined : checkPath(body.copy);
  // Content is named by its digest here, so it may be that of any path.
  require(context.get("key"), "write", ROOT);
  const client = authorOf(context, options, body.client_id);
  const { kind, side, mtime, digest = "" } = body;
  // What is damaged is told of like all else, and may be repaired later.
  const content = kind === "file" ? store.open(digest) : undefined;
  try {
    if (kind === "file" && content === undefined) {
      throw new HttpProblem(
        409,
        "content-missing",
        "The content is not in the hub",
      );
    }
    const latest = await store.latest(path);
    const kept = copy === undefined ? undefined : await store.latest(copy);
    const conflict = await store.addConflict({
      ...{ path, kind, side, copy, mtime, digest, client },
      size: (content && store.recipe(digest)?.size) ?? 0,
      mode: kept?.mode ?? latest?.mode ?? 0o644,
      base: latest?.revision ?? 0,
      current: latest?.revision ?? 0,
    });
    fanOut.tell({ kind: "conflict", id: conflict.id, path, client });
    return context.json(wireConflict(store, conflict), 201);
  } finally {
    content?.close();
  }
}

async function resolve(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const conflict = conflictOf(context, store);
  const key = context.get("key");
  require(key, "write", conflict.path);
  if (conflict.copy !== undefined) require(key, "write", conflict.copy);
  const { keep, client_id } = await jsonOf(context, ResolveBody, options);
  const client = authorOf(context, options, client_id);
  if (conflict.resolved !== undefined) {
    throw new HttpProblem(409, "resolved", "It was resolved already");
  }
  const changes = await changesThatResolve(store, conflict, keep);
  const { accepted, refused: [refusal] } = await store.commit(changes, {
    client,
    operation: "resolve",
    atomic: true,
  });
  if (refusal !== undefined) {
    throw new HttpProblem(
      409,
      refusal.reason,
      "It can't be put there now; try again",
    );
  }
  // Only now: else a crash in between would leave the file where nobody looks.
  store.conflicts.resolve(conflict.id, keep);
  // Clients whose version stays apart learn of the decision in their next round.
  if (accepted.length === 0) store.wake();
  return context.json({
    records: accepted.map((record) => toWireRecord(record)),
    left_out: [],
  });
}
