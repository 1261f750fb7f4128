/** A request to `Deno.serve` becomes a transport. */
import type { Transport } from "./transport.ts";
import { SUBPROTOCOL, whenOpen } from "./websocket.ts";

/** What to answer, and the transport if that is not a refusal. */
export interface Upgrade {
  readonly response: Response;
  readonly transport?: Promise<Transport>;
}

/**
 * Upgrades `request`. Whoever calls has checked already that the sender may
 * connect. A request that is no Lockstep sender's gets an answer for people.
 */
export function upgradeToTransport(
  request: Request,
  info: Deno.ServeHandlerInfo,
): Upgrade {
  // All of this must be read before the upgrade: afterwards the request is gone.
  const upgrade = request.headers.get("upgrade")?.toLowerCase();
  const offered = request.headers.get("sec-websocket-protocol") ?? "";
  const peer = describe(info.remoteAddr);
  if (upgrade !== "websocket") {
    return refuse(
      426,
      "This is a Lockstep receiver; it speaks WebSocket only. To send to it: lockstep sync --from DIR --to <this URL, with ws://>\n",
      { upgrade: "websocket" },
    );
  }
  if (!offered.split(",").some((name) => name.trim() === SUBPROTOCOL)) {
    return refuse(
      400,
      `This is a Lockstep receiver; it speaks the subprotocol ${SUBPROTOCOL}\n`,
    );
  }
  const { socket, response } = Deno.upgradeWebSocket(request, {
    protocol: SUBPROTOCOL,
    // The session has heartbeats of its own.
    idleTimeout: 0,
  });
  return { response, transport: whenOpen(socket, peer) };
}

function refuse(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): Upgrade {
  return {
    response: new Response(text, {
      status,
      headers: { "content-type": "text/plain; charset=utf-8", ...headers },
    }),
  };
}

function describe(address: Deno.Addr): string {
  if (!("hostname" in address)) return "a local peer";
  const { hostname, port } = address;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
