/** The listening socket of `lockstep listen`. */
import type { Clock } from "../../core/clock.ts";
import { Gate } from "../../net/gate.ts";
import { authority } from "../../net/host.ts";
import type { Transport } from "../../net/transport.ts";
import { upgradeToTransport } from "../../net/upgrade.ts";
import { listenHttp } from "./http_listener.ts";
import type { Certificate } from "./tls_files.ts";

/**
 * So many connections are open at a time, most of them senders who are about to
 * hear that the receiver is busy. Who comes then is told to come back.
 */
const MAX_CONNECTIONS = 64;

/** How long whoever finds all connections taken should wait, in seconds. */
const RETRY_AFTER_S = 5;

/** Where to listen, and for whom. */
export interface ListenOnOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What a sender has to show; undefined: nothing. */
  readonly token?: string | undefined;
  /** Undefined: without TLS. */
  readonly certificate?: Certificate | undefined;
  readonly clock: Clock;
}

/** What becomes of those who connect. Called by the server, one at a time. */
export interface ConnectionHandler {
  /** Owns the connection; when it resolves or rejects, the connection is closed. */
  connected(transport: Transport): Promise<void>;
  /** Somebody was not let in; not told for each one, see {@link Gate}. */
  turnedAway(peer: string, reason: string): void;
  /** All connections are lost because of `reason`; the socket is opened again. */
  faltered(reason: string): void;
}

/** A socket that listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  /** What a sender connects to. */
  readonly url: string;
  /** Stops listening, and closes the connections that there are. */
  close(): Promise<void>;
}

/**
 * Listens, and hands each connection over, once it is open.
 * @throws {SyncError} If the address can't be had.
 * @throws {UsageError} If the certificate is no good.
 */
export function listenOn(
  options: ListenOnOptions,
  handler: ConnectionHandler,
): Listening {
  const { host, certificate } = options;
  const gate = new Gate({ host, token: options.token, clock: options.clock });
  let connections = 0;
  const server = listenHttp(options, admit, (r) => handler.faltered(r));
  const scheme = certificate === undefined ? "ws" : "wss";
  return {
    host,
    port: server.port,
    url: `${scheme}://${server.authority}`,
    close: () => server.close(),
  };

  function admit(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response {
    const { hostname, port } = info.remoteAddr;
    const refusal = gate.refuse(request, hostname);
    if (refusal !== undefined) {
      const { notice, status, text, headers } = refusal;
      if (notice !== undefined) {
        handler.turnedAway(authority(hostname, port), notice);
      }
      return new Response(`${text}\n`, { status, headers });
    }
    if (connections >= MAX_CONNECTIONS) {
      return new Response("Too many connections\n", {
        status: 503,
        headers: { "retry-after": String(RETRY_AFTER_S) },
      });
    }
    const { response, transport } = upgradeToTransport(request, info);
    if (transport !== undefined) {
      connections++;
      void serve(transport).finally(() => connections--);
    }
    return response;
  }

  async function serve(opening: Promise<Transport>): Promise<void> {
    let transport: Transport;
    try {
      transport = await opening;
    } catch {
      // A connection that breaks before it is open is nobody's loss.
      return;
    }
    try {
      await handler.connected(transport);
    } finally {
      transport.close();
    }
  }
}
