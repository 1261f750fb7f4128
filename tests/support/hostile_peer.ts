/**
 * Peers that speak the protocol by hand, and so can break it in any way: a sender,
 * which connects, and a receiver, which plays its part honestly but for the
 * answers that a test writes. Payloads are made in `hostile_records.ts`.
 */
import { fromWireError } from "../../src/protocol/error_code.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import {
  ChangeReader,
  type WireChange,
} from "../../src/protocol/change_codec.ts";
import { type Frame, FrameType } from "../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../src/protocol/limits.ts";
import {
  type Hello,
  readError,
  writeHello,
} from "../../src/protocol/session_codec.ts";
import { writeScanOptions } from "../../src/protocol/message.ts";
import type { Entry } from "../../src/core/entry.ts";
import type { ScanOptions } from "../../src/core/snapshot.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { Transport } from "../../src/net/transport.ts";
import { upgradeToTransport } from "../../src/net/upgrade.ts";
import { connectWebSocket } from "../../src/net/websocket.ts";
import { goodbye, summary, want } from "./hostile_records.ts";
import { SCAN } from "./served_endpoint.ts";
import { bytesOf, party, RawPeer } from "./session_pair.ts";
import { joined } from "./wire_message.ts";

/** The digest of an empty directory, and of no ignore files. */
export const EMPTY_DIGEST: Uint8Array = Uint8Array.fromHex(
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
);

/** A hello in which nothing is wrong; `id` tells one client from another. */
export function helloRecord(
  id = 1,
  fields: Partial<Hello> = {},
): Uint8Array {
  return bytesOf((writer) =>
    writeHello(writer, { min: 1, max: 1 }, {
      ...party(id),
      windowBytes: MAX_WINDOW_BYTES,
      capabilities: [],
      ...fields,
    })
  );
}

/** Why the other side gave up the session (or one exchange). */
export interface Verdict {
  /** "lost" where it closed the connection without a word. */
  readonly code: ErrorCode | "lost";
  readonly message: string;
}

/** Thrown where an answer is waited for, and the other side gives up the session. */
export class Rejected extends Error {
  constructor(readonly verdict: Verdict) {
    super(`${verdict.code}: ${verdict.message}`);
  }
}

/** A sender that is a test; whoever opened it closes it. */
export class HostileSender implements Disposable {
  readonly raw: RawPeer;
  /** The id of the next exchange. */
  next = 1;

  constructor(transport: Transport) {
    this.raw = new RawPeer(transport);
  }

  /** Connects to the receiver at `url` and shakes hands. */
  static async connect(
    url: string,
    hello?: Uint8Array,
  ): Promise<HostileSender> {
    return await HostileSender.over(await connectWebSocket(url), hello);
  }

  /** Shakes hands over `transport`. @throws {Rejected} */
  static async over(
    transport: Transport,
    hello: Uint8Array = helloRecord(),
  ): Promise<HostileSender> {
    const sender = new HostileSender(transport);
    await sender.raw.send(FrameType.hello, { payload: hello });
    await sender.#receive(FrameType.hello, 0);
    return sender;
  }

  /** Asks, without waiting for an answer: the id of the exchange. */
  async ask(
    type: FrameType,
    payload: Uint8Array = new Uint8Array(),
    end = true,
  ): Promise<number> {
    const exchange = this.next;
    this.next += 2;
    await this.raw.send(type, { exchange, end, payload });
    return exchange;
  }

