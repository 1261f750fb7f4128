/**
 * A session: one conversation over one transport, from the hello of both sides (see
 * `open_session.ts`) to the goodbye. It carries exchanges in both directions, under
 * credit, and notices when the peer has gone. Whoever opened it says
 * {@link Session.bye} or closes it.
 */
import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../core/outcome.ts";
import { sleepBriefly } from "../core/sleep.ts";
import {
  asError,
  messageOf,
  ProtocolError,
  SyncError,
  TransportError,
} from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import { fromWireError, toWireError } from "../protocol/error_code.ts";
import {
  costsCredit,
  decodeFrames,
  type Frame,
  FrameType,
} from "../protocol/frame.ts";
import { FRAME_HEADER_BYTES, PAGE_HEADER_BYTES } from "../protocol/limits.ts";
import {
  readCredit,
  readError,
  readFresh,
  readOutcome,
  writeError,
  writeFresh,
  writeOutcome,
} from "../protocol/session_codec.ts";
import { type Exchange, unexpected } from "./exchange.ts";
import { challengeOf } from "./challenge.ts";
import { ExchangeTable } from "./exchange_table.ts";
import { IncomingCredit } from "./flow_control.ts";
import { Capability } from "../protocol/version.ts";
import type { Peer } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Outbox } from "./outbox.ts";
import {
  frameBytesAt,
  rateAskedFor,
  type RateLimit,
  rateLimit,
  windowAt,
} from "./rate_limit.ts";
import type { Compression } from "./content_sender.ts";
import { compressionFor, type CompressMode } from "./compression.ts";

/** A peer that was told goodbye has this long to say it, too. */
const BYE_TIMEOUT_MS = 10_000;

/** Longer than it takes to write two messages in a row, as a rule. */
const ECHO_AFTER_MS = 0.5;

/** If it was not, another answer after this sees to what was written meanwhile. */
const ECHO_AGAIN_MS = 2;

/** What a session needs. */
export interface SessionOptions {
  readonly clock: Clock;
  /** Ends the session at once. */
  readonly signal?: AbortSignal;
  /** Whether content is compressed, where the peer can do that; "auto" unless said. */
  readonly compress?: CompressMode;
  /** How fast it may be in each direction, in bytes per second; no limit unless said. */
  readonly limit?: number;
  /** Whether files may be described before they are sent; true unless said. */
  readonly recipes?: boolean;
  /** Whether this side can be asked to move entries; true unless said. */
  readonly moves?: boolean;
  /** Whether it knows after a transition what it has; true unless said. */
  readonly follows?: boolean;
  /** Whether this side takes part in a two-way sync; not unless said. */
  readonly twoWay?: boolean;
  /** Whether this side can be asked to watch its tree; not unless said. */
  readonly notices?: boolean;
  /**
   * A server's, 32 hexadecimal digits drawn for this session alone: the client has
   * to say them before all else. Nobody is challenged unless said.
   */
  readonly challenge?: string;
}

/** Who has opened the connection is the client. */
export type SessionRole = "client" | "server";

/** One conversation. */
export class Session {
  readonly peer: Peer;
  /** The address of the other end. */
  readonly name: string;
  readonly clock: Clock;
  /** How content is packed; undefined: not at all, both sides have to want it. */
  readonly compression: Compression | undefined;
  /** Most bytes that a frame of content shall have. */
  readonly contentFrameBytes: number;
  readonly #limits: readonly RateLimit[];
  /** Whether both sides describe files before they are sent. */
  readonly recipes: boolean;
  /** Whether each side answers the other's echo. */
  readonly #echoes: boolean;
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #incoming: IncomingCredit;
  readonly #heartbeat: Heartbeat;
  readonly #exchanges: ExchangeTable;
  /** What the peer has yet to say before all else. */
  #challenge: string | undefined;
  /** Hears that the peer's tree may have changed; where nobody does, it may not say so. */
  onChanged: (() => void) | undefined;
  #wake: (() => void) | undefined;
  /** Whether somebody waits for an echo. */
  #isEchoing = false;
  /** There while they are to hear of it once more. */
  #cancelEcho: (() => void) | undefined;
  readonly #end = new AbortController();
  readonly #peerBye = Promise.withResolvers<Outcome | undefined>();
  #peerOutcome: Outcome | undefined;
  #saidBye = false;
  readonly #stopListening: () => void;

