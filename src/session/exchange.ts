/**
 * An exchange: one question and its answer, within a session. Each direction is a
 * sequence of frames, and is closed by one that has END, or by `failed` or
 * `cancel`. Where the other direction is still open then, it is closed as well:
 * its sender answers with `cancel`, and what is on its way until then is dropped.
 */
import { ProtocolError, type SyncError, TransportError } from "../errors.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import { toWireError } from "../protocol/error_code.ts";
import { type Frame, frameName, FrameType } from "../protocol/frame.ts";
import { PAGE_HEADER_BYTES } from "../protocol/limits.ts";
import { writeError } from "../protocol/session_codec.ts";

/** What an exchange needs of its session. */
export interface ExchangeHost {
  /**
   * Sends the frame whose payload stands in `page` behind room for the headers;
   * resolves when `page` may be used again. Waits for credit where that is due.
   */
  send(
    page: ByteWriter,
    header: Omit<Frame, "payload">,
    owner: Exchange,
  ): Promise<void>;
  /** A frame with this much payload was dealt with. */
  consumed(payloadBytes: number): void;
  /** Nobody works with the exchange any more: what it was about to send is dropped. */
  stopped(exchange: Exchange, error: unknown): void;
  /** Both directions are closed. */
  finished(exchange: Exchange): void;
}

/** One exchange, as one side sees it. Whoever opened or took it brings it to its end. */
export class Exchange {
  readonly id: number;
  /** The payload of the frame that {@link send} will send is written in here. */
  readonly page: ByteWriter = new ByteWriter();
  /**
   * Called before this side fails the exchange: what waits to be sent goes then,
   * because a cancel can't be the first that is heard of an exchange.
   */
  beforeFailing: (() => void) | undefined;
  readonly #host: ExchangeHost;
  readonly #abort = new AbortController();
  /** Frames that have arrived, from `#head` on. */
  #queue: Frame[] = [];
  #head = 0;
  /** Length of the payload that the consumer has; it may free the bytes. */
  #heldBytes: number | undefined;
  #wake: (() => void) | undefined;
  #drains = false;
  /** Why the connection was lost, while what arrived before is still received. */
  #lost: TransportError | undefined;
  #incomingClosed = false;
  #outgoingClosed = false;

  constructor(id: number, host: ExchangeHost) {
    this.id = id;
    this.#host = host;
    this.page.reset();
    this.page.skip(PAGE_HEADER_BYTES);
  }

  /** Aborted when the exchange fails, at either side; the reason is the error. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * What has arrived is not lost with the connection: it is received first, and
   * only then does the exchange fail.
   */
  drainWhenLost(): void {
    this.#drains = true;
  }

  /** Sends what was written into {@link page}, and clears it. */
  async send(type: FrameType, options: { end: boolean }): Promise<void> {
    this.#failIfLost();
    this.signal.throwIfAborted();
    const { end } = options;
    await this.#host.send(this.page, { type, exchange: this.id, end }, this);
    this.page.reset(PAGE_HEADER_BYTES);
    if (!end) return;
    this.#outgoingClosed = true;
    this.#finishIfClosed();
  }

  /**
   * Sends records in as many frames as they need, the last of which has END
   * unless `end` is false. `write` yields whenever the page is full.
   */
  async sendPages(
    type: FrameType,
    write: (page: ByteWriter) => Iterable<void>,
    options: { end: boolean } = { end: true },
  ): Promise<void> {
    for (const _ of write(this.page)) await this.send(type, { end: false });
    if (options.end || this.page.length > PAGE_HEADER_BYTES) {
      await this.send(type, options);
    }
  }

