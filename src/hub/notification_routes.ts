/** The route of notifications over WebSocket, to clients that are registered. */
import type { Hono } from "hono";
import { messageOf } from "../errors.ts";
import type { ApiOptions, HubContext, HubEnv } from "./context.ts";
import type { Listener, Subscription } from "./fan_out.ts";
import {
  CHECK_MS,
  isFor,
  MAX_WAITING,
  refuseCrowd,
  toWireNotice,
} from "./listening.ts";
import { HttpProblem } from "./problem.ts";
import { rawPathOf } from "./request_path.ts";

/** So many bytes wait in a socket; then it is dropped. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Longest message of a client, in characters. */
const MAX_MESSAGE = 4_096;

/** Close code of RFC 6455: it may not do that. */
const POLICY = 1008;

const TOO_LARGE = 1009;

const GOING_AWAY = 1001;

/** Adds the route to `app`. */
export function addNotificationRoutes(
  app: Hono<HubEnv>,
  options: ApiOptions,
): void {
  app.get("/ws/*", (c) => notifications(c, options));
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
