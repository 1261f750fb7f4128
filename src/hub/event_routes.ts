/**
 * Routes of what happens: server-sent events, which go on where a client left
 * off, and notifications over WebSocket.
 */
import type { Hono } from "hono";
import { isWithin, type RelPath } from "../core/path.ts";
import { messageOf } from "../errors.ts";
import {
  type ApiOptions,
  type HubContext,
  type HubEnv,
  queryOf,
} from "./context.ts";
import { SHORT_EPOCH_CHARACTERS } from "./epochs.ts";
import type { HubNotice, Listener, Subscription } from "./fan_out.ts";
import { catchUp } from "./journal.ts";
import type { KeyInfo } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import { rawPathOf } from "./request_path.ts";
import type { HubStore } from "./store.ts";
import { EventsQuery, toWireRecord } from "./schemas.ts";

/**
 * So many notices wait for a listener; then it is dropped. They are shared by all
 * who wait for them, and one sync may bring many at once.
 */
const MAX_WAITING = 100_000;

/** So many bytes wait in a socket; then it is dropped. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** So many listen at a time. */
const MAX_LISTENERS = 1_000;

/** How often a key is looked at again, and silence is broken, in milliseconds. */
const CHECK_MS = 2_000;
const COMMENT_MS = 15_000;

/** Longest message of a client, in characters. */
const MAX_MESSAGE = 4_096;

/** Changes that are read from the store at once. */
const PAGE = 200;

/** Close code of RFC 6455: it may not do that. */
const POLICY = 1008;
const TOO_LARGE = 1009;
const GOING_AWAY = 1001;

const encoder = new TextEncoder();

/** Adds the routes to `app`. */
export function addEventRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.get("/events", (c) => events(c, options));
  app.get("/ws/*", (c) => notifications(c, options));
}

async function events(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { hub } = options;
  refuseCrowd(options);
  const key = context.get("key");
  const { after } = queryOf(context, EventsQuery);
  const header = context.req.header("last-event-id");
  const [head, horizon] = await Promise.all([
    hub.store.head(),
    hub.store.horizon(),
  ]);
  const known = header === undefined
    ? after ?? head
    : revisionOf(header, hub.store);
  const stream = new EventStream(key, known, { head, horizon }, options);
  return new Response(stream.readable, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    },
  });
}

/**
 * The revision that an event's id names; where it does not hold any more, one
 * that there never was. @throws {HttpProblem}
 */
function revisionOf(id: string, store: HubStore): number {
  const [, number, epoch] = /^(\d{1,15})(?:\.([0-9a-f]+))?$/.exec(id) ?? [];
  if (number === undefined) {
    throw new HttpProblem(400, "bad-request", "Last-Event-ID is no revision");
  }
  const revision = Number(number);
  const isKnown = epoch === undefined || revision <= store.knownUpTo(epoch);
  return isKnown ? revision : Number.MAX_SAFE_INTEGER;
}

/** One client of `/events`. */
class EventStream {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #key: KeyInfo;
  readonly #options: ApiOptions;
  readonly #subscription: Subscription;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  /** All up to this revision was told. */
  #told: number;
  /** What is told from the store; what is later comes by itself. */
  #until: number;
  #stopTimer = (): void => {};
  #isOpen = true;

