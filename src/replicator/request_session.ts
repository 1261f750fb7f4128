/**
 * A session made of requests: what the asking side says is gathered and carried
 * as one request when a question is complete, or when no more fits; the answer
 * is in the response. Where that does not hold all of it, the rest is asked for
 * as fast as it is used up.
 */
import type { Outcome } from "../core/outcome.ts";
import { asError, type SyncError, TransportError } from "../errors.ts";
import { ByteReader, type ByteWriter } from "../protocol/bytes.ts";
import { fromWireError } from "../protocol/error_code.ts";
import { type Frame, FrameType } from "../protocol/frame.ts";
import { MAX_PAYLOAD_BYTES } from "../protocol/limits.ts";
import { readError, writeOutcome } from "../protocol/session_codec.ts";
import {
  Exchange,
  type ExchangeHost,
  unexpected,
} from "../session/exchange.ts";
import {
  frameMessage,
  helloMessage,
  type Party,
  type Peer,
  readPeer,
} from "../session/handshake.ts";
import type { AskingSession } from "../session/remote_endpoint.ts";
import { Courier, type CourierOptions } from "./courier.ts";
import { FrameBox } from "./frame_box.ts";
import { CAPABILITIES } from "./party.ts";

/** The other end, in messages. */
const NAME = "the target";

/** The one exchange that is under way. */
interface Open {
  readonly exchange: Exchange;
  /** Frames of the answer that nobody has taken yet. */
  waiting: number;
  /** Nothing more will come, or is wanted. */
  isOver: boolean;
  wake: (() => void) | undefined;
}

/** One conversation with a target. Its owner says {@link bye} or closes it. */
export class RequestSession implements AskingSession {
  readonly name = NAME;
  readonly compression = undefined;
  readonly recipes = false;
  readonly contentFrameBytes: number = MAX_PAYLOAD_BYTES;
  readonly #courier: Courier;
  readonly #box = new FrameBox();
  #peer: Peer | undefined;
  #open: Open | undefined;
  #lastId = 0;

  private constructor(courier: Courier) {
    this.#courier = courier;
  }

  /**
   * Introduces this side.
   * @throws {SyncError} If the target refuses, or could not be reached for too long.
   */
  static async open(
    self: Party,
    options: CourierOptions,
    signal: AbortSignal,
  ): Promise<RequestSession> {
    const courier = new Courier(self.clientId, options);
    const onAbort = (): void => courier.stop(asError(signal.reason));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    try {
      const session = new RequestSession(courier);
      const frames = await courier.carry(helloMessage(self, CAPABILITIES));
      const [hello, more] = frames;
      if (hello === undefined || more !== undefined) throw unexpected(more);
      if (hello.type === FrameType.failed) throw errorIn(hello);
      session.#peer = readPeer(hello, NAME);
      return session;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  get peer(): Peer {
    return this.#peer!;
  }

  /** Whether it is over. */
  get isClosed(): boolean {
    return this.#courier.signal.aborted;
  }

  open(): Exchange {
    this.#courier.signal.throwIfAborted();
    // What an exchange that was broken off has left unsaid is not said any more.
    this.#box.clear();
    const host: ExchangeHost = {
      send: (page, header) => this.#send(page, header, open),
      consumed: () => {
        open.waiting--;
        open.wake?.();
      },
      stopped: () => end(open),
      finished: () => end(open),
    };
    const exchange = new Exchange(++this.#lastId, host);
    const open: Open = {
      exchange,
      waiting: 0,
      isOver: false,
      wake: undefined,
    };
    this.#open = open;
    return exchange;
  }

  /** Says how it ended; resolves when the target has done what is left to do. */
  async bye(outcome: Outcome): Promise<void> {
    if (this.isClosed) return;
    const message = frameMessage(
      FrameType.bye,
      (page) => writeOutcome(page, outcome),
    );
    for (const frame of await this.#courier.carry(message)) {
      if (frame.type === FrameType.failed) throw errorIn(frame);
    }
    this.close();
  }

  /** Ends it, and tells nobody. */
  close(error: Error = new TransportError("The session is closed")): void {
    if (this.isClosed) return;
    this.#courier.stop(error);
    this.#open?.exchange.stop(error);
  }

  async #send(
    page: ByteWriter,
    header: Omit<Frame, "payload">,
    open: Open,
  ): Promise<void> {
    // That this side gives up shows when it asks for something else.
    if (this.#open !== open || header.type === FrameType.cancel) return;
    if (!this.#box.add(page, header)) {
      await this.#request(open);
      open.exchange.signal.throwIfAborted();
      this.#box.add(page, header);
    }
    if (!header.end) return;
    await this.#request(open);
    void this.#fetchRest(open);
  }

  /** Asks for the rest of the answer, each time that what came is used up. */
  async #fetchRest(open: Open): Promise<void> {
    try {
      for (;;) {
        while (open.waiting > 0 && !open.isOver) {
          await new Promise<void>((resolve) => open.wake = resolve);
        }
        if (open.isOver) return;
        await this.#request(open);
      }
    } catch (error) {
      open.exchange.stop(error);
    }
  }

  async #request(open: Open): Promise<void> {
    let frames: Frame[];
    try {
      frames = await this.#courier.carry(this.#box.take());
      for (const frame of frames) this.#deliver(frame, open);
    } catch (error) {
      // Nobody knows what has arrived: to go on, another session is needed.
      this.close(asError(error));
      throw error;
    }
  }

  #deliver(frame: Frame, open: Open): void {
    const { type, exchange } = frame;
    if (exchange === 0) {
      throw type === FrameType.failed ? errorIn(frame) : unexpected(frame);
    }
    if (exchange > this.#lastId) throw unexpected(frame);
    // The rest of an answer that nobody waits for any more.
    if (exchange !== open.exchange.id || open.isOver) return;
    if (type === FrameType.failed || type === FrameType.cancel) {
      open.isOver = true;
      open.exchange.deliverError(errorIn(frame));
      return;
    }
    open.waiting++;
    if (frame.end) open.isOver = true;
    open.exchange.deliver(frame);
  }
}

function end(open: Open): void {
  open.isOver = true;
  open.wake?.();
}

function errorIn(frame: Frame): SyncError {
  const { code, message } = readError(new ByteReader(frame.payload));
  return fromWireError({ code, message: `${NAME}: ${message}` });
}
