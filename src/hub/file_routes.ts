/** Routes of files: upload, download, delete, lists, versions. */
import type { Hono } from "hono";
import { Buffer } from "node:buffer";
import { displayPath, isWithin, type RelPath, ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import {
  type ApiOptions,
  authorOf,
  checked,
  type HubContext,
  type HubEnv,
  jsonOf,
  queryOf,
  scopeOf,
} from "./context.ts";
import { HttpProblem } from "./problem.ts";
import { type ByteRange, rangeOf } from "./range.ts";
import type { HubRecord } from "./record.ts";
import { checkReplacedPath, pathInUrl, rawPathOf } from "./request_path.ts";
import { stateOf } from "./restore.ts";
import {
  DeleteQuery,
  DownloadQuery,
  FilesQuery,
  HistoryQuery,
  RestoreFileBody,
  toWireConflict,
  toWireRecord,
  UploadFields,
  VersionsQuery,
} from "./schemas.ts";
import type { HubStore, RefusedChange } from "./store.ts";
import { readForm, type UploadForm } from "./upload_form.ts";

const DEFAULT_MODE = 0o644;
const DEFAULT_LIMIT = 100;

/** Adds the routes of files to `app`. */
export function addFileRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.post("/upload", (c) => upload(c, options));
  app.get("/download/*", (c) => download(c, options));
  app.get("/files", (c) => listFiles(c, options));
  app.get("/files/*", (c) => listVersions(c, options));
  app.post("/files/*", (c) => restoreFile(c, options));
  app.delete("/files/*", (c) => deleteFile(c, options));
  app.get("/history", (c) => listHistory(c, options));
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

async function download(
  context: HubContext,
  { hub: { store } }: ApiOptions,
): Promise<Response> {
  const path = pathInUrl(context.req.url, "/download/");
  require(context.get("key"), "read", path);
  const { version } = queryOf(context, DownloadQuery);
  const record = version === undefined
    ? await store.latest(path)
    : await store.record(version);
  if (record?.path !== path || record.kind !== "file") throw noFile(path);
  const headers = fileHeaders(record);
  const etag = etagOf(record);
  const known = context.req.header("if-none-match");
  if (known !== undefined && matches(known, etag, { weak: true })) {
    return new Response(null, { status: 304, headers });
  }
  const wanted = context.req.header("if-match");
  if (wanted !== undefined && !matches(wanted, etag)) {
    throw preconditionFailed(record);
  }
  const ifRange = context.req.header("if-range");
  const isSame = ifRange === undefined || ifRange === etag;
  const range = isSame
    ? rangeOf(context.req.header("range"), record.size)
    : undefined;
  if (range === "unsatisfiable") {
    throw new HttpProblem(416, "bad-range", "The file is shorter", {}, {
      "content-range": `bytes */${record.size}`,
    });
  }
  return await contentResponse(
    context,
    record,
    range,
    headers,
    () => store.read(record.digest!, range),
  );
}

async function contentResponse(
  context: HubContext,
  record: HubRecord,
  range: ByteRange | undefined,
  headers: Record<string, string>,
  read: () => ReadableStream<Uint8Array>,
): Promise<Response> {
  const length = range === undefined ? record.size : range.end - range.start;
  headers["content-length"] = String(length);
  if (range !== undefined) {
    headers["content-range"] = `bytes ${range.start}-${
      range.end - 1
    }/${record.size}`;
  }
  const status = range === undefined ? 200 : 206;
  if (context.req.method === "HEAD") {
    return new Response(null, { status, headers });
  }
  const body = await primed(read());
  return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>, {
    status,
    headers,
  });
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
  const path = filePath(context, "/versions");
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

async function restoreFile(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const path = filePath(context, "/restore");
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
  if (options.approval !== false) await reviewDeletion(store, client, path);
  const { accepted, refused: [refusal] } = await store.commit([{
    path,
    state: { kind: "deleted" },
    // Somebody may be faster than this request.
    expected: { kind: "revision", revision: current.revision },
    subtree: query.recursive === "true",
  }], { client, operation: "delete" });
  if (refusal?.reason === "stale") throw preconditionFailed(refusal.current);
  if (refusal !== undefined) throw refusalOf(path, refusal);
  return context.json({
    records: accepted.map((record) => toWireRecord(record)),
  });
}

/** @throws {GuardError} If so much would be deleted that a person decides. */
async function reviewDeletion(
  store: HubStore,
  client: string,
  path: RelPath,
): Promise<void> {
  const approved = store.approvals.approvedFor(client);
  if (approved.some((top) => isWithin(path, top))) return;
  const files = await store.countFiles(path);
  const total = (): Promise<number> => store.countFiles(ROOT);
  await store.approvals.reviewOne(client, path, files, total);
}

/** The path between `/files/` and `suffix`. @throws {HttpProblem} 404 */
function filePath(context: HubContext, suffix: string): RelPath {
  const { url } = context.req;
  if (rawPathOf(url).endsWith(suffix)) {
    return pathInUrl(url, "/files/", suffix);
  }
  // A path that is none is refused as such, wherever it stands.
  pathInUrl(url, "/files/");
  throw new HttpProblem(404, "not-found", "There is nothing here");
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

/** The answer to a change that was not accepted. */
function refusalOf(
  path: RelPath,
  { reason, current }: RefusedChange,
  extra: Readonly<Record<string, unknown>> = {},
): HttpProblem {
  const details = {
    stale: "was changed by somebody else",
    blocked: "can't be there: something above it is no directory",
    "not-empty": "is a directory that is not empty (see ?recursive=true)",
    "content-missing": "had content that is gone by now",
  };
  const detail = `${displayPath(path)} ${details[reason]}`;
  return new HttpProblem(409, reason, detail, {
    ...(current !== undefined && { current: toWireRecord(current) }),
    ...extra,
  });
}

function preconditionFailed(current: HubRecord | undefined): HttpProblem {
  return new HttpProblem(
    412,
    "stale",
    "It is another version by now",
    current === undefined ? {} : { current: toWireRecord(current) },
  );
}

function noFile(path: RelPath): HttpProblem {
  const detail = `There is no such file or version: ${displayPath(path)}`;
  return new HttpProblem(404, "not-found", detail);
}

function fileHeaders(record: HubRecord): Record<string, string> {
  const sum = Buffer.from(record.digest!, "hex").toString("base64");
  return {
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    "content-disposition": "attachment",
    "content-type": "application/octet-stream",
    etag: etagOf(record),
    "last-modified": new Date(record.mtime).toUTCString(),
    // RFC 9530; of the whole file, also where a part is sent.
    "repr-digest": `sha-256=:${sum}:`,
    "x-content-type-options": "nosniff",
    "x-lockstep-revision": String(record.revision),
  };
}

function etagOf({ revision }: HubRecord): string {
  return `"${revision}"`;
}

/** Whether the value of an `If-…` header names `etag`. */
function matches(
  header: string,
  etag: string,
  { weak = false } = {},
): boolean {
  return header.split(",").map((tag) => tag.trim()).some((tag) =>
    tag === "*" || tag === etag || (weak && tag === `W/${etag}`)
  );
}

/** `stream`, once its first part is there: what can't be read fails at once. */
async function primed(
  stream: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array>> {
  const reader = stream.getReader();
  const first = await reader.read();
  let waiting = first.done ? undefined : first.value;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      if (waiting !== undefined) {
        controller.enqueue(waiting);
        waiting = undefined;
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