  constructor(
    key: KeyInfo,
    known: number,
    state: { readonly head: number; readonly horizon: number },
    options: ApiOptions,
  ) {
    this.#key = key;
    this.#options = options;
    const missed = catchUp(known, state);
    this.#told = missed.kind === "changes" ? missed.after : state.head;
    this.#until = state.head;
    this.#subscription = options.hub.fanOut.subscribe({
      limit: options.maxWaiting ?? MAX_WAITING,
      wants: (notice) => isFor(key, notice),
      closed: (isDropped) => this.#end(isDropped),
    });
    this.readable = new ReadableStream({
      start: (controller): void => {
        this.#controller = controller;
        this.#send(": connected\n\n");
        if (missed.kind === "everything") {
          const { reason } = missed;
          this.#event("reset", { reason, revision: state.head }, state.head);
        }
      },
      pull: () => this.#pull(),
      cancel: () => this.#subscription[Symbol.dispose](),
    }, { highWaterMark: 1 });
    options.signal.addEventListener("abort", this.#onAbort);
    this.#watch(CHECK_MS, COMMENT_MS);
  }

  readonly #onAbort = (): void => this.#subscription[Symbol.dispose]();

  async #pull(): Promise<void> {
    const { store } = this.#options.hub;
    if (this.#told < this.#until) {
      const records = await store.changes({
        after: this.#told,
        within: this.#key.path,
        limit: PAGE,
      });
      for (const record of records) {
        if (record.revision > this.#until) break;
        const kind = record.kind === "deleted"
          ? "file_deleted"
          : "file_changed";
        this.#notice({ kind, record });
        this.#told = record.revision;
      }
      if (records.length < PAGE || this.#told >= this.#until) {
        this.#told = this.#until;
      }
      if (records.length > 0) return;
    }
    for (;;) {
      const notice = await this.#subscription.next();
      if (notice === undefined) return;
      const revision = "record" in notice ? notice.record.revision : Infinity;
      if (revision <= this.#told) continue;
      return this.#notice(notice);
    }
  }

  #notice(notice: HubNotice): void {
    const revision = "record" in notice ? notice.record.revision : undefined;
    this.#event(notice.kind, toWireNotice(notice), revision);
  }

  #event(name: string, data: unknown, id: number | undefined): void {
    const { epoch } = this.#options.hub.store;
    const short = epoch.slice(0, SHORT_EPOCH_CHARACTERS);
    const line = id === undefined ? "" : `id: ${id}.${short}\n`;
    this.#send(`${line}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #send(text: string): void {
    if (this.#isOpen) this.#controller.enqueue(encoder.encode(text));
  }

  /** Ends the stream when its key does, and says something now and then. */
  #watch(checkMs: number, silenceMs: number): void {
    let silent = 0;
    const tick = (): void => {
      if (!this.#options.access.isAlive(this.#key)) {
        return this.#subscription[Symbol.dispose]();
      }
      silent += checkMs;
      // Where nobody reads, nothing is added.
      if (silent >= silenceMs && (this.#controller.desiredSize ?? 0) > 0) {
        silent = 0;
        this.#send(":\n\n");
      }
      this.#stopTimer = this.#options.clock.after(checkMs, tick);
    };
    this.#stopTimer = this.#options.clock.after(checkMs, tick);
  }

  #end(isDropped: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopTimer();
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    try {
      if (isDropped) this.#controller.error(new Error("too slow"));
      else this.#controller.close();
    } catch {
      // Whoever read it has gone before.
    }
  }
}

