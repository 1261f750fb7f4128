/** The sending half of a session: frames, under credit, to the transport. */
import type { Transport } from "../net/transport.ts";
import type { ByteWriter } from "../protocol/bytes.ts";
import { costsCredit, type Frame, putFrameHeader } from "../protocol/frame.ts";
import { FrameEncoderStream } from "../protocol/frame_streams.ts";
import { MESSAGE_HEADER_BYTES } from "../protocol/limits.ts";
import { OutgoingCredit } from "./flow_control.ts";

/** The only one that writes to the transport of a session, after the handshake. */
export class Outbox {
  /** What the peer has granted. */
  readonly credit: OutgoingCredit;
  readonly #encoder = new FrameEncoderStream();
  readonly #frames = this.#encoder.writable.getWriter();
  readonly #messages = this.#encoder.readable.getReader();
  readonly #onSent: (credit: number) => void;
  readonly #finished: Promise<void>;

  /**
   * @param window How many unconsumed bytes the peer puts up with.
   * @param events Called for each frame, with the bytes of credit that it took,
   *   and when the transport has failed.
   */
  constructor(
    transport: Transport,
    window: number,
    events: {
      onSent: (credit: number) => void;
      onError: (error: unknown) => void;
    },
  ) {
    this.credit = new OutgoingCredit(window);
    this.#onSent = events.onSent;
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
    const cost = costsCredit(header.type)
      ? bytes.length - MESSAGE_HEADER_BYTES
      : 0;
    if (cost > 0) {
      const waiting = this.credit.take(cost, owner);
      if (waiting !== undefined) await waiting;
    }
    this.#onSent(cost);
    await this.#frames.write(bytes);
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

  async #writeAll(transport: Transport): Promise<void> {
    const writer = transport.writable.getWriter();
    try {
      // One at a time: when it is asked for the next one, the encoder uses the
      // bytes of this one again.
      for (;;) {
        const { done, value } = await this.#messages.read();
        if (done) return;
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
