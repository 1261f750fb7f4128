/** Both halves of a session's credit; the arithmetic is in `protocol/credit.ts`. */
import type { RateLimit } from "./rate_limit.ts";
import { grantCredit, takeCredit } from "../protocol/credit.ts";

/** What we may send. Who lacks credit waits in line, and who is too early. */
export class OutgoingCredit {
  readonly #window: number;
  readonly #limit: RateLimit | undefined;
  #available: number;
  #waiting: {
    readonly bytes: number;
    readonly owner: object;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];

  /**
   * @param window What the peer puts up with, in bytes.
   * @param limit How fast it may be used; it stays with its owner.
   */
  constructor(window: number, limit?: RateLimit) {
    this.#window = window;
    this.#limit = limit;
    this.#available = window;
  }

  /** Whether somebody waits for the peer to grant. */
  get exhausted(): boolean {
    const [first] = this.#waiting;
    return first !== undefined && first.bytes > this.#available;
  }

  /** Takes `bytes`; undefined says that they were there at once. */
  take(bytes: number, owner: object): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#mayGo(bytes)) {
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
      if (!this.#mayGo(bytes)) break;
      this.#available -= bytes;
      served++;
      resolve();
    }
    this.#waiting.splice(0, served);
  }

  /** Where it is too early, those who wait are served in time. */
  #mayGo(bytes: number): boolean {
    if (bytes > this.#available) return false;
    return this.#limit?.take(bytes, () => this.#serve()) ?? true;
  }
}

/** What the peer may send. */
export class IncomingCredit {
  /** Grants are collected up to this many bytes. */
  readonly #batch: number;
  readonly #grant: (bytes: number) => void;
  readonly #limit: RateLimit | undefined;
  #open: number;
  #due = 0;

  /**
   * @param window What we put up with, in bytes.
   * @param grant Tells the peer.
   * @param limited How fast that may be: `batch` bytes at a time.
   */
  constructor(
    window: number,
    grant: (bytes: number) => void,
    limited?: { readonly limit: RateLimit; readonly batch: number },
  ) {
    this.#open = window;
    this.#batch = Math.min(window / 16, limited?.batch ?? Infinity);
    this.#grant = grant;
    this.#limit = limited?.limit;
  }

  /** `bytes` have arrived. @throws {ProtocolError} See {@link takeCredit}. */
  arrived(bytes: number): void {
    this.#open = takeCredit(this.#open, bytes);
  }

  /** `bytes` that had arrived are done with. */
  consumed(bytes: number): void {
    this.#due += bytes;
    this.#grantDue();
  }

  #grantDue(): void {
    while (this.#due >= this.#batch) {
      const due = this.#limit === undefined ? this.#due : this.#batch;
      if (this.#limit?.take(due, () => this.#grantDue()) === false) return;
      this.#due -= due;
      this.#open += due;
      this.#grant(due);
    }
  }
}