  /**
   * The next frame, or undefined after the last one. Asking for it says that the
   * one before is done with, so that the peer may send as much again.
   * @throws {SyncError} What the peer says has failed, or why the session ended.
   */
  async receive(): Promise<Frame | undefined> {
    this.#releaseHeld();
    for (;;) {
      this.signal.throwIfAborted();
      const frame = this.#queue[this.#head];
      if (frame !== undefined) {
        this.#head++;
        if (this.#head === this.#queue.length) {
          this.#queue = [];
          this.#head = 0;
        }
        if (frame.end) this.#host.consumed(frame.payload.length);
        else this.#heldBytes = frame.payload.length;
        return frame;
      }
      if (this.#incomingClosed) return undefined;
      if (this.#failIfLost()) continue;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The type of the next frame, which stays; one has arrived already. */
  peek(): FrameType {
    const frame = this.#queue[this.#head];
    if (frame === undefined) throw unexpected(frame);
    return frame.type;
  }

  /** All frames to come, which must be of these types. */
  async *frames(...types: FrameType[]): AsyncGenerator<Frame> {
    for (;;) {
      const frame = await this.receive();
      if (frame === undefined) return;
      if (!types.includes(frame.type)) throw unexpected(frame);
      yield frame;
    }
  }

  /** Reads the only frame of a direction, which must be of this type. */
  async receiveOnly(type: FrameType): Promise<ByteReader> {
    const frame = await this.receive();
    if (frame === undefined || frame.type !== type || !frame.end) {
      throw unexpected(frame);
    }
    return new ByteReader(frame.payload);
  }

  /**
   * Ends the exchange, and tells the peer why. What still arrives is dropped.
   * Nothing happens where it is over already.
   */
  fail(error: unknown, type: "failed" | "cancel" = "failed"): void {
    if (this.signal.aborted || (this.#incomingClosed && this.#outgoingClosed)) {
      return;
    }
    this.beforeFailing?.();
    this.#outgoingClosed = true;
    this.#stop(error);
    this.#tell(type, error);
    this.#finishIfClosed();
  }

  /** The session hands over a frame. @throws {ProtocolError} After the last one. */
  deliver(frame: Frame): void {
    if (this.#incomingClosed) {
      throw new ProtocolError(
        `A ${
          frameName(frame.type)
        } frame came after the end of exchange ${this.id}`,
      );
    }
    if (frame.end) this.#incomingClosed = true;
    if (this.signal.aborted) {
      this.#host.consumed(frame.payload.length);
    } else {
      this.#queue.push(withoutMessage(frame));
      this.#wakeUp();
    }
    if (frame.end) this.#finishIfClosed();
  }

  /** The session hands over the peer's `failed` or `cancel`. */
  deliverError(error: SyncError): void {
    this.#incomingClosed = true;
    this.#stop(error);
    if (!this.#outgoingClosed) {
      this.#outgoingClosed = true;
      this.#tell("cancel", error);
    }
    this.#finishIfClosed();
  }

  /** The session is over: fails whoever works with this exchange. */
  stop(error: unknown): void {
    if (this.#drains && isLostConnection(error)) {
      this.#lost = error;
      this.#wakeUp();
    } else {
      this.#stop(error);
    }
  }

  #stop(error: unknown): void {
    if (this.signal.aborted) return;
    this.#abort.abort(error);
    for (let i = this.#head; i < this.#queue.length; i++) {
      this.#host.consumed(this.#queue[i]!.payload.length);
    }
    this.#queue = [];
    this.#head = 0;
    this.#releaseHeld();
    this.#host.stopped(this, error);
    this.#wakeUp();
  }

  /** Nothing is left that arrived before the connection was lost. */
  #failIfLost(): boolean {
    if (this.#lost === undefined) return false;
    this.#stop(this.#lost);
    return true;
  }

  #tell(type: "failed" | "cancel", error: unknown): void {
    const page = new ByteWriter(256);
    page.skip(PAGE_HEADER_BYTES);
    writeError(page, toWireError(error));
    const header = { type: FrameType[type], exchange: this.id, end: false };
    this.#host.send(page, header, this).catch(() => {
      // The session has ended: nobody needs to be told any more.
    });
  }

  #finishIfClosed(): void {
    if (this.#incomingClosed && this.#outgoingClosed) this.#host.finished(this);
  }

  #releaseHeld(): void {
    const bytes = this.#heldBytes;
    this.#heldBytes = undefined;
    if (bytes !== undefined) this.#host.consumed(bytes);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/**
 * `frame`, free of the message it came in where that is mostly something else: a
 * frame that waits must not hold more memory than its peer has paid credit for.
 */
function withoutMessage(frame: Frame): Frame {
  const { payload } = frame;
  if (payload.byteLength * 2 >= payload.buffer.byteLength) return frame;
  return { ...frame, payload: payload.slice() };
}

function isLostConnection(error: unknown): error is TransportError {
  return error instanceof TransportError && error.code === "connection-lost";
}

/** A frame that has no place there. */
export function unexpected(frame: Frame | undefined): ProtocolError {
  const what = frame === undefined
    ? "The peer ended an exchange too early"
    : `A ${frameName(frame.type)} frame is out of place`;
  return new ProtocolError(what);
}

/** Cancels `exchange` when `signal` says so; the answer ends that. */
export function cancelOn(
  signal: AbortSignal | undefined,
  exchange: Exchange,
): () => void {
  if (signal === undefined) return () => {};
  const cancel = (): void => exchange.fail(signal.reason, "cancel");
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel);
  return () => signal.removeEventListener("abort", cancel);
}
