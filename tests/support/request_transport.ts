/**
 * A transport whose messages travel as the requests of a replicator: whoever can
 * attack a receiver by hand can attack a target with it.
 */
import { TransportError } from "../../src/errors.ts";
import { Arrivals } from "../../src/net/arrivals.ts";
import type { Transport } from "../../src/net/transport.ts";
import {
  decodeFrames,
  type Frame,
  FrameType,
} from "../../src/protocol/frame.ts";
import { failureMessage } from "../../src/replicator/answering_session.ts";
import { newId } from "../../src/replicator/party.ts";
import { ReplicatorMessage } from "../../src/replicator/replicator_message.ts";
import type { ReplicatorTarget } from "../../src/replicator/replicator_target.ts";

/** Nothing that is asked takes more responses than this. */
const MAX_POLLS = 100;

/** A new session with `target`. */
export function requestTransport(target: ReplicatorTarget): Transport {
  const session = newId();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const arrivals = new Arrivals(resolve);
  const counts = { sent: 0, received: 0 };
  let number = 0;
  let isOver = false;
  const close = (): void => {
    if (isOver) return;
    isOver = true;
    arrivals.end();
    resolve();
  };

  async function carry(message: Uint8Array): Promise<Frame[]> {
    let response: Uint8Array;
    try {
      const request = new ReplicatorMessage(session, number++, message);
      response = (await target.handle(structuredClone(request))).message;
    } catch (error) {
      // Whoever carries it tells the sender that it was no request.
      response = failureMessage(error);
    }
    if (response.length === 0) return [];
    const frames = [...decodeFrames(response)];
    if (!isOver) arrivals.add(response);
    if (frames.some(({ type, exchange }) => isEnd(type) && exchange === 0)) {
      close();
    }
    return frames;
  }

  return {
    peer: "requests",
    readable: arrivals.readable,
    writable: new WritableStream<Uint8Array>({
      async write(message): Promise<void> {
        if (isOver) throw new TransportError("The session is over");
        let frames = await carry(message.slice());
        if (!asksForMore(message)) return;
        for (let polls = 0; polls < MAX_POLLS && !isOver; polls++) {
          if (frames.some(({ type, end }) => end || isEnd(type))) return;
          frames = await carry(new Uint8Array());
        }
      },
    }),
    counts,
    close,
    closed,
  };
}

function isEnd(type: number): boolean {
  return type === FrameType.failed || type === FrameType.cancel ||
    type === FrameType.bye;
}

/** Whether a question ends in `message`, so that there will be an answer. */
function asksForMore(message: Uint8Array): boolean {
  try {
    return [...decodeFrames(message)].at(-1)?.end === true;
  } catch {
    return false;
  }
}
