/** What has arrived at a transport and was not read yet. */

/**
 * Messages as a stream. What has arrived is still read when the connection
 * breaks: the error comes after it, where a stream's own would take its place.
 */
export class Arrivals {
  readonly readable: ReadableStream<Uint8Array>;
  #messages!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;
  #error: Error | undefined;

  /** @param onCancel Called when nobody wants to read any more. */
  constructor(onCancel: () => void) {
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#messages = controller;
      },
      pull: () => this.#failIfEmpty(),
      cancel: () => {
        this.#open = false;
        onCancel();
      },
    });
  }

  /** A message has arrived; after the end it is dropped. */
  add(message: Uint8Array): void {
    if (this.#open) this.#messages.enqueue(message);
  }

  /** There will be no more: the connection was closed in order. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#messages.close();
  }

  /** There will be no more, because of `error`. */
  fail(error: Error): void {
    if (!this.#open) return;
    this.#open = false;
    this.#error = error;
    this.#failIfEmpty();
  }

  #failIfEmpty(): void {
    // A stream that holds anything wants no more.
    const isEmpty = (this.#messages.desiredSize ?? 0) > 0;
    if (this.#error !== undefined && isEmpty) this.#messages.error(this.#error);
  }
}
