/**
 * The target's side of a session made of requests. A request is answered when
 * all that it brought has been dealt with, and the question, where it is complete,
 * is answered, or as much of the answer is there as fits a response; at the latest
 * after {@link ANSWER_WITHIN_MS}: then the source asks for the rest.
 */
import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../core/outcome.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader, type ByteWriter } from "../protocol/bytes.ts";
import { toWireError } from "../protocol/error_code.ts";
import { type Frame, FrameType, isQuestion } from "../protocol/frame.ts";
import { MAX_PAYLOAD_BYTES } from "../protocol/limits.ts";
import {
  readOutcome,
  writeError,
  writeOutcome,
} from "../protocol/session_codec.ts";
import type { Endpoint } from "../session/endpoint.ts";
import { EndpointServer } from "../session/endpoint_server.ts";
import {
  Exchange,
  type ExchangeHost,
  unexpected,
} from "../session/exchange.ts";
import { breaksSession } from "../session/fault.ts";
import { frameMessage } from "../session/handshake.ts";
import { FrameBox } from "./frame_box.ts";
import { CAPABILITIES } from "./party.ts";

/** No carrier has to wait longer than this for a response, in milliseconds. */
export const ANSWER_WITHIN_MS = 10_000;

/** Most frames that may wait for the disk: a source that waits has far fewer. */
const MAX_WAITING_FRAMES = 4_096;

/** A question that is being answered. */
interface Asked {
  readonly exchange: Exchange;
  /** Frames that nobody has taken yet. */
  waiting: number;
  /** All of the question is here. */
  isComplete: boolean;
  /** All of the answer is said, or it has failed. */
  isAnswered: boolean;
  /** Resolves then. */
  answered: Promise<void>;
}

/** What a target answers to one source. Its owner ends it. */
export class AnsweringSession {
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #server: EndpointServer;
  readonly #box = new FrameBox();
  #asked: Asked | undefined;
  #lastId = 0;
  /** Whoever waits for room in the box. */
  #room: (() => void) | undefined;
  /** Whoever waits for something to happen. */
  #wake: (() => void) | undefined;
  #fault: Error | undefined;
  #ended = false;

  /** @param endpoint The open target, which is closed with the session. */
  constructor(endpoint: Endpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    const contentFrameBytes = MAX_PAYLOAD_BYTES;
    const answering = {
      clock,
      compression: undefined,
      contentFrameBytes,
      recipes: false,
      peer: { capabilities: new Set(CAPABILITIES) },
    };
    this.#server = new EndpointServer(endpoint, answering, { role: "target" });
  }

  /** Whether nothing can be asked any more. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /**
   * What there is to say to the frames of a request: a message, or nothing.
   * @throws {ProtocolError} If they make no sense.
   */
  async answer(frames: readonly Frame[]): Promise<Uint8Array> {
    this.#makeRoom();
    for (const frame of frames) {
      const outcome = await this.#hear(frame);
      if (outcome !== undefined) return await this.#bye(outcome);
    }
    await this.#settled();
    if (this.#fault !== undefined) {
      const fault = this.#fault;
      await this.end({ kind: "failed", message: fault.message });
      throw fault;
    }
    return this.#box.take();
  }

  /** Gives up what is under way, and closes the endpoint; works once. */
  async end(outcome: Outcome): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#abandon();
    await this.#server.abandon(new Error(outcome.message));
    await this.#endpoint.close(outcome);
  }

  /** Takes a frame in; the outcome if it is a goodbye. */
  async #hear(frame: Frame): Promise<Outcome | undefined> {
    const { type, exchange: id } = frame;
    if (id === 0) {
      if (type !== FrameType.bye) throw unexpected(frame);
      return readOutcome(new ByteReader(frame.payload));
    }
    if (id > this.#lastId) {
      if (!isQuestion(type) || type === FrameType.packed) {
        throw unexpected(frame);
      }
      await this.#abandon();
      this.#begin(frame);
      return undefined;
    }
    const asked = this.#asked;
    if (
      id < this.#lastId || asked === undefined || asked.isComplete ||
      type < FrameType.scan || type === FrameType.packed
    ) throw unexpected(frame);
    if (asked.isAnswered) {
      // The rest of a question that has failed here.
      asked.isComplete = frame.end;
      return undefined;
    }
    this.#deliver(asked, frame);
    return undefined;
  }

  #begin(frame: Frame): void {
    this.#lastId = frame.exchange;
    const host: ExchangeHost = {
      send: (page, header) => this.#say(page, header, asked),
      consumed: () => {
        asked.waiting--;
        this.#wakeUp();
      },
      stopped: () => this.#wakeUp(),
      finished: () => this.#wakeUp(),
    };
    const asked: Asked = {
      exchange: new Exchange(frame.exchange, host),
      waiting: 0,
      isComplete: false,
      isAnswered: false,
      answered: Promise.resolve(),
    };
    this.#asked = asked;
    this.#deliver(asked, frame);
    asked.answered = this.#serve(asked);
  }

  #deliver(asked: Asked, frame: Frame): void {
    if (asked.waiting >= MAX_WAITING_FRAMES) {
      throw new ProtocolError("More comes than there is room for");
    }
    asked.waiting++;
    if (frame.end) asked.isComplete = true;
    asked.exchange.deliver(frame);
  }

  async #serve(asked: Asked): Promise<void> {
    try {
      await this.#server.answer(asked.exchange);
    } catch (error) {
      if (!asked.exchange.signal.aborted) {
        if (breaksSession(error)) this.#fault = error;
        else asked.exchange.fail(error);
      }
    } finally {
      asked.isAnswered = true;
      this.#wakeUp();
    }
  }

  /** Stops the question that is under way: its source asks something else. */
  async #abandon(): Promise<void> {
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked !== undefined && !asked.isAnswered) {
      asked.exchange.stop(new Error("The source has gone on"));
      this.#makeRoom();
      await asked.answered;
    }
    this.#box.clear();
  }

  async #bye(outcome: Outcome): Promise<Uint8Array> {
    await this.end(outcome);
    const done: Outcome = { kind: "done", message: "" };
    return frameMessage(FrameType.bye, (page) => writeOutcome(page, done));
  }

  async #say(
    page: ByteWriter,
    header: Omit<Frame, "payload">,
    asked: Asked,
  ): Promise<void> {
    while (this.#asked === asked && !this.#box.add(page, header)) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
        this.#wakeUp();
      });
    }
  }

  #makeRoom(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  /** Resolves when there is an answer to give. */
  async #settled(): Promise<void> {
    let isLate = false;
    const cancel = this.#clock.after(ANSWER_WITHIN_MS, () => {
      isLate = true;
      this.#wakeUp();
    });
    try {
      while (!isLate && !this.#isSettled()) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      cancel();
    }
  }

  #isSettled(): boolean {
    const asked = this.#asked;
    if (asked === undefined || asked.isAnswered) return true;
    if (this.#room !== undefined) return true;
    return !asked.isComplete && asked.waiting <= 0;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** The message that tells the source why its session is over. */
export function failureMessage(error: unknown): Uint8Array {
  return frameMessage(
    FrameType.failed,
    (page) => writeError(page, toWireError(error)),
  );
}