function notifications(context: HubContext, options: ApiOptions): Response {
  const { hub } = options;
  if (context.req.header("upgrade")?.toLowerCase() !== "websocket") {
    throw new HttpProblem(426, "websocket-only", "Connect by WebSocket", {}, {
      upgrade: "websocket",
    });
  }
  refuseCrowd(options);
  const key = context.get("key");
  const id = rawPathOf(context.req.url).slice("/ws/".length);
  const client = hub.store.clients.get(id);
  // All of the request has been read: afterwards it is gone.
  const { socket, response } = upgrade(context.req.raw);
  if (client === undefined || client.key !== key.id) {
    socket.onopen = () => socket.close(POLICY, "unknown client");
    return response;
  }
  let leave = (): void => {};
  let stopTimer = (): void => {};
  const listener: Listener = {
    limit: options.maxWaiting ?? MAX_WAITING,
    wants: (notice) => isFor(key, notice),
    closed(isDropped): void {
      stopTimer();
      leave();
      options.signal.removeEventListener("abort", onAbort);
      if (isDropped) close(POLICY, "too slow");
      else close(GOING_AWAY, "");
    },
  };
  let subscription: Subscription | undefined;
  const onAbort = (): void => subscription?.[Symbol.dispose]();
  socket.onopen = guarded(() => {
    subscription = hub.fanOut.subscribe(listener);
    leave = hub.join(client);
    options.signal.addEventListener("abort", onAbort);
    watch();
    void deliver(subscription);
  });
  socket.onmessage = guarded((event: MessageEvent) => hear(event.data));
  socket.onclose = guarded(() => subscription?.[Symbol.dispose]());
  socket.onerror = guarded(() => subscription?.[Symbol.dispose]());
  return response;

  async function deliver(subscription: Subscription): Promise<void> {
    try {
      for (;;) {
        const notice = await subscription.next();
        if (notice === undefined) return;
        if (socket.readyState !== WebSocket.OPEN) continue;
        if (socket.bufferedAmount > MAX_UNREAD_BYTES) {
          close(POLICY, "too slow");
          subscription[Symbol.dispose]();
          return;
        }
        const message = { type: notice.kind, ...toWireNotice(notice) };
        socket.send(JSON.stringify(message));
      }
    } catch (error) {
      options.fault(error);
      subscription[Symbol.dispose]();
    }
  }

  /** A client says up to which revision it knows all: `{"type":"ack","revision":7}`. */
  function hear(data: unknown): void {
    if (typeof data !== "string" || data.length > MAX_MESSAGE) {
      return close(TOO_LARGE, "short JSON only");
    }
    let said: { type?: unknown; revision?: unknown };
    try {
      said = JSON.parse(data);
    } catch {
      return close(POLICY, "no JSON");
    }
    const revision = said?.revision;
    const isAck = said?.type === "ack" && Number.isSafeInteger(revision) &&
      Number(revision) >= 0;
    if (!isAck) return close(POLICY, "unknown message");
    hub.store.clients.heardOf(client!.id, Number(revision));
  }

  function watch(): void {
    stopTimer = options.clock.after(CHECK_MS, () => {
      if (options.access.isAlive(key)) return watch();
      close(POLICY, "the key was revoked");
      subscription?.[Symbol.dispose]();
    });
  }

  function close(code: number, reason: string): void {
    try {
      if (socket.readyState <= WebSocket.OPEN) {
        socket.close(code === GOING_AWAY ? 1000 : code, reason);
      }
    } catch (error) {
      options.fault(error);
    }
  }

  /** A handler that throws would end the process. */
  function guarded<E>(handler: (event: E) => void): (event: E) => void {
    return (event) => {
      try {
        handler(event);
      } catch (error) {
        options.fault(error);
        close(POLICY, messageOf(error).slice(0, 40));
      }
    };
  }
}

/** @throws {HttpProblem} If the request is not whole. */
function upgrade(request: Request): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request);
  } catch (error) {
    throw new HttpProblem(400, "bad-request", messageOf(error));
  }
}

function refuseCrowd({ hub }: ApiOptions): void {
  if (hub.fanOut.listeners < MAX_LISTENERS) return;
  throw new HttpProblem(503, "too-many", "Too many listen", {}, {
    "retry-after": "5",
  });
}

/** Whether the holder of `key` may hear of `notice`. */
function isFor(key: KeyInfo, notice: HubNotice): boolean {
  const path = pathOf(notice);
  // Who sees a part only does not hear who else there is.
  return path === undefined ? key.path === "" : isWithin(path, key.path);
}

function pathOf(notice: HubNotice): RelPath | undefined {
  if ("record" in notice) return notice.record.path;
  return "path" in notice ? notice.path : undefined;
}

function toWireNotice(notice: HubNotice): Record<string, unknown> {
  switch (notice.kind) {
    case "file_changed":
    case "file_deleted":
      return toWireRecord(notice.record);
    case "conflict":
      return { id: notice.id, path: notice.path, client: notice.client };
    case "client_joined":
    case "client_left":
      return { client: notice.client, name: notice.name };
    default:
      return notice satisfies never;
  }
}