  /** The answer to an exchange, frame by frame. @throws {Rejected} */
  async answer(exchange: number): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.#receive(undefined, exchange);
      frames.push(frame);
      if (frame.end) return frames;
    }
  }

  /** Scans: the other side knows then what may be asked. @throws {Rejected} */
  async scan(options: ScanOptions = SCAN): Promise<Frame[]> {
    const payload = bytesOf((writer) => writeScanOptions(writer, options));
    return await this.answer(await this.ask(FrameType.scan, payload));
  }

  /** Has entries moved: the answer. @throws {Rejected} */
  async move(...moves: Uint8Array[]): Promise<Frame[]> {
    return await this.answer(
      await this.ask(FrameType.move, joined(...moves)),
    );
  }

  /** Announces `changes`: what is wanted of them. @throws {Rejected} */
  async stage(...changes: Uint8Array[]): Promise<Uint8Array> {
    const payload = joined(...changes);
    const answer = await this.answer(await this.ask(FrameType.stage, payload));
    return joined(...answer.map((frame) => frame.payload));
  }

  /** Sends all content there is, and waits until it is stored. @throws {Rejected} */
  async content(...pieces: Uint8Array[]): Promise<void> {
    const exchange = this.next;
    this.next += 2;
    const payload = joined(...pieces);
    const options = { exchange, end: true, payload };
    await this.raw.send(FrameType.content, options);
    await this.answer(exchange);
  }

  /** Has the changes carried out: the answer. @throws {Rejected} */
  async transition(): Promise<Frame[]> {
    return await this.answer(await this.ask(FrameType.transition));
  }

  /** Scans, announces, sends, and has it carried out. @throws {Rejected} */
  async push(changes: Uint8Array[], pieces: Uint8Array[]): Promise<Frame[]> {
    await this.scan();
    await this.stage(...changes);
    if (pieces.length > 0) await this.content(...pieces);
    return await this.transition();
  }

  /**
   * Says goodbye and waits for that of the other side: why that has given the
   * session up, if they did not part in order.
   */
  async bye(outcome = 1): Promise<Verdict | undefined> {
    try {
      await this.raw.send(FrameType.bye, { payload: goodbye(outcome) });
    } catch {
      // It has closed the connection, but what it said before can be read.
    }
    let verdict: Verdict | undefined;
    try {
      for (;;) {
        const frame = await this.raw.receive();
        if (frame === undefined) break;
        verdict ??= verdictOf(frame);
        if (frame.type !== FrameType.bye) continue;
        // Who has said it first closes.
        this.raw.close();
        return verdict;
      }
    } catch {
      // However it was closed.
    }
    return verdict ?? { code: "lost", message: "" };
  }

  /**
   * What comes of `attack`, which waits for the answers it asks for.
   * @throws {Error} If the other side puts up with it.
   */
  async rejection(
    attack: (sender: HostileSender) => Promise<unknown>,
  ): Promise<Verdict> {
    let verdict: Verdict | undefined;
    try {
      await attack(this);
    } catch (error) {
      // Else it was gone before all was sent, and has said why.
      if (error instanceof Rejected) verdict = error.verdict;
    }
    const last = await this.bye();
    verdict ??= last;
    if (verdict === undefined) throw new Error("Nobody minded the attack");
    return verdict;
  }

  [Symbol.dispose](): void {
    this.raw.close();
  }

  /** The next frame of an exchange; heartbeats and credit are passed over. */
  async #receive(
    type: FrameType | undefined,
    exchange: number,
  ): Promise<Frame> {
    for (;;) {
      const frame = await this.raw.receive();
      if (frame === undefined) {
        throw new Rejected({ code: "lost", message: "" });
      }
      const verdict = verdictOf(frame) ??
        (frame.exchange === exchange ? failureOf(frame) : undefined);
      if (verdict !== undefined) throw new Rejected(verdict);
      if (type !== undefined ? frame.type === type : isAnswer(frame)) {
        if (frame.exchange === exchange) return frame;
      }
    }
  }
}

function isAnswer({ type }: Frame): boolean {
  return type >= FrameType.scan;
}

/** What `frame` says about the whole session, if it gives that up. */
function verdictOf(frame: Frame): Verdict | undefined {
  return frame.type === FrameType.refuse || frame.exchange === 0
    ? failureOf(frame)
    : undefined;
}

function failureOf({ type, payload }: Frame): Verdict | undefined {
  const { refuse, failed, cancel } = FrameType;
  if (type !== refuse && type !== failed && type !== cancel) return undefined;
  const { code, message } = fromWireError(readError(new ByteReader(payload)));
  return { code, message };
}

/** A question that a receiver was asked, with all its frames. */
export interface Question {
  readonly type: FrameType;
  readonly exchange: number;
  /** The payloads of all its frames. */
  readonly payload: Uint8Array;
}

/** How a receiver answers a question. */
export type Answer = (
  receiver: HostileReceiver,
  question: Question,
) => Promise<void>;

/** The answers in which a receiver is not honest. */
export type Answers = Partial<Record<FrameType, Answer>>;

/**
 * A receiver that is a test: its directory is empty, it wants all it is offered,
 * and says that it has done everything; but where a test has another answer.
 */
export class HostileReceiver {
  readonly raw: RawPeer;
  /** Types of all questions so far. */
  readonly asked: FrameType[] = [];
  /** All content that came, in order. */
  readonly received: Uint8Array[] = [];
  /** Changes that were announced last. */
  changes: readonly WireChange[] = [];
  readonly #answers: Answers;
  readonly #open = new Map<number, Uint8Array[]>();

