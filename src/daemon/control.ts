/**
 * The control interface of a daemon: HTTP with JSON. Whoever reaches it may do
 * everything; the socket is what keeps others out.
 *
 * | request                                  | body                                | answer                  |
 * | ---------------------------------------- | ----------------------------------- | ----------------------- |
 * | GET /v1/daemon                           |                                     | DaemonStatus            |
 * | POST /v1/daemon/stop                     |                                     | {stopping: true}        |
 * | GET /v1/workspaces                       |                                     | {workspaces}            |
 * | POST /v1/workspaces                      | {name, path, options}               | 201, WorkspaceStatus    |
 * | GET /v1/workspaces/NAME                  |                                     | WorkspaceStatus         |
 * | DELETE /v1/workspaces/NAME               |                                     | {removed}               |
 * | POST /v1/workspaces/NAME/remotes         | {name, to, token, options}          | 201, WorkspaceStatus    |
 * | DELETE /v1/workspaces/NAME/remotes/NAME  |                                     | WorkspaceStatus         |
 * | POST /v1/workspaces/NAME/pause           | {remote}                            | WorkspaceStatus         |
 * | POST /v1/workspaces/NAME/resume          | {remote}                            | WorkspaceStatus         |
 * | POST /v1/workspaces/NAME/flush           | {remote, timeoutMs}                 | {remotes: FlushResult}  |
 *
 * What goes wrong is told as RFC 9457 has it, with the `code` of the error.
 */
import { quote } from "../core/path.ts";
import { type ErrorCode, messageOf, SyncError, UsageError } from "../errors.ts";
import { remoteOf } from "./registry.ts";
import type { FlushResult } from "./worker_message.ts";
import type { WorkspaceStatus } from "./workspace.ts";
import {
  remoteAt,
  type RemoteConfig,
  workspaceAt,
  type WorkspaceConfig,
} from "./workspace_config.ts";

/** More than a workspace with all its remotes takes. */
const MAX_BODY_BYTES = 1024 * 1024;

const USUAL_FLUSH_MS = 30_000;
const MAX_FLUSH_MS = 24 * 3_600_000;

/** The daemon at one moment. */
export interface DaemonStatus {
  readonly software: string;
  readonly pid: number;
  /** When it began, in ISO 8601. */
  readonly since: string;
  readonly workspaces: number;
  readonly failed: number;
  readonly config: string;
  readonly socket: string;
  readonly logs: string;
}

/** What the interface controls. */
export interface Controlled {
  readonly status: DaemonStatus;
  stop(): void;
  list(): readonly WorkspaceStatus[];
  /** @throws {SyncError} As all that follow. */
  info(name: string): WorkspaceStatus;
  config(name: string): WorkspaceConfig;
  add(workspace: WorkspaceConfig): void;
  remove(name: string): Promise<void>;
  attach(name: string, remote: RemoteConfig): void;
  detach(name: string, remote: string): void;
  pause(name: string, remote: string | undefined, paused: boolean): void;
  flush(
    name: string,
    remotes: readonly string[],
    timeoutMs: number,
  ): Promise<readonly FlushResult[]>;
}

type Fields = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Answers a request; never rejects. */
export async function answerControl(
  controlled: Controlled,
  request: Request,
): Promise<Response> {
  try {
    const { status, body } = await route(controlled, request);
    return json(status, body, "application/json");
  } catch (error) {
    return problem(error);
  }
}

async function route(
  controlled: Controlled,
  request: Request,
): Promise<Answer> {
  const { method } = request;
  const names = namesOf(request);
  const body = method === "POST" ? await fieldsOf(request) : {};
  const [version, kind, name, part, partName, ...more] = names;
  const asked = `${method} /${names.join("/")}`;
  if (version !== "v1" || more.length > 0) throw nothingAt(asked);
  if (asked === "GET /v1/daemon") return done(controlled.status);
  if (asked === "POST /v1/daemon/stop") {
    controlled.stop();
    return done({ stopping: true });
  }
  if (kind !== "workspaces") throw nothingAt(asked);
  if (name === undefined) {
    if (method === "GET") return done({ workspaces: controlled.list() });
    if (method !== "POST") throw nothingAt(asked);
    const workspace = workspaceAt(body, "workspace");
    controlled.add(workspace);
    return { status: 201, body: controlled.info(workspace.name) };
  }
  switch (`${method} ${[part, partName && "NAME"].filter(Boolean).join("/")}`) {
    case "GET ":
      return done(controlled.info(name));
    case "DELETE ":
      await controlled.remove(name);
      return done({ removed: name });
    case "POST remotes": {
      controlled.attach(name, remoteAt(body, "remote"));
      return { status: 201, body: controlled.info(name) };
    }
    case "DELETE remotes/NAME":
      controlled.detach(name, partName!);
      return done(controlled.info(name));
    case "POST pause":
    case "POST resume":
      controlled.pause(name, remoteNameIn(body), part === "pause");
      return done(controlled.info(name));
    case "POST flush": {
      const remotes = remotesToFlush(controlled.config(name), body);
      const timeoutMs = timeoutIn(body);
      return done({
        remotes: await controlled.flush(name, remotes, timeoutMs),
      });
    }
    default:
      throw nothingAt(asked);
  }
}

function done(body: unknown): Answer {
  return { status: 200, body };
}

function namesOf(request: Request): string[] {
  const { pathname } = new URL(request.url);
  try {
    return pathname.split("/").slice(1).map(decodeURIComponent);
  } catch {
    throw new UsageError(`The address ${quote(pathname)} is damaged`);
  }
}

/** The fields of the body, of which there may be none. */
async function fieldsOf(request: Request): Promise<Fields> {
  const text = await textOf(request);
  if (text.trim() === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`The body is no JSON: ${messageOf(error)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Fields;
  }
  throw new UsageError("The body is no object");
}

async function textOf({ body }: Request): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new UsageError(`The body has more than ${MAX_BODY_BYTES} bytes`);
    }
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

function remoteNameIn({ remote }: Fields): string | undefined {
  if (remote === undefined || typeof remote === "string") return remote;
  throw new UsageError("remote is no text");
}

function remotesToFlush(workspace: WorkspaceConfig, body: Fields): string[] {
  const name = remoteNameIn(body);
  if (name !== undefined) return [remoteOf(workspace, name).name];
  return workspace.remotes.filter(({ paused }) => !paused)
    .map((remote) => remote.name);
}

function timeoutIn({ timeoutMs = USUAL_FLUSH_MS }: Fields): number {
  const isTime = Number.isSafeInteger(timeoutMs) &&
    timeoutMs as number >= 0 && timeoutMs as number <= MAX_FLUSH_MS;
  if (isTime) return timeoutMs as number;
  throw new UsageError(`timeoutMs is no number from 0 to ${MAX_FLUSH_MS}`);
}

function nothingAt(asked: string): SyncError {
  return new SyncError("not-found", `There is nothing at ${quote(asked)}`);
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  usage: 400,
  denied: 403,
  "not-found": 404,
  exists: 409,
  busy: 409,
  "no-space": 507,
};

function problem(error: unknown): Response {
  const code = error instanceof SyncError ? error.code : "failed";
  const status = STATUS[code] ?? 500;
  const body = {
    type: "about:blank",
    title: code,
    status,
    code,
    detail: messageOf(error),
  };
  return json(status, body, "application/problem+json");
}

function json(status: number, body: unknown, type: string): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": type },
  });
}
