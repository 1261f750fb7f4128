/** What the routes of a hub work with. */
import type { Context } from "hono";
import type { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { type RelPath, ROOT } from "../core/path.ts";
import { type Access, require } from "./access.ts";
import type { Hub } from "./hub.ts";
import type { KeyInfo } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import { checkReplacedPath } from "./request_path.ts";
import { textOf } from "./timed_body.ts";

/** Settings of a hub's HTTP side. */
export interface ApiOptions {
  readonly hub: Hub;
  readonly access: Access;
  /** Whether deletions that are more than usual wait for a person; true unless said. */
  readonly approval?: boolean;
  readonly clock: Clock;
  /** The time of day, in milliseconds since 1970. */
  readonly now: () => number;
  /** Of an uploaded file, in bytes. */
  readonly maxFileSize: number;
  /** Longest pause in a body, in milliseconds. */
  readonly idleMs: number;
  /** So many notices wait for a listener at the most; 100,000 unless said. */
  readonly maxWaiting?: number;
  /** Ends what would go on for ever. */
  readonly signal: AbortSignal;
  /** Something failed that is nobody's fault out there. */
  fault(error: unknown): void;
}

/** What each request knows besides itself. */
export interface HubEnv {
  Variables: { key: KeyInfo };
  Bindings: { info: Deno.ServeHandlerInfo<Deno.NetAddr> };
}

/** A request at a route. */
export type HubContext = Context<HubEnv>;

/** The most that a body of JSON may have, in bytes. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;

/** The values in the query of a request. @throws {HttpProblem} */
export function queryOf<S extends z.ZodType>(
  context: HubContext,
  schema: S,
): z.infer<S> {
  return checked(schema, context.req.query(), "query");
}

/** The body of a request, which is JSON. @throws {HttpProblem} */
export async function jsonOf<S extends z.ZodType>(
  context: HubContext,
  schema: S,
  { clock, idleMs }: ApiOptions,
): Promise<z.infer<S>> {
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpProblem(415, "not-json", "Send application/json");
  }
  const limits = { maxBytes: MAX_JSON_BYTES, idleMs, clock };
  const text = await textOf(context.req.raw.body, limits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpProblem(400, "bad-json", "The body is no JSON");
  }
  return checked(schema, value, "body");
}

/** `value`, if it has the shape of `schema`. @throws {HttpProblem} */
export function checked<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join(".") ?? "";
  throw new HttpProblem(
    400,
    "bad-request",
    `The ${what} is wrong${place === "" ? "" : ` at "${place}"`}: ${
      issue?.message ?? "it has another shape"
    }`.slice(0, 500),
  );
}

/**
 * The part of the hub that a request is about: `text`, else all that its key
 * opens. @throws {HttpProblem} If it does not open it.
 */
export function scopeOf(context: HubContext, text?: string): RelPath {
  const key = context.get("key");
  if (text === undefined || text === "") {
    if (text === "") require(key, "read", ROOT);
    return key.path;
  }
  const path = checkReplacedPath(text);
  require(key, "read", path);
  return path;
}

/**
 * Whom a change is put down to: the client that a request names, if its key has
 * registered it, else the key. @throws {HttpProblem}
 */
export function authorOf(
  context: HubContext,
  { hub }: ApiOptions,
  client: string | undefined,
): string {
  const key = context.get("key");
  if (client === undefined) return key.name;
  const known = hub.store.clients.get(client);
  if (known?.key === key.id) return client;
  throw new HttpProblem(400, "unknown-client", "There is no such client");
}
