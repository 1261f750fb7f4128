/** Routes that change files: upload and delete. */
import type { Hono } from "hono";
import { type RelPath, ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import { countedOn } from "./approvals.ts";
import {
  type ApiOptions,
  authorOf,
  checked,
  type HubContext,
  type HubEnv,
  queryOf,
} from "./context.ts";
import {
  etagOf,
  matches,
  noFile,
  preconditionFailed,
  refusalOf,
} from "./file_answers.ts";
import { HttpProblem } from "./problem.ts";
import { checkReplacedPath, pathInUrl } from "./request_path.ts";
import {
  DeleteQuery,
  toWireConflict,
  toWireRecord,
  UploadFields,
} from "./schemas.ts";
import type { HubStore } from "./store.ts";
import { readForm, type UploadForm } from "./upload_form.ts";

const DEFAULT_MODE = 0o644;

/** Adds the routes to `app`. */
export function addFileRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.post("/upload", (c) => upload(c, options));
  app.delete("/files/*", (c) => deleteFile(c, options));
}

async function upload(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  if (context.get("key").role === "read") {
    throw new HttpProblem(403, "forbidden", "This key may not do that");
  }
  const form = await readForm(context.req.raw, {
    limits: options,
    maxFileSize: options.maxFileSize,
    write: () => store.write(),
  });
  try {
    return await takeForm(context, options, form);
  } finally {
    form.content?.release();
  }
}

async function takeForm(
  context: HubContext,
  options: ApiOptions,
  { fields, content }: UploadForm,
): Promise<Response> {
  const { store, fanOut } = options.hub;
  const named = checked(UploadFields, Object.fromEntries(fields), "form");
  const path = checkReplacedPath(named.path);
  require(context.get("key"), "write", path);
  const client = authorOf(context, options, named.client_id);
  if (content === undefined) {
    throw new HttpProblem(
      400,
      "bad-form",
      'The form has no file called "file"',
    );
  }
  const { digest, size } = content;
  if (named.digest !== undefined && named.digest !== digest) {
    throw new HttpProblem(
      422,
      "other-content",
      `The content has the digest ${digest}, not the one that was announced`,
    );
  }
  const { base, mode = DEFAULT_MODE, mtime = options.now() } = named;
  const state = { kind: "file", digest, size, mtime, mode } as const;
  const expected = base === undefined
    ? { kind: "any" } as const
    : { kind: "revision", revision: base } as const;
  const { accepted, refused } = await store.commit(
    [{ path, state, expected }],
    { client, operation: "upload" },
  );
  const [refusal] = refused;
  if (refusal?.reason === "stale") {
    const { current } = refusal;
    // Somebody else, or this client in a try whose answer was lost, did the same.
    if (current?.kind === "file" && current.digest === digest) {
      return context.json(toWireRecord(current));
    }
    const conflict = await store.addConflict({
      ...{ path, size, mtime, mode, digest, client },
      ...{ kind: "file", side: "client", copy: undefined },
      base: base!,
      current: current?.revision ?? 0,
    });
    fanOut.tell({ kind: "conflict", id: conflict.id, path, client });
    throw refusalOf(path, refusal, { conflict: toWireConflict(conflict) });
  }
  if (refusal !== undefined) throw refusalOf(path, refusal);
  const record = accepted.find((record) => record.path === path) ??
    (await store.latest(path))!;
  return context.json(toWireRecord(record), accepted.length > 0 ? 201 : 200);
}

async function deleteFile(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const path = pathInUrl(context.req.url, "/files/");
  require(context.get("key"), "write", path);
  const query = queryOf(context, DeleteQuery);
  const client = authorOf(context, options, query.client_id);
  const current = await store.latest(path);
  if (current === undefined || current.kind === "deleted") throw noFile(path);
  const wanted = context.req.header("if-match");
  if (wanted !== undefined && !matches(wanted, etagOf(current))) {
    throw preconditionFailed(current);
  }
  const approvals = options.approval === false
    ? []
    : await reviewDeletion(store, client, path);
  const { accepted, refused: [refusal] } = await store.commit([{
    path,
    state: { kind: "deleted" },
    // Somebody may be faster than this request.
    expected: { kind: "revision", revision: current.revision },
    subtree: query.recursive === "true",
  }], { client, operation: "delete", approvals });
  if (refusal?.reason === "stale") throw preconditionFailed(refusal.current);
  if (refusal !== undefined) throw refusalOf(path, refusal);
  return context.json({
    records: accepted.map((record) => toWireRecord(record)),
  });
}

/**
 * Ids of the approvals that the deletion counts on.
 * @throws {GuardError} If so much would be deleted that a person decides.
 */
async function reviewDeletion(
  store: HubStore,
  client: string,
  path: RelPath,
): Promise<readonly number[]> {
  const approved = countedOn(store.approvals.approvedFor(client), [path]);
  if (approved.length > 0) return approved;
  const files = await store.countFiles(path);
  const total = (): Promise<number> => store.countFiles(ROOT);
  await store.approvals.reviewOne(client, path, files, total);
  return [];
}
