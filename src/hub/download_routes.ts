/** The route that gives the content of a file: whole, in part, or of an old version. */
import type { Hono } from "hono";
import { Buffer } from "node:buffer";
import { require } from "./access.ts";
import {
  type ApiOptions,
  type HubContext,
  type HubEnv,
  queryOf,
} from "./context.ts";
import { etagOf, matches, noFile, preconditionFailed } from "./file_answers.ts";
import { HttpProblem } from "./problem.ts";
import { type ByteRange, rangeOf } from "./range.ts";
import type { HubRecord } from "./record.ts";
import { pathInUrl } from "./request_path.ts";
import { DownloadQuery } from "./schemas.ts";

/** Adds the route to `app`. */
export function addDownloadRoutes(
  app: Hono<HubEnv>,
  options: ApiOptions,
): void {
  app.get("/download/*", (c) => download(c, options));
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
