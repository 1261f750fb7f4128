/**
 * Transport over a WebSocket. The socket's own ways are kept in here: handlers
 * that must never throw, a `close` that comes twice or not at all, messages that
 * arrive whether or not they are read, and errors that are but a sentence.
 */
import { nextTurn } from "../core/turn.ts";
import { messageOf, ProtocolError, TransportError } from "../errors.ts";
import { Arrivals } from "./arrivals.ts";
import type { Transport } from "./transport.ts";

/** Names the protocol in the upgrade request and in its answer. */
export const SUBPROTOCOL = "lockstep.v1";

/** Close code of RFC 6455, section 7.4.1. */
const CLOSED_IN_ORDER = 1000;
/** One of the codes that applications may choose: the peer broke the protocol. */
const CLOSED_AS_BROKEN = 4000;

const CONNECT_TIMEOUT_MS = 30_000;

/** How to connect. */
export interface ConnectOptions {
  /** Sent with the upgrade request. */
  readonly headers?: Readonly<Record<string, string>>;
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
  const socket = new WebSocket(target, {
    protocols: [SUBPROTOCOL],
    headers: { ...options.headers },
  });
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

/** The transport over `socket`, which is open, to somebody called `peer`. */
export function transportOf(socket: WebSocket, peer: string): Transport {
  return new WebSocketTransport(socket, peer);
}

/** The transport over `socket` as soon as that is open. */
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
    socket.onclose = this.#guarded((event) => {
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

/** Answers of a proxy whose receiver is away for the moment. */
const AWAY = new Set(["429", "502", "503", "504"]);

/** What the usual texts mean to people. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/tcp connect error/, "nobody listens there, or it can't be reached"],
  [/dns error/, "the name of the host is not known"],
  [/InvalidContentType/, "it does not speak TLS (ws:// instead of wss://?)"],
];

/**
 * What a failed connection means. Deno tells the HTTP status, and all else, only
 * in the text of the error event.
 */
function connectError(
  peer: string,
  cause: string,
): TransportError | ProtocolError {
  const status = /status code:? (\d{3})/i.exec(cause)?.[1];
  if (status === undefined || AWAY.has(status)) {
    const known = CAUSES.find(([pattern]) => pattern.test(cause))?.[1];
    const reason = status === undefined
      ? known ?? oneLine(cause)
      : `the proxy there answers with HTTP status ${status}`;
    return new TransportError(
      `Cannot connect to ${peer}: ${reason}`,
      "unreachable",
    );
  }
  const hint = status === "401" || status === "403"
    ? "the token is missing or wrong"
    : "not a Lockstep receiver";
  return new ProtocolError(
    `Cannot connect to ${peer}: it answers with HTTP status ${status} (${hint})`,
    "refused",
  );
}

/** Host and port, also where the port is the usual one. */
function hostOf(url: URL): string {
  const port = url.port || (url.protocol === "wss:" ? "443" : "80");
  return `${url.hostname}:${port}`;
}

/** Without the prefix that every such text has. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ")
    .replace(/^(NetworkError: )?failed to connect to WebSocket: /, "")
    .slice(0, 300);
}

/** At most 123 bytes are allowed; a character has up to three. */
function shorten(reason: string): string {
  return reason.slice(0, 40).toWellFormed();
}
