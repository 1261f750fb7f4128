/** Both halves of a session's credit; the arithmetic is in `protocol/credit.ts`. */
import { grantCredit, takeCredit } from "../protocol/credit.ts";

/** What we may send. Who lacks credit waits in line. */
export class OutgoingCredit {
  readonly #window: number;
  #available: number;
  #waiting: {
    readonly bytes: number;
    readonly owner: object;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];

  /** @param window What the peer puts up with, in bytes. */
  constructor(window: number) {
    this.#window = window;
    this.#available = window;
  }

  /** Whether somebody waits for the peer to grant. */
  get exhausted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes `bytes`; undefined says that they were there at once. */
  take(bytes: number, owner: object): Promise<void> | undefined {
    if (this.#waiting.length === 0 && bytes <= this.#available) {
      this.#available -= bytes;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, owner, resolve, reject });
    });
  }

  /** The peer grants `bytes`. @throws {ProtocolError} See {@link grantCredit}. */
  grant(bytes: number): void {
    this.#available = grantCredit(this.#available, bytes, this.#window);
    this.#serve();
  }

  /** Sends away those of `owner` who wait, or all. */
  fail(error: unknown, owner?: object): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (owner === undefined || waiter.owner === owner) waiter.reject(error);
      else this.#waiting.push(waiter);
    }
    // Those behind may have enough now.
    if (this.#waiting.length > 0) this.#serve();
  }

  #serve(): void {
    let served = 0;
    for (const { bytes, resolve } of this.#waiting) {
      if (bytes > this.#available) break;
      this.#available -= bytes;
      served++;
      resolve();
    }
    this.#waiting.splice(0, served);
  }
}

/** What the peer may send. */
export class IncomingCredit {
  /** Grants are collected up to this many bytes. */
  readonly #batch: number;
  readonly #grant: (bytes: number) => void;
  #open: number;
  #due = 0;

  /**
   * @param window What we put up with, in bytes.
   * @param grant Tells the peer.
   */
  constructor(window: number, grant: (bytes: number) => void) {
    this.#open = window;
    this.#batch = window / 16;
    this.#grant = grant;
  }

  /** `bytes` have arrived. @throws {ProtocolError} See {@link takeCredit}. */
  arrived(bytes: number): void {
    this.#open = takeCredit(this.#open, bytes);
  }

  /** `bytes` that had arrived are done with. */
  consumed(bytes: number): void {
    this.#due += bytes;
    if (this.#due < this.#batch) return;
    const due = this.#due;
    this.#due = 0;
    this.#open += due;
    this.#grant(due);
  }
}