  /** For `openSession()` and `awaitHello()`, when both sides have said hello. */
  constructor(
    transport: Transport,
    peer: Peer,
    role: SessionRole,
    options: SessionOptions,
  ) {
    this.peer = peer;
    this.name = transport.peer;
    this.#transport = transport;
    this.clock = options.clock;
    const { limit = Infinity, clock } = options;
    const rate = Math.min(limit, rateAskedFor(peer.capabilities));
    const out = rateLimit(rate, clock);
    const back = rateLimit(limit, clock);
    this.#limits = [out, back].filter((it) => it !== undefined);
    this.contentFrameBytes = frameBytesAt(rate);
    this.compression = compressionFor({ ...options, rate }, peer.capabilities);
    this.recipes = options.recipes !== false &&
      peer.capabilities.has(Capability.recipes);
    this.#echoes = peer.capabilities.has(Capability.echo);
    this.#heartbeat = new Heartbeat(options.clock, {
      sendPing: () => void this.#tell(FrameType.ping),
      waiting: () => this.#outbox.credit.exhausted,
      onDead: (reason) => this.close(this.#lost(reason)),
    });
    this.#outbox = new Outbox(transport, peer.windowBytes, {
      onSent: (credit) => {
        this.#heartbeat.sent();
        this.compression?.policy.sent(credit, this.clock.now());
      },
      onError: (error) => this.close(asError(error)),
      // Connections that were accepted send without delay; the client's answers
      // would only hold up what it asks next.
    }, { limit: out, echoes: this.#echoes && role === "client" });
    this.#incoming = new IncomingCredit(
      windowAt(limit),
      (bytes) =>
        void this.#tell(FrameType.credit, (page) => page.varint(bytes)),
      back && { limit: back, batch: frameBytesAt(limit) },
    );
    this.#exchanges = new ExchangeTable(role, {
      send: (page, header, owner) => this.#outbox.send(page, header, owner),
      consumed: (bytes) => this.#incoming.consumed(FRAME_HEADER_BYTES + bytes),
      stopped: (owner, error) => this.#outbox.credit.fail(error, owner),
    });
    const { signal } = options;
    const onAbort = (): void => this.close(asError(signal?.reason));
    signal?.addEventListener("abort", onAbort);
    this.#challenge = options.challenge;
    const asked = challengeOf(peer.capabilities);
    if (role === "client" && asked !== undefined) {
      void this.#tell(FrameType.fresh, (page) => writeFresh(page, asked));
    }
    this.#stopListening = () => signal?.removeEventListener("abort", onAbort);
    void this.#readAll();
    if (signal?.aborted) onAbort();
  }

  /** Bytes sent and received so far. */
  get counts(): Transport["counts"] {
    return this.#transport.counts;
  }

  /** Aborted when the session is over; the reason says why. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Resolves when the session is over, however it ended. */
  get ended(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener("abort", () => resolve());
    });
  }

  /**
   * Resolves when the connection is closed as well, so that the peer has heard
   * what there was to tell it; never where the peer is silent.
   */
  get left(): Promise<void> {
    return this.#transport.closed;
  }

  /** Resolves with the peer's goodbye; undefined if it went without one. */
  get peerBye(): Promise<Outcome | undefined> {
    return this.#peerBye.promise;
  }

  /** Tells the peer, who has asked for that, that the tree here may have changed. */
  tellChanged(): void {
    void this.#tell(FrameType.changed);
  }

  /** Opens an exchange. @throws Why the session is over, if it is. */
  open(): Exchange {
    this.signal.throwIfAborted();
    if (this.#peerOutcome !== undefined) throw this.#stopped();
    return this.#exchanges.open();
  }

  /**
   * The peer's exchanges, in order; ends when the peer has said goodbye.
   * @throws Why the session is over, if it broke.
   */
  async *asked(): AsyncGenerator<Exchange> {
    for (;;) {
      if (this.#peerOutcome !== undefined) return;
      this.signal.throwIfAborted();
      const exchange = this.#exchanges.takeAsked();
      if (exchange !== undefined) yield exchange;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /**
   * Says goodbye, waits until the peer has, too, and the connection is closed.
   * Who has said it first closes: then both have heard it from each other.
   * Where the session is over already, nothing happens.
   */
  async bye(outcome: Outcome): Promise<void> {
    if (!this.signal.aborted && !this.#saidBye) {
      this.#saidBye = true;
      const isAnswer = this.#peerOutcome !== undefined;
      const cancel = this.clock.after(BYE_TIMEOUT_MS, () => this.close());
      await this.#tell(FrameType.bye, (page) => writeOutcome(page, outcome));
      await this.#peerBye.promise;
      await this.#outbox.flush();
      if (!isAnswer) this.close();
      await this.ended;
      cancel();
    }
    await this.ended;
  }

  /**
   * Ends the session at once, without waiting for the peer; it is told what
   * there is to tell. Whoever waits for something of this session gets `error`.
   * Works once.
   */
  close(error?: Error): void {
    if (this.signal.aborted) return;
    const reason = error ??
      new TransportError(`The session with ${this.name} is closed`);
    const told = this.#lastWords(error);
    this.#heartbeat.stop();
    this.#cancelEcho?.();
    this.#stopListening();
    for (const limit of this.#limits) limit.stop();
    this.#end.abort(reason);
    this.#peerBye.resolve(this.#peerOutcome);
    this.#outbox.credit.fail(reason);
    this.#exchanges.stopAll(reason);
    this.#wakeUp();
    const hangUp = (): void => {
      this.#outbox.discard();
      this.#transport.close();
    };
    if (told === undefined) hangUp();
    else void told.then(() => this.#outbox.flush()).then(hangUp);
  }

  /** What the peer hears when this side ends the session because of `error`. */
  #lastWords(error: Error | undefined): Promise<void> | undefined {
    if (error === undefined || error instanceof TransportError) {
      return undefined;
    }
    if (error instanceof SyncError) {
      return this.#tell(
        FrameType.failed,
        (page) => writeError(page, toWireError(error)),
      );
    }
    const outcome: Outcome = { kind: "interrupted", message: messageOf(error) };
    return this.#tell(FrameType.bye, (page) => writeOutcome(page, outcome));
  }

  /** Sends a frame of the session itself; never rejects. */
  async #tell(
    type: FrameType,
    write?: (page: ByteWriter) => void,
  ): Promise<void> {
    const page = new ByteWriter(64);
    page.skip(PAGE_HEADER_BYTES);
    write?.(page);
    try {
      await this.#outbox.send(page, { type, exchange: 0, end: false });
    } catch {
      // What broke the connection ends the session elsewhere.
    }
  }

  async #readAll(): Promise<void> {
    try {
      // Where this ends early, the peer may still have to hear why.
      const messages = this.#transport.readable.values({ preventCancel: true });
      for await (const message of messages) {
        for (const frame of decodeFrames(message)) {
          if (this.signal.aborted) return;
          this.#heartbeat.heard();
          this.#dispatch(frame);
        }
      }
      this.close(
        this.#peerOutcome === undefined
          ? this.#lost("it was closed at the other end")
          : this.#stopped(),
      );
    } catch (error) {
      this.close(asError(error));
    }
  }

  #dispatch(frame: Frame): void {
    if (this.#challenge !== undefined) return this.#hearFresh(frame);
    if (costsCredit(frame.type)) {
      if (!this.#allows(frame.type)) throw unexpected(frame);
      this.#incoming.arrived(FRAME_HEADER_BYTES + frame.payload.length);
      this.#exchanges.find(frame).deliver(frame);
      this.#wakeUp();
      return;
    }
    const reader = new ByteReader(frame.payload);
    const { type, exchange } = frame;
    if (frame.end) throw unexpected(frame);
    if (exchange !== 0) {
      if (type !== FrameType.failed && type !== FrameType.cancel) {
        throw unexpected(frame);
      }
      // It may have crossed our own last frame of that exchange.
      if (this.#exchanges.isOver(exchange)) return;
      this.#exchanges.find(frame).deliverError(this.#readError(reader));
      return;
    }
    switch (type) {
      case FrameType.ping:
        reader.end("a ping");
        this.#outbox.echoed();
        break;
      case FrameType.echo:
        if (!this.#echoes) throw unexpected(frame);
        reader.end("an echo");
        void this.#echoLater();
        break;
      case FrameType.changed:
        if (this.onChanged === undefined) throw unexpected(frame);
        reader.end("a notice");
        this.onChanged();
        break;
      case FrameType.credit:
        this.#hearGrant(readCredit(reader));
        break;
      case FrameType.failed:
        this.#hearFailure(this.#readError(reader));
        break;
      case FrameType.bye:
        this.#hearBye(readOutcome(reader));
        break;
      default:
        throw unexpected(frame);
    }
  }

  /** Whoever plays a recording answers the challenge of another session. */
  #hearFresh(frame: Frame): void {
    const { type, exchange, end, payload } = frame;
    const isAnswer = type === FrameType.fresh && exchange === 0 && !end;
    if (!isAnswer || readFresh(new ByteReader(payload)) !== this.#challenge) {
      throw new ProtocolError(
        "This session does not answer this connection's challenge: it was " +
          "recorded, or comes from an older program",
        "refused",
      );
    }
    this.#challenge = undefined;
    // Something small that follows would else wait, as without an echo.
    void this.#tell(FrameType.ping);
  }

  /** Whether both sides have the capability that frames of this type need, if any. */
  #allows(type: FrameType): boolean {
    switch (type) {
      case FrameType.packed:
        return this.compression !== undefined;
      case FrameType.describe:
      case FrameType.described:
      case FrameType.lacking:
        return this.recipes;
      default:
        return true;
    }
  }

  /** An error that the peer reports; who reports it is part of the message. */
  #readError(reader: ByteReader): SyncError {
    const { code, message } = readError(reader);
    return fromWireError({ code, message: `${this.name}: ${message}` });
  }

  /**
   * Not at once: what the echo was sent ahead of is to be on its way by then; and
   * once more for what was not. These are enough for all that were asked for
   * meanwhile.
   */
  async #echoLater(): Promise<void> {
    if (this.#isEchoing) return;
    this.#isEchoing = true;
    const { signal } = this.#end;
    await sleepBriefly(ECHO_AFTER_MS, this.clock, signal);
    this.#isEchoing = false;
    if (signal.aborted) return;
    this.#cancelEcho?.();
    this.#cancelEcho = this.clock.after(ECHO_AGAIN_MS, () => {
      this.#cancelEcho = undefined;
      void this.#tell(FrameType.ping);
    });
    await this.#tell(FrameType.ping);
  }

  #hearGrant(bytes: number): void {
    this.#outbox.credit.grant(bytes);
    this.#heartbeat.progressed();
    this.compression?.policy.granted(bytes, this.clock.now());
  }

  /** The peer gave up the session; it need not be told so. */
  #hearFailure(error: SyncError): void {
    this.#outbox.discard();
    this.close(error);
  }

  #hearBye(outcome: Outcome): void {
    if (this.#peerOutcome !== undefined) {
      throw new ProtocolError("The peer said goodbye twice");
    }
    this.#peerOutcome = outcome;
    this.#peerBye.resolve(outcome);
    this.#exchanges.stopAll(this.#stopped());
    this.#wakeUp();
  }

  #stopped(): TransportError {
    return new TransportError(
      `${this.name} has stopped: ${this.#peerOutcome?.message}`,
      "peer-stopped",
    );
  }

  #lost(reason: string): TransportError {
    return new TransportError(
      `The connection to ${this.name} was lost: ${reason}`,
    );
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
