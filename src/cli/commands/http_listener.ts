/** A listening socket that speaks HTTP, of `lockstep listen` and `lockstep serve`. */
import type { Clock } from "../../core/clock.ts";
import { messageOf, SyncError } from "../../errors.ts";
import { authority, canonicalHost, isLoopback } from "../../net/host.ts";
import { LastingServer } from "./lasting_server.ts";
import { type Certificate, certificateFault } from "./tls_files.ts";

/** Where to listen. */
export interface HttpListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Undefined: without TLS. */
  readonly certificate?: Certificate | undefined;
  readonly clock: Clock;
}

/** A socket that listens. */
export interface HttpListener {
  readonly port: number;
  /** Host and port, as those who connect write them. */
  readonly authority: string;
  /** Stops listening, and closes the connections that there are. */
  close(): Promise<void>;
}

/**
 * Listens; `onFault` hears when all connections were lost, and why.
 * @throws {SyncError} If the address can't be had.
 * @throws {UsageError} If the certificate is no good.
 */
export function listenHttp(
  options: HttpListenOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  onFault: (reason: string) => void,
): HttpListener {
  const { host, port, clock } = options;
  // They would override where `Deno.serve` listens and what it sends.
  Deno.env.delete("DENO_SERVE_ADDRESS");
  Deno.env.delete("DENO_SERVE_AUTOMATIC_COMPRESSION");
  const server = new LastingServer({
    bind: (port) => bind({ ...options, port }, handler),
    port,
    clock,
    onFault,
  });
  const { addr } = server;
  return {
    port: addr.port,
    authority: authority(reachable(host), addr.port),
    close: () => server.close(),
  };
}

/** Listens just where it was asked to. */
function bind(
  options: HttpListenOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  const { host, port } = options;
  const server = serveHttp(options, handler);
  const { addr } = server;
  if ((port === 0 || addr.port === port) && isAddress(addr.hostname, host)) {
    return server;
  }
  void server.shutdown();
  throw new SyncError(
    "failed",
    `Cannot listen on ${authority(host, port)}: the system listens on ${
      authority(addr.hostname, addr.port)
    } instead`,
  );
}

function serveHttp(
  { host, port, certificate }: HttpListenOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      hostname: host,
      port,
      ...(certificate && { cert: certificate.cert, key: certificate.key }),
      onListen: () => {},
      onError: () => new Response("Internal error\n", { status: 500 }),
    }, handler);
  } catch (error) {
    throw (certificate && certificateFault(error, certificate)) ??
      new SyncError(
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

/**
 * Whether `bound` is what was asked for. A name may become any address, but one
 * that stands for this machine only may not become one that others reach.
 */
function isAddress(bound: string, asked: string): boolean {
  if (isLoopback(asked) && !isLoopback(bound)) return false;
  const wanted = canonicalHost(asked);
  const isLiteral = wanted.startsWith("[") || /^[\d.]+$/.test(wanted);
  return !isLiteral || canonicalHost(bound) === wanted;
}

/** Who listens everywhere is reached by the name of the machine. */
function reachable(host: string): string {
  return host === "0.0.0.0" || canonicalHost(host) === "[::]"
    ? Deno.hostname()
    : host;
}
