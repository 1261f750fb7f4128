/** Frames to messages, as a stream. */
import { sealMessage } from "./frame.ts";
import { MAX_MESSAGE_BYTES, MESSAGE_HEADER_BYTES } from "./limits.ts";

/** Frames up to this many bytes are packed together; longer ones travel alone. */
const MAX_PACKED_FRAME_BYTES = 32 * 1024;

/**
 * Encoded frames, each behind room for the header of a message, to messages.
 * Nothing is delayed: a frame leaves as soon as somebody reads. Small frames that
 * are written while nobody does are packed into one message; a large one is not
 * copied, its message is made where it stands.
 *
 * The bytes of a frame may be used again once its `write` has resolved. For
 * that, a reader must be done with a message when it asks for the next one; and
 * it must not change or keep it.
 */
export class FrameEncoderStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;

  /**
   * Packed frames, behind room for the header of their message; two buffers, for
   * one of them may be with the reader.
   */
  #pack = new Uint8Array(MAX_PACKED_FRAME_BYTES * 2);
  #other = new Uint8Array(this.#pack.length);
  #packed = MESSAGE_HEADER_BYTES;
  #out!: ReadableStreamDefaultController<Uint8Array>;
  #in!: WritableStreamDefaultController;
  /** The reader waits for a message. */
  #asked = false;
  #cancelled = false;
  /** Called when the reader asked, or has gone. */
  #wake: (() => void) | undefined;

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#out = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason) => this.#cancel(reason),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream({
      start: (controller) => {
        this.#in = controller;
      },
      write: (frame) => this.#write(frame),
      close: () => this.#close(),
      abort: (reason) => this.#out.error(reason),
    });
  }

  async #write(page: Uint8Array): Promise<void> {
    if (page.length > MAX_MESSAGE_BYTES) {
      throw new RangeError(`A message of ${page.length} bytes is too long`);
    }
    const frame = page.subarray(MESSAGE_HEADER_BYTES);
    if (frame.length > MAX_PACKED_FRAME_BYTES) {
      // What was packed goes first, then this frame as it is.
      await this.#until(() => this.#asked && this.#isEmpty);
      this.#give(page);
      await this.#until(() => this.#asked);
      return;
    }
    await this.#until(() => this.#packed + frame.length <= this.#pack.length);
    if (this.#cancelled) return;
    this.#pack.set(frame, this.#packed);
    this.#packed += frame.length;
    if (this.#asked) this.#givePacked();
  }

  /** Whether nothing is packed. */
  get #isEmpty(): boolean {
    return this.#packed === MESSAGE_HEADER_BYTES;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#cancelled) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #pull(): void {
    this.#asked = true;
    if (!this.#isEmpty) this.#givePacked();
    this.#wakeUp();
  }

  #givePacked(): void {
    this.#give(this.#pack.subarray(0, this.#packed));
    [this.#pack, this.#other] = [this.#other, this.#pack];
    this.#packed = MESSAGE_HEADER_BYTES;
  }

  #give(message: Uint8Array): void {
    if (this.#cancelled) return;
    this.#asked = false;
    sealMessage(message);
    this.#out.enqueue(message);
  }

  async #close(): Promise<void> {
    await this.#until(() => this.#isEmpty);
    if (!this.#cancelled) this.#out.close();
  }

  #cancel(reason: unknown): void {
    this.#cancelled = true;
    this.#in.error(reason);
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
