/**
 * Transport over a WebSocket. The socket's own ways are kept in here: handlers
 * that must never throw, a `close` that comes twice or not at all, messages that
 * arrive whether or not they are read, and errors that are but a sentence.
 */
import { nextTurn } from "../core/turn.ts";
import { messageOf, ProtocolError, TransportError } from "../errors.ts";
import { Arrivals } from "./arrivals.ts";
import { connectError, hostOf, oneLine } from "./connect_error.ts";
import { bearer } from "./token.ts";
import type { Transport } from "./transport.ts";

/** Names the protocol in the upgrade request and in its answer. */
export const SUBPROTOCOL = "lockstep.v1";

/** Close code of RFC 6455, section 7.4.1. */
const CLOSED_IN_ORDER = 1000;
/** One of the codes that applications may choose: the peer broke the protocol. */
const CLOSED_AS_BROKEN = 4000;

const CONNECT_TIMEOUT_MS = 30_000;

/**
 * Bytes that may wait for the peer to read them. Credit keeps content far below
 * it; what needs no credit (answers to what the peer has cancelled, say) does not
 * pile up either at a peer that reads.
 */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** How to connect. */
export interface ConnectOptions {
  /** Shown to the receiver, see `token.ts`. */
  readonly token?: string;
  /**
   * Certificates in PEM form that are trusted besides those that Deno trusts:
   * Mozilla's, unless DENO_TLS_CA_STORE says otherwise.
   */
  readonly caCerts?: readonly string[];
  /** Gives the connection up before it is made. */
  readonly signal?: AbortSignal;
  /** How long to wait for the connection; 30 s unless said. */
  readonly timeoutMs?: number;
}

/**
 * Connects to a receiver.
 * @throws {TransportError} `unreachable`: there is nobody, or no answer.
 * @throws {ProtocolError} `refused`: somebody answers, but not as a receiver.
 */
export async function connectWebSocket(
  url: string | URL,
  options: ConnectOptions = {},
): Promise<Transport> {
  options.signal?.throwIfAborted();
  const target = new URL(url);
  const peer = hostOf(target);
  const socket = openSocket(target, options);
  const transport = new WebSocketTransport(socket, peer);
  try {
    await transport.opened(options.timeoutMs ?? CONNECT_TIMEOUT_MS, options);
    if (transport.protocol !== SUBPROTOCOL) {
      throw new ProtocolError(
        `Cannot connect to ${peer}: not a Lockstep receiver`,
        "refused",
      );
    }
  } catch (error) {
    transport.close();
    throw error;
  }
  return transport;
}

function openSocket(
  target: URL,
  { token, caCerts }: ConnectOptions,
): WebSocket {
  const client = caCerts && Deno.createHttpClient({ caCerts: [...caCerts] });
  try {
    return new WebSocket(target, {
      protocols: [SUBPROTOCOL],
      headers: token === undefined ? {} : { authorization: bearer(token) },
      ...(client && { client }),
    });
  } finally {
    // The socket has taken what it needs of it.
    client?.close();
  }
}

/** The transport over `socket`, to somebody called `peer`, as soon as that is open. */
export async function whenOpen(
  socket: WebSocket,
  peer: string,
): Promise<Transport> {
  const transport = new WebSocketTransport(socket, peer);
  await transport.opened(CONNECT_TIMEOUT_MS);
  return transport;
}

class WebSocketTransport implements Transport {
  readonly peer: string;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly counts = { sent: 0, received: 0 };
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #in = new Arrivals(() => this.close());
  #out!: WritableStreamDefaultController;
  readonly #opened = Promise.withResolvers<void>();
  #open: boolean;
  #closed = false;

  constructor(socket: WebSocket, peer: string) {
    this.peer = peer;
    this.#socket = socket;
    this.#open = socket.readyState === WebSocket.OPEN;
    if (this.#open) this.#opened.resolve();
    this.#opened.promise.catch(() => {});
    this.readable = this.#in.readable;
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#out = controller;
      },
      write: (message) => this.#send(message),
      close: () => this.close(),
      abort: () => this.close(),
    });
    socket.binaryType = "arraybuffer";
    socket.onopen = this.#guarded(() => {
      this.#open = true;
      this.#opened.resolve();
    });
    socket.onmessage = this.#guarded((event) => this.#receive(event));
    socket.onerror = this.#guarded((event) => {
      const message = event instanceof ErrorEvent ? event.message : "";
      this.#break(message || "the connection broke");
    });
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.closed = closed;
    socket.onclose = this.#guarded((event) => {
      resolve();
      if (event.code === CLOSED_IN_ORDER && this.#open) this.#end();
      else this.#break(event.reason || `the connection broke (${event.code})`);
    });
  }

  /** Resolves when the socket is open. */
  async opened(
    timeoutMs: number,
    options: ConnectOptions = {},
  ): Promise<void> {
    const { signal } = options;
    const { promise, reject } = this.#opened;
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    const timer = setTimeout(() =>
      reject(
        new TransportError(
          `Cannot connect to ${this.peer}: no answer within ${
            timeoutMs / 1000
          } s`,
          "unreachable",
        ),
      ), timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** The subprotocol that the server has chosen; "" for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  close(reason = ""): void {
    this.#end();
    // Allowed at any time; where the socket is closed already, nothing happens.
    this.#socket.close(CLOSED_IN_ORDER, shorten(reason));
  }

  /**
   * The bytes are copied by the socket before this returns. What it resolves
   * with is a turn of the event loop: only then do they leave. Who sends without
   * a pause would otherwise fill the peer's window, while the peer has nothing to do.
   */
  #send(message: Uint8Array): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      throw new TransportError(`The connection to ${this.peer} is closed`);
    }
    if (this.#socket.bufferedAmount > MAX_UNREAD_BYTES) {
      const error = new TransportError(
        `The connection to ${this.peer} is given up: it reads nothing of what it is sent`,
      );
      this.#fail(error);
      this.#socket.close(CLOSED_AS_BROKEN, "nothing was read");
      throw error;
    }
    this.counts.sent += message.length;
    this.#socket.send(message as Uint8Array<ArrayBuffer>);
    return nextTurn();
  }

  #receive(event: MessageEvent): void {
    if (this.#closed) return;
    const data: unknown = event.data;
    if (data instanceof ArrayBuffer) {
      this.counts.received += data.byteLength;
      this.#in.add(new Uint8Array(data));
      return;
    }
    this.#fail(
      new ProtocolError(`${this.peer} sent text where bytes were expected`),
    );
    this.#socket.close(CLOSED_AS_BROKEN, "text message");
  }

  #break(cause: string): void {
    if (!this.#open) {
      this.#opened.reject(connectError(this.peer, cause));
    }
    this.#fail(
      new TransportError(
        `The connection to ${this.peer} was lost: ${oneLine(cause)}`,
      ),
    );
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#in.fail(error);
    this.#out.error(error);
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new TransportError(
      `The connection to ${this.peer} is closed`,
    );
    this.#opened.reject(error);
    this.#in.end();
    this.#out.error(error);
  }

  /** A handler that breaks only this connection when it throws. */
  #guarded<E>(handler: (event: E) => void): (event: E) => void {
    return (event) => {
      try {
        handler(event);
      } catch (error) {
        this.#break(messageOf(error));
      }
    };
  }
}

/** At most 123 bytes are allowed; a character has up to three. */
function shorten(reason: string): string {
  return reason.slice(0, 40).toWellFormed();
}