  constructor(transport: Transport, answers: Answers = {}) {
    this.raw = new RawPeer(transport);
    this.#answers = answers;
  }

  /** Plays its part until the other side is gone: how that ended the session. */
  async play(hello: Uint8Array = helloRecord(9)): Promise<Verdict | undefined> {
    let verdict: Verdict | undefined;
    try {
      await this.raw.receiveType(FrameType.hello);
      await this.raw.send(FrameType.hello, { payload: hello });
      for (;;) {
        const frame = await this.raw.receive();
        if (frame === undefined) break;
        verdict ??= verdictOf(frame);
        if (frame.type === FrameType.bye) {
          await this.raw.send(FrameType.bye, { payload: goodbye(1) });
        } else if (isAnswer(frame)) await this.#hear(frame);
      }
    } catch {
      // The other side has closed the connection, in whatever way.
    } finally {
      this.raw.close();
    }
    return verdict;
  }

  /** Answers with one frame of an exchange. */
  async answer(
    { exchange }: Question,
    type: FrameType,
    payload: Uint8Array = new Uint8Array(),
    end = true,
  ): Promise<void> {
    await this.raw.send(type, { exchange, end, payload });
  }

  /** Answers as an honest receiver would. */
  async honest(question: Question): Promise<void> {
    const files = this.changes.reduce(
      (sum, change) => sum + filesOf(change),
      0,
    );
    switch (question.type) {
      case FrameType.scan:
        await this.answer(
          question,
          FrameType.scanned,
          summary(EMPTY_DIGEST),
          false,
        );
        return await this.answer(question, FrameType.problems);
      case FrameType.list:
        return await this.answer(question, FrameType.listing, Uint8Array.of(0));
      case FrameType.confirm:
        return await this.answer(question, FrameType.problems);
      case FrameType.stage:
        return await this.answer(
          question,
          FrameType.wants,
          files === 0 ? new Uint8Array() : want(0, files),
        );
      case FrameType.content:
        return await this.answer(question, FrameType.stored);
      case FrameType.transition:
        return await this.answer(
          question,
          FrameType.done,
          allDone(this.changes.length),
        );
      default:
        throw new Error(`Frame type ${question.type} is no question`);
    }
  }

  async #hear({ type, exchange, payload, end }: Frame): Promise<void> {
    const parts = this.#open.get(exchange) ?? [];
    this.#open.set(exchange, parts);
    parts.push(payload);
    if (!end) return;
    this.#open.delete(exchange);
    this.asked.push(type);
    const question = { type, exchange, payload: joined(...parts) };
    if (type === FrameType.content) this.received.push(question.payload);
    if (type === FrameType.stage) {
      this.changes = [
        ...new ChangeReader().read(new ByteReader(question.payload)),
      ];
    }
    const answer = this.#answers[type];
    if (answer === undefined) await this.honest(question);
    else await answer(this, question);
  }
}

/** How many files `change` brings the content of. */
function filesOf(change: WireChange): number {
  return change.kind === "put" ? filesIn(change.entry) : 0;
}

function filesIn(entry: Entry): number {
  if (entry.kind === "file") return 1;
  if (entry.kind !== "directory") return 0;
  return entry.children.values().reduce(
    (sum, child) => sum + filesIn(child),
    0,
  );
}

function allDone(changes: number): Uint8Array {
  const done = new Uint8Array(Math.ceil(changes / 8)).fill(0xff);
  const rest = changes % 8;
  if (rest !== 0) done[done.length - 1] = 2 ** rest - 1;
  return done;
}

/** A server whose every connection is handled by `serve`; its owner disposes of it. */
export class HostileServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #sessions: Promise<unknown>[] = [];

  constructor(
    serve: (transport: Transport, number: number) => Promise<unknown>,
  ) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => {
        const { response, transport } = upgradeToTransport(request, info);
        if (transport !== undefined) {
          const number = this.#sessions.length;
          this.#sessions.push(transport.then((open) => serve(open, number)));
        }
        return response;
      },
    );
    this.url = `ws://127.0.0.1:${this.#server.addr.port}`;
  }

  /** How many have connected. */
  get connections(): number {
    return this.#sessions.length;
  }

  /** Waits until all who have connected so far are gone. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#sessions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled();
    await this.#server.shutdown();
  }
}
