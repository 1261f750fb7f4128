/**
 * The place where a daemon listens: one daemon for each, by a lock that ends with
 * its process. What a killed daemon has left there is taken over under that lock.
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { createHash } from "node:crypto";
import { dirname } from "@std/path";
import { displayPath } from "../core/path.ts";
import { sleep } from "../core/sleep.ts";
import { FileSystemError, messageOf, SyncError } from "../errors.ts";
import { fileSystemError, isNotFound } from "../fs/deno_errors.ts";
import { lockFile } from "../fs/deno_lock.ts";
import type { Lock } from "../fs/file_system.ts";
import { systemClock } from "../session/system_clock.ts";
import { type DaemonPlaces, HAS_SOCKETS } from "./control_address.ts";

/** The system allows no more, and says so in few words. */
const MAX_SOCKET_PATH_BYTES = 103;

/** Requests that are under way get so much time in the end. */
const SHUTDOWN_WITHIN_MS = 1_000;

/** What answers requests. */
export type ControlHandler = (request: Request) => Promise<Response>;

/** Something of the file system, by its numbers. */
interface Identity {
  readonly path: string;
  readonly device: number;
  readonly inode: number | null;
}

/** A place to listen, held by this process. */
export class ControlSocket {
  readonly #path: string;
  readonly #locks: readonly Lock[];
  readonly #server: Deno.HttpServer;
  /** What has to stay in its place as long as it is ours. */
  readonly #ours: readonly Identity[];

  private constructor(
    path: string,
    locks: readonly Lock[],
    server: Deno.HttpServer,
    ours: readonly Identity[],
  ) {
    this.#path = path;
    this.#locks = locks;
    this.#server = server;
    this.#ours = ours;
  }

  /**
   * Locks the places and listens.
   * @throws {SyncError} `busy` if another daemon has them; or if they are not safe.
   */
  static async open(
    places: DaemonPlaces,
    handler: ControlHandler,
  ): Promise<ControlSocket> {
    const { control, state } = places;
    prepareDirectory(state);
    prepareDirectory(dirname(control));
    refuseLongPath(control);
    const lockPaths = [`${state}/daemon.lock`, `${control}.lock`];
    const locks: Lock[] = [];
    try {
      for (const path of lockPaths) locks.push(await lock(path));
      for (const path of lockPaths) noteProcess(path);
      clearPlace(control);
      // Deno would listen there, whatever it is told.
      Deno.env.delete("DENO_SERVE_ADDRESS");
      const server = HAS_SOCKETS
        ? listenAtSocket(control, handler)
        : listenAtPort(control, handler);
      // It throws where the socket is not there.
      const ours = [...lockPaths, control].map(identityOf);
      return new ControlSocket(control, locks, server, ours);
    } catch (error) {
      for (const lock of locks) lock.release();
      throw error;
    }
  }

  /** What is not as it was, so that another daemon may have been started; or undefined. */
  fault(): string | undefined {
    const lost = this.#ours.find((one) => !isInPlace(one));
    if (lost === undefined) return undefined;
    return `${displayPath(lost.path)} is gone, or was replaced`;
  }

