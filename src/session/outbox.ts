/** The sending half of a session: frames, under credit, to the transport. */
import { ProtocolError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import type { ByteWriter } from "../protocol/bytes.ts";
import {
  costsCredit,
  type Frame,
  FrameType,
  putFrameHeader,
} from "../protocol/frame.ts";
import { FrameEncoderStream } from "../protocol/frame_streams.ts";
import { MESSAGE_HEADER_BYTES } from "../protocol/limits.ts";
import { OutgoingCredit } from "./flow_control.ts";
import { frameMessage } from "./handshake.ts";
import type { RateLimit } from "./rate_limit.ts";

/**
 * Bytes that may wait to be sent although no credit is due for them: answers to
 * what the peer cancels, credit, heartbeats. More than this comes only of a peer
 * that asks and cancels faster than it can be answered.
 */
const MAX_FREE_BYTES = 1024 * 1024;

/**
 * A message over 1,024 bytes leaves the socket in two parts, its header first.
 * The second one, unless it is long, waits until the first is acknowledged, which
 * the other end puts off for 40 ms where it has nothing to say. So a message of
 * this many bytes, at least and at most, has an echo go before it: the answer to
 * that acknowledges all, at once, and header and rest leave together.
 */
const MIN_ECHOED_BYTES = 1_000;
const MAX_ECHOED_BYTES = 64 * 1024;

/** The only one that writes to the transport of a session, after the handshake. */
export class Outbox {
  /** What the peer has granted. */
  readonly credit: OutgoingCredit;
  readonly #limit: RateLimit | undefined;
  readonly #encoder = new FrameEncoderStream();
  readonly #frames = this.#encoder.writable.getWriter();
  readonly #messages = this.#encoder.readable.getReader();
  readonly #onSent: (credit: number) => void;
  readonly #onError: (error: unknown) => void;
  readonly #finished: Promise<void>;
  /** Bytes waiting that cost no credit. */
  #free = 0;
  readonly #echoes: boolean;
  /** Whether an echo was asked for and has not come. */
  #isEchoDue = false;

  /**
   * @param window How many unconsumed bytes the peer puts up with.
   * @param events Called for each frame, with the bytes of credit that it took,
   *   and when the transport has failed or more waits to be sent than may.
   * @param options `limit`: frames that cost credit wait for it, others go ahead
   *   of it. `echoes`: the peer can be asked for an echo.
   */
  constructor(
    transport: Transport,
    window: number,
    events: {
      onSent: (credit: number) => void;
      onError: (error: unknown) => void;
    },
    { limit, echoes = false }: {
      readonly limit?: RateLimit | undefined;
      readonly echoes?: boolean;
    } = {},
  ) {
    // Where each byte counts, 40 ms do not.
    this.#echoes = echoes && limit === undefined;
    this.credit = new OutgoingCredit(window, limit);
    this.#limit = limit;
    this.#onSent = events.onSent;
    this.#onError = events.onError;
    this.#finished = this.#writeAll(transport).catch(events.onError);
  }

  /**
   * Sends the frame whose payload stands in `page`, behind room for the headers,
   * when there is credit for it; resolves when `page` may be used again.
   */
  async send(
    page: ByteWriter,
    header: Omit<Frame, "payload">,
    owner: object = this,
  ): Promise<void> {
    const { bytes } = page;
    putFrameHeader(bytes, header);
    const cost = bytes.length - MESSAGE_HEADER_BYTES;
    const isFree = !costsCredit(header.type);
    if (isFree) {
      this.#countFree(cost);
      this.#limit?.force(cost);
    } else {
      const waiting = this.credit.take(cost, owner);
      if (waiting !== undefined) await waiting;
    }
    this.#onSent(isFree ? 0 : cost);
    try {
      await this.#frames.write(bytes);
    } finally {
      if (isFree) this.#free -= cost;
    }
  }

  #countFree(bytes: number): void {
    const before = this.#free;
    this.#free += bytes;
    // Told once: what is said on the way out goes on top.
    if (before <= MAX_FREE_BYTES && this.#free > MAX_FREE_BYTES) {
      this.#onError(
        new ProtocolError("The peer asks for more than it can be answered"),
      );
    }
  }

  /** The peer has sent what an echo may be. */
  echoed(): void {
    this.#isEchoDue = false;
  }

  /** Resolves when the transport has all that was sent; nothing can be sent after it. */
  async flush(): Promise<void> {
    try {
      await this.#frames.close();
    } catch {
      // It failed, or was flushed before.
    }
    await this.#finished;
  }

  /** Drops what was not sent yet. */
  discard(): void {
    this.#messages.cancel().catch(() => {});
  }

  #wantsEcho(bytes: number): boolean {
    return this.#echoes && !this.#isEchoDue &&
      bytes >= MIN_ECHOED_BYTES && bytes <= MAX_ECHOED_BYTES;
  }

  async #writeAll(transport: Transport): Promise<void> {
    const writer = transport.writable.getWriter();
    try {
      // One at a time: when it is asked for the next one, the encoder uses the
      // bytes of this one again.
      for (;;) {
        const { done, value } = await this.#messages.read();
        if (done) return;
        if (this.#wantsEcho(value.length)) {
          this.#isEchoDue = true;
          await writer.write(frameMessage(FrameType.echo, () => {}));
        }
        await writer.write(value);
      }
    } catch (error) {
      this.discard();
      throw error;
    } finally {
      writer.releaseLock();
    }
  }
}
