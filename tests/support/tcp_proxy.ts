/**
 * A TCP proxy that stands between the two ends: it counts what passes, and does
 * on request what bad networks do.
 */
import { until } from "./until.ts";

const READ_BYTES = 64 * 1024;

/** What happens to the bytes that pass in one direction of one connection. */
export interface LaneFaults {
  /** The connection breaks after this many bytes. */
  readonly cutAfter?: number;
  /** After this many bytes nothing passes any more; the connection stays open. */
  readonly stallAfter?: number;
  /** One bit of the byte at this offset is wrong. */
  readonly flipAt?: number;
  /** Every byte comes this much later. */
  readonly delayMs?: number;
  /** Looked at for each piece: a test may change it on the way. */
  readonly bytesPerSecond?: number;
  /** Hears what passes, piece by piece, before the other end does. */
  readonly onBytes?: (bytes: Uint8Array) => void;
}

/** What happens to one connection. */
export interface ConnectionFaults {
  readonly toServer?: LaneFaults;
  readonly toClient?: LaneFaults;
}

/** A running proxy; its owner disposes of it, which ends its connections. */
export class TcpProxy implements AsyncDisposable {
  readonly url: string;
  /** Bytes passed on so far, over all connections. */
  readonly counts = { toServer: 0, toClient: 0, connections: 0 };
  /** Where new connections go. */
  serverPort: number;
  readonly #faultsOf: (connection: number) => ConnectionFaults;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #work = new Set<Promise<void>>();

  /** `faultsOf` is asked once for each connection, which count from 0. */
  constructor(
    serverPort: number,
    faultsOf: (connection: number) => ConnectionFaults =
      (): ConnectionFaults => ({}),
  ) {
    this.serverPort = serverPort;
    this.#faultsOf = faultsOf;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `ws://127.0.0.1:${this.#listener.addr.port}`;
    this.#run(this.#accept());
  }

  /** Breaks all connections that there are now. */
  cut(): void {
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  /** Waits until this many bytes have gone to the server. */
  async passed(bytes: number): Promise<void> {
    await until(
      `${bytes} bytes to the server, there were ${this.counts.toServer}`,
      () => this.counts.toServer >= bytes,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #run(work: Promise<void>): void {
    this.#work.add(work);
    work.finally(() => this.#work.delete(work));
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.#open.add(client);
      this.#run(this.#serve(client, this.counts.connections++));
    }
  }

  async #serve(client: Deno.TcpConn, number: number): Promise<void> {
    const faults = this.#faultsOf(number);
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.serverPort,
      });
    } catch {
      this.#close(client);
      return;
    }
    this.#open.add(server);
    client.setNoDelay(true);
    server.setNoDelay(true);
    try {
      await Promise.all([
        this.#pump(client, server, "toServer", faults.toServer ?? {}),
        this.#pump(server, client, "toClient", faults.toClient ?? {}),
      ]);
    } finally {
      this.#close(client);
      this.#close(server);
    }
  }

  /** Passes bytes on until an end closes or breaks; a break ends both lanes. */
  async #pump(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    lane: "toServer" | "toClient",
    faults: LaneFaults,
  ): Promise<void> {
    const { cutAfter = Infinity, stallAfter = Infinity, flipAt = -1 } = faults;
    const { delayMs = 0 } = faults;
    let taken = 0;
    let free = performance.now();
    // What waits for its time; only a delay makes this more than one write.
    let writing = Promise.resolve();
    const pass = async (bytes: Uint8Array, due: number) => {
      await sleepUntil(due);
      await writeAll(to, bytes);
      this.counts[lane] += bytes.length;
    };
    try {
      for (;;) {
        const buffer = new Uint8Array(READ_BYTES);
        const length = await from.read(buffer);
        if (length === null) break;
        if (taken <= flipAt && flipAt < taken + length) {
          buffer[flipAt - taken]! ^= 0x10;
        }
        const bytes = buffer.subarray(0, Math.min(length, cutAfter - taken));
        faults.onBytes?.(bytes);
        taken += length;
        const { bytesPerSecond = Infinity } = faults;
        free = Math.max(free, performance.now()) +
          length / bytesPerSecond * 1000;
        await sleepUntil(free);
        if (taken > stallAfter) continue;
        const due = performance.now() + delayMs;
        writing = writing.then(() => pass(bytes, due));
        if (delayMs === 0) await writing;
        if (taken >= cutAfter) {
          await writing;
          throw new Error("The connection is cut on purpose");
        }
      }
      await writing;
      await to.closeWrite();
    } catch {
      this.#close(from);
      this.#close(to);
      await writing.catch(() => {});
    }
  }

  #close(connection: Deno.TcpConn): void {
    this.#open.delete(connection);
    close(connection);
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** A timer is late by some milliseconds: what is nearly due does not wait. */
async function sleepUntil(time: number): Promise<void> {
  const ms = time - performance.now();
  if (ms > 5) await new Promise((resolve) => setTimeout(resolve, ms));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
