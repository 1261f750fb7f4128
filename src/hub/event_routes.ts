/** The route of what happens: server-sent events, which go on where a client left off. */
import type { Hono } from "hono";
import {
  type ApiOptions,
  type HubContext,
  type HubEnv,
  queryOf,
} from "./context.ts";
import { SHORT_EPOCH_CHARACTERS } from "./epochs.ts";
import type { HubNotice, Subscription } from "./fan_out.ts";
import { catchUp } from "./journal.ts";
import type { KeyInfo } from "./keys.ts";
import {
  CHECK_MS,
  isFor,
  MAX_WAITING,
  refuseCrowd,
  toWireNotice,
} from "./listening.ts";
import { HttpProblem } from "./problem.ts";
import { EventsQuery } from "./schemas.ts";
import type { HubStore } from "./store.ts";

/** How often silence is broken, in milliseconds. */
const COMMENT_MS = 15_000;

/** Changes that are read from the store at once. */
const PAGE = 200;

const encoder = new TextEncoder();

/** Adds the route to `app`. */
export function addEventRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.get("/events", (c) => events(c, options));
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
