/** The exchanges of a session that are not over, at both sides' asking. */
import { ProtocolError } from "../errors.ts";
import { type Frame, frameName, isQuestion } from "../protocol/frame.ts";
import { MAX_EXCHANGES } from "../protocol/limits.ts";
import { Exchange, type ExchangeHost, unexpected } from "./exchange.ts";

/** Finds, opens and forgets exchanges. */
export class ExchangeTable {
  readonly #host: ExchangeHost;
  readonly #role: "client" | "server";
  readonly #open = new Map<number, Exchange>();
  #nextId: number;
  #lastForeignId = 0;
  /** Exchanges of the peer that nobody has taken yet. */
  #asked: Exchange[] = [];

  constructor(
    role: "client" | "server",
    host: Omit<ExchangeHost, "finished">,
  ) {
    this.#role = role;
    this.#nextId = role === "client" ? 1 : 2;
    this.#host = {
      ...host,
      finished: (exchange) => this.#forget(exchange),
    };
  }

  /** Opens an exchange of our own. */
  open(): Exchange {
    const exchange = new Exchange(this.#nextId, this.#host);
    this.#nextId += 2;
    this.#open.set(exchange.id, exchange);
    return exchange;
  }

  /**
   * The exchange that `frame` belongs to; a question of the peer opens one.
   * @throws {ProtocolError} If it belongs to none, or the peer must not ask.
   */
  find(frame: Frame): Exchange {
    const { exchange: id, type } = frame;
    const open = this.#open.get(id);
    if (open !== undefined) return open;
    if (id === 0 || !this.#isForeign(id) || id <= this.#lastForeignId) {
      throw new ProtocolError(
        `A ${frameName(type)} frame belongs to no exchange`,
      );
    }
    if (this.#role === "client" || !isQuestion(type)) throw unexpected(frame);
    if (this.#open.size >= MAX_EXCHANGES) {
      throw new ProtocolError("Too many questions are open at once");
    }
    const exchange = new Exchange(id, this.#host);
    this.#lastForeignId = id;
    this.#open.set(id, exchange);
    this.#asked.push(exchange);
    return exchange;
  }

  /** Whether there was an exchange `id`, and it has ended at this side. */
  isOver(id: number): boolean {
    if (this.#open.has(id)) return false;
    return this.#isForeign(id) ? id <= this.#lastForeignId : id < this.#nextId;
  }

  /** The next exchange of the peer that nobody has taken yet. */
  takeAsked(): Exchange | undefined {
    return this.#asked.shift();
  }

  /** Fails all exchanges; the peer is not told. */
  stopAll(error: unknown): void {
    for (const exchange of this.#open.values()) exchange.stop(error);
    this.#open.clear();
    this.#asked = [];
  }

  /**
   * What is over before anybody took it is not kept: else a peer that asks and
   * cancels, again and again, fills the memory.
   */
  #forget(exchange: Exchange): void {
    this.#open.delete(exchange.id);
    const at = this.#asked.indexOf(exchange);
    if (at >= 0) this.#asked.splice(at, 1);
  }

  #isForeign(id: number): boolean {
    return id % 2 !== this.#nextId % 2;
  }
}
