/**
 * Keeps a session alive and notices when the peer is gone: a broken connection
 * may never be reported by the socket.
 */
import type { Clock } from "../core/clock.ts";

/** A ping is sent after this long without any other frame. */
const PING_AFTER_MS = 5_000;

/** The peer is dead after this long without any frame. */
const DEAD_AFTER_MS = 15_000;

/** Nobody has to wait longer than this for a peer that is alive but takes nothing. */
const STALLED_AFTER_MS = 300_000;

const TICK_MS = 1_000;

/** A tick that comes this late says that our own process was stopped. */
const LATE_MS = 2_000;

/** What a heartbeat asks and tells. */
export interface Heart {
  sendPing(): void;
  /** Whether somebody waits for the peer to take what was sent. */
  waiting(): boolean;
  /** Called at most once. */
  onDead(reason: string): void;
}

/** The heartbeat of one session; its owner stops it. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #heart: Heart;
  #cancel: () => void;
  #ticked: number;
  #sent: number;
  #heard: number;
  /** Since when nothing was taken that waits; kept up to date while nothing does. */
  #progressed: number;

  constructor(clock: Clock, heart: Heart) {
    this.#clock = clock;
    this.#heart = heart;
    this.#ticked =
      this.#sent =
      this.#heard =
      this.#progressed =
        clock.now();
    this.#cancel = clock.after(TICK_MS, () => this.#tick());
  }

  /** A frame was sent. */
  sent(): void {
    this.#sent = this.#clock.now();
  }

  /** A frame has arrived. */
  heard(): void {
    this.#heard = this.#clock.now();
  }

  /** The peer has taken something. */
  progressed(): void {
    this.#progressed = this.#clock.now();
  }

  stop(): void {
    this.#cancel();
  }

  #tick(): void {
    const now = this.#clock.now();
    // What arrived while we were stopped has not been read yet.
    if (now - this.#ticked > TICK_MS + LATE_MS) this.#heard = now;
    this.#ticked = now;
    if (!this.#heart.waiting()) this.#progressed = now;
    if (now - this.#heard >= DEAD_AFTER_MS) {
      this.#heart.onDead(`nothing was heard for ${DEAD_AFTER_MS / 1000} s`);
      return;
    }
    if (now - this.#progressed >= STALLED_AFTER_MS) {
      this.#heart.onDead(
        `nothing was taken for ${STALLED_AFTER_MS / 60_000} minutes`,
      );
      return;
    }
    const left = this.#heard + DEAD_AFTER_MS - now;
    this.#cancel = this.#clock.after(
      Math.min(TICK_MS, left),
      () => this.#tick(),
    );
    // Last: where it can't be sent, that may be the end of all this.
    if (now - this.#sent >= PING_AFTER_MS) this.#heart.sendPing();
  }
}
