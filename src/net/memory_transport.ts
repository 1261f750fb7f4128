/**
 * Transport in memory: a connected pair, with faults on request, for tests and
 * for a sync within one process.
 */
import { TransportError } from "../errors.ts";
import { Arrivals } from "./arrivals.ts";
import type { Transport } from "./transport.ts";

/** What goes wrong on the way in one direction. */
export interface MemoryFaults {
  /** The connection breaks instead of delivering message number `n`, from 0. */
  readonly cutAtMessage?: number;
  /** The connection breaks instead of delivering the message with this byte, from 0. */
  readonly cutAtByte?: number;
  /** From this message on, from 0, nothing arrives any more; nobody is told. */
  readonly dropFromMessage?: number;
  /** This bit, counted from 0 over all messages, arrives the wrong way round. */
  readonly flipBit?: number;
  /** Each message arrives when this has resolved. */
  readonly delay?: () => Promise<void>;
}

/** Faults of a pair; the first end's messages go `there`. */
export interface MemoryTransportOptions {
  /** Of what the first end sends. */
  readonly there?: MemoryFaults;
  /** Of what the second end sends. */
  readonly back?: MemoryFaults;
}

/** Two ends of one connection. */
export function memoryTransports(
  options: MemoryTransportOptions = {},
): [Transport, Transport] {
  const first = new MemoryTransport("memory:2", options.there ?? {});
  const second = new MemoryTransport("memory:1", options.back ?? {});
  first.connect(second);
  second.connect(first);
  return [first, second];
}

class MemoryTransport implements Transport {
  readonly peer: string;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly counts = { sent: 0, received: 0 };
  readonly closed: Promise<void>;
  readonly #faults: MemoryFaults;
  #other!: MemoryTransport;
  readonly #in = new Arrivals(() => this.close());
  #out!: WritableStreamDefaultController;
  #resolveClosed!: () => void;
  #messages = 0;
  #closed = false;

  constructor(peer: string, faults: MemoryFaults) {
    this.peer = peer;
    this.#faults = faults;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.readable = this.#in.readable;
    this.writable = new WritableStream({
      start: (controller) => {
        this.#out = controller;
      },
      write: (message) => this.#send(message),
      close: () => this.close(),
      abort: () => this.close(),
    });
  }

  connect(other: MemoryTransport): void {
    this.#other = other;
  }

  close(): void {
    this.#end();
    this.#other.#end();
  }

  async #send(original: Uint8Array): Promise<void> {
    const { cutAtMessage, cutAtByte, dropFromMessage, flipBit, delay } =
      this.#faults;
    const message = original.slice();
    const number = this.#messages++;
    const start = this.counts.sent;
    this.counts.sent += message.length;
    if (delay !== undefined) await delay();
    if (
      number === cutAtMessage ||
      (cutAtByte !== undefined && cutAtByte < this.counts.sent)
    ) {
      const error = new TransportError("The connection was cut");
      this.#other.#break(error);
      this.#break(error);
      return;
    }
    if (dropFromMessage !== undefined && number >= dropFromMessage) return;
    if (flipBit !== undefined) {
      const at = Math.floor(flipBit / 8) - start;
      if (at >= 0 && at < message.length) message[at]! ^= 1 << flipBit % 8;
    }
    this.#other.#receive(message);
  }

  #receive(message: Uint8Array): void {
    if (this.#closed) return;
    this.counts.received += message.length;
    this.#in.add(message);
  }

  #break(error: TransportError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resolveClosed();
    this.#in.fail(error);
    this.#out.error(error);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resolveClosed();
    this.#in.end();
    this.#out.error(new TransportError("The connection is closed"));
  }
}
