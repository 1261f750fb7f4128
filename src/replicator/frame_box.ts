/** Frames that wait to be carried together, in one message of bounded size. */
import { ByteWriter } from "../protocol/bytes.ts";
import { type Frame, putFrameHeader, sealMessage } from "../protocol/frame.ts";
import { MAX_MESSAGE_BYTES, MESSAGE_HEADER_BYTES } from "../protocol/limits.ts";

/** Collects frames; whoever carries them takes them as one message. */
export class FrameBox {
  readonly #message = new ByteWriter();

  constructor() {
    this.clear();
  }

  get isEmpty(): boolean {
    return this.#message.length === MESSAGE_HEADER_BYTES;
  }

  /**
   * Adds the frame whose payload stands in `page` behind room for the headers:
   * false where there is no room for it beside the others.
   */
  add(page: ByteWriter, header: Omit<Frame, "payload">): boolean {
    putFrameHeader(page.bytes, header);
    const frame = page.bytes.subarray(MESSAGE_HEADER_BYTES);
    if (this.#message.length + frame.length > MAX_MESSAGE_BYTES) return false;
    this.#message.raw(frame);
    return true;
  }

  /** All frames as a message, whose bytes are the caller's; empty if there are none. */
  take(): Uint8Array {
    if (this.isEmpty) return new Uint8Array();
    sealMessage(this.#message.bytes);
    const message = this.#message.bytes.slice();
    this.clear();
    return message;
  }

  /** Forgets them. */
  clear(): void {
    this.#message.reset();
    this.#message.skip(MESSAGE_HEADER_BYTES);
  }
}
