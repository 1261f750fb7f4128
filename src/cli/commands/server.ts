/** The listening socket of `lockstep listen`, and who may come in. */
import { messageOf, SyncError } from "../../errors.ts";
import type { Transport } from "../../net/transport.ts";
import { upgradeToTransport } from "../../net/upgrade.ts";

/** A socket that listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  /** What a sender connects to. */
  readonly url: string;
  /** Stops listening; connections that are upgraded go on. */
  close(): Promise<void>;
}

/**
 * Listens, and hands each connection over, once it is open.
 * @throws {SyncError} If the address can't be had.
 */
export function listenOn(
  { host, port }: { readonly host: string; readonly port: number },
  onTransport: (transport: Transport) => void | Promise<void>,
): Listening {
  const server = bind(host, port, (request, info) => {
    const stranger = faultOfSender(request, host);
    if (stranger !== undefined) {
      return new Response(`${stranger}\n`, { status: 403 });
    }
    const { response, transport } = upgradeToTransport(request, info);
    // A connection that breaks before it is open is nobody's loss.
    transport?.then(onTransport, () => {});
    return response;
  });
  const { addr } = server;
  if (port !== 0 && addr.port !== port || !isAddress(addr.hostname, host)) {
    server.shutdown();
    throw new SyncError(
      "failed",
      `Cannot listen on ${authority(host, port)}: the system listens on ${
        authority(addr.hostname, addr.port)
      } instead`,
    );
  }
  return {
    host,
    port: addr.port,
    url: `ws://${authority(reachable(host), addr.port)}`,
    close: () => server.shutdown(),
  };
}

/** Whether only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") ||
    /^127\.\d+\.\d+\.\d+$/.test(host) || canonical(host) === "[::1]";
}

/**
 * Why whoever sent `request` may not connect. A browser must not reach the
 * receiver: it names its page's origin, and where a page's own name was made to
 * point to this machine (DNS rebinding), it names that as the host.
 */
function faultOfSender(request: Request, host: string): string | undefined {
  if (request.headers.has("origin")) {
    return "Web pages can't connect to a Lockstep receiver";
  }
  const { hostname } = new URL(request.url);
  if (isLoopback(host) && !isLoopback(hostname)) {
    return "This Lockstep receiver listens for this machine only; a proxy in " +
      `front of it must set the header "Host: ${bracketed(host)}"`;
  }
  return undefined;
}

function bind(
  host: string,
  port: number,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname: host,
      port,
      onListen: () => {},
      onError: () => new Response("Internal error\n", { status: 500 }),
    }, handler);
  } catch (error) {
    throw new SyncError(
      "failed",
      `Cannot listen on ${authority(host, port)}: ${bindFault(error)}`,
      { cause: error },
    );
  }
}

function bindFault(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return "this machine does not have that address";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "not permitted (ports below 1024 need extra rights)";
  }
  return messageOf(error);
}

/** Whether `bound` is what was asked for; a name may become any address. */
function isAddress(bound: string, asked: string): boolean {
  const wanted = canonical(asked);
  const isLiteral = wanted.startsWith("[") || /^[\d.]+$/.test(wanted);
  return !isLiteral || canonical(bound) === wanted;
}

/** An address as URLs have it: IPv6 in brackets and in its short form. */
function canonical(host: string): string {
  return URL.parse(`ws://${bracketed(host)}`)?.hostname ?? host;
}

/** Who listens everywhere is reached by the name of the machine. */
function reachable(host: string): string {
  return host === "0.0.0.0" || canonical(host) === "[::]"
    ? Deno.hostname()
    : host;
}

function authority(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