  /** Listens no more, and lets the next daemon begin. */
  async close(): Promise<void> {
    const mine = this.#ours.find(({ path }) => path === this.#path)!;
    if (isInPlace(mine)) {
      const waiting = new AbortController();
      // Whoever has said half a request would be waited for.
      await Promise.race([
        this.#server.shutdown(),
        sleep(SHUTDOWN_WITHIN_MS, systemClock, waiting.signal),
      ]);
      waiting.abort();
      // Deno removes a socket by itself.
      if (isInPlace(mine)) Deno.removeSync(this.#path);
    } else {
      // Deno would remove what somebody else has put there.
      this.#server.unref();
    }
    for (const lock of this.#locks) lock.release();
  }
}

/** The process that has noted itself in the lock file of these places, if one has. */
export function noteOfProcess({ state }: DaemonPlaces): string | undefined {
  try {
    const text = Deno.readTextFileSync(`${state}/daemon.lock`).trim();
    return /^\d{1,10}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

async function lock(path: string): Promise<Lock> {
  try {
    return await lockFile({ at: path, shown: path });
  } catch (error) {
    if (!(error instanceof FileSystemError && error.code === "locked")) {
      throw error;
    }
    throw new SyncError("busy", "Another daemon is running already", {
      cause: error,
    });
  }
}

/** The file stays the same one: the lock is on it. */
function noteProcess(path: string): void {
  try {
    Deno.writeTextFileSync(path, `${Deno.pid}\n`);
  } catch (error) {
    throw fileSystemError(error, "write to", path);
  }
}

/** @throws {SyncError} If others may get at what is in it. */
function prepareDirectory(path: string): void {
  let stat: Deno.FileInfo;
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    stat = Deno.statSync(path);
  } catch (error) {
    throw fileSystemError(error, "use the directory", path);
  }
  if (!HAS_SOCKETS) return;
  const shown = displayPath(path);
  if (stat.uid !== Deno.uid()) {
    throw new SyncError("denied", `${shown} belongs to another user`);
  }
  if ((stat.mode! & 0o077) !== 0) {
    throw new SyncError(
      "denied",
      `${shown} is open to other users; mend it with: chmod 700 ${shown}`,
    );
  }
}

function refuseLongPath(path: string): void {
  const bytes = new TextEncoder().encode(path).length;
  if (!HAS_SOCKETS || bytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new SyncError(
    "name-too-long",
    `${
      displayPath(path)
    } is too long for a socket: set XDG_RUNTIME_DIR to a shorter directory`,
  );
}

/** Removes what a killed daemon has left, and nothing else. */
function clearPlace(path: string): void {
  let stat: Deno.FileInfo;
  try {
    stat = Deno.lstatSync(path);
  } catch (error) {
    if (isNotFound(error)) return;
    throw fileSystemError(error, "look at", path);
  }
  const isOurs = HAS_SOCKETS ? stat.isSocket : stat.isFile;
  if (!isOurs) {
    throw new SyncError(
      "exists",
      `${displayPath(path)} is in the way: it is no socket; remove it`,
    );
  }
  Deno.removeSync(path);
}

function listenAtSocket(
  path: string,
  handler: ControlHandler,
): Deno.HttpServer {
  const mask = Deno.umask(0o177);
  try {
    return Deno.serve({ path, onListen: (): void => {} }, handler);
  } catch (error) {
    throw new SyncError(
      "failed",
      `Cannot listen at ${displayPath(path)}: ${messageOf(error)}`,
      { cause: error },
    );
  } finally {
    Deno.umask(mask);
    restrict(path);
  }
}

function restrict(path: string): void {
  try {
    Deno.chmodSync(path, 0o600);
  } catch (error) {
    // Where listening has failed there is nothing.
    if (!isNotFound(error)) throw error;
  }
}

/** The file at `path` says which port, and a token that only its owner can read. */
function listenAtPort(path: string, handler: ControlHandler): Deno.HttpServer {
  const token = crypto.getRandomValues(new Uint8Array(32)).toHex();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: (): void => {} },
    withToken(token, handler),
  );
  const { port } = server.addr as Deno.NetAddr;
  Deno.writeTextFileSync(path, JSON.stringify({ port, token }), {
    createNew: true,
    mode: 0o600,
  });
  return server;
}

/** Answers only who shows `token`, and no web page. */
export function withToken(
  token: string,
  handler: ControlHandler,
): ControlHandler {
  const wanted = digestOf(`Bearer ${token}`);
  return async (request) => {
    const shown = digestOf(request.headers.get("authorization") ?? "");
    const isKnown = timingSafeEqual(wanted, shown);
    if (isKnown && !request.headers.has("origin")) {
      return await handler(request);
    }
    await request.body?.cancel();
    return new Response(null, { status: 401 });
  };
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function identityOf(path: string): Identity {
  const { dev, ino } = Deno.lstatSync(path);
  return { path, device: dev, inode: ino };
}

function isInPlace({ path, device, inode }: Identity): boolean {
  try {
    const now = identityOf(path);
    return now.device === device && now.inode === inode;
  } catch {
    return false;
  }
}
