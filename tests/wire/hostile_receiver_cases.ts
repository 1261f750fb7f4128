/**
 * What a hostile receiver may answer: each of it ends the session of the sender,
 * who reports it. The tests run them against a sender in this process and against
 * the program.
 */
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../src/protocol/limits.ts";
import {
  type Answer,
  type Answers,
  EMPTY_DIGEST,
} from "../support/hostile_peer.ts";
import {
  bytes,
  children,
  DIGEST,
  directory,
  file,
  path,
  piece,
  problem,
  remove,
  summary,
  TOO_LARGE,
  varint,
  want,
} from "../support/hostile_records.ts";
import { joined } from "../support/wire_message.ts";

/** One dishonest receiver. */
export interface ReceiverCase {
  readonly row: string;
  readonly what: string;
  readonly answers: Answers;
}

/** Answers with one frame. */
function answer(type: FrameType, ...payload: Uint8Array[]): Answer {
  return (receiver, question) =>
    receiver.answer(question, type, joined(...payload));
}

/** Answers a scan with this root and these problems. */
function scanned(root: Uint8Array, ...problems: Uint8Array[]): Answer {
  return async (receiver, question) => {
    await receiver.answer(question, FrameType.scanned, root, false);
    await receiver.answer(question, FrameType.problems, joined(...problems));
  };
}

/** A directory that is not that of the sender: it has to be listed. */
const OTHER = scanned(summary(DIGEST, { ignoreDigest: EMPTY_DIGEST }));

function wants(...all: Uint8Array[]): Answers {
  return { [FrameType.stage]: answer(FrameType.wants, ...all) };
}

function listing(...all: Uint8Array[]): Answers {
  return {
    [FrameType.scan]: OTHER,
    [FrameType.list]: answer(FrameType.listing, ...all),
  };
}

/** Asks a question of its own, in the middle of the sender's. */
function asks(type: FrameType, payload: Uint8Array, exchange = 2): Answers {
  return {
    [FrameType.stage]: async ({ raw }) => {
      await raw.send(type, { exchange, end: true, payload });
    },
  };
}

/** Answers the changes with a frame of the session. */
function tells(type: FrameType, payload: Uint8Array): Answers {
  return asks(type, payload, 0);
}

function row(
  id: string,
  cases: Readonly<Record<string, Answers>>,
): ReceiverCase[] {
  return Object.entries(cases).map(([what, answers]) => ({
    row: id,
    what,
    answers,
  }));
}

/** The sender has three files: `a`, `dir/b` and `dir/c`. */
export const SOURCE_FILES = { a: "aa", dir: { b: "bbb", c: "cccc" } } as const;

const FAR = { offset: 1, digest: DIGEST };

export const RECEIVER_CASES: readonly ReceiverCase[] = [
  ...row("B01", {
    "a file beyond the last": wants(want(3, 1)),
    "more files than were offered": wants(want(0, 4)),
    "2^52 files": wants(joined(varint(0), varint(2 ** 53 - 2))),
    "a file number of 2^53": wants(joined(TOO_LARGE, varint(2))),
    "all, and one more": wants(want(0, 3), want(0, 1)),
    "no files at all, from the first on": wants(want(0, 0)),
    "half a number": wants(bytes(0x80)),
    "a file by its path": asks(
      FrameType.supply,
      joined(varint(0), path("../../etc/shadow"), varint(9)),
    ),
    "a file by its path, in the exchange of the changes": {
      [FrameType.stage]: answer(FrameType.supply, path("a")),
    },
  }),
  ...row("B03", {
    "two files by the digest of one": wants(
      joined(varint(0), varint(2 * 2 + 1), varint(1), DIGEST),
    ),
    "a file not offered, by its digest": wants(want(3, 1, FAR)),
    "a part of no bytes": wants(want(0, 1, { ...FAR, offset: 0 })),
    "a digest of 16 bytes": wants(
      want(0, 1, { ...FAR, digest: DIGEST.subarray(16) }),
    ),
  }),
  ...row("B08", {
    "credit for nothing": tells(FrameType.credit, varint(0)),
    "credit that was never used": tells(
      FrameType.credit,
      varint(MAX_WINDOW_BYTES),
    ),
    "credit beyond the window": tells(
      FrameType.credit,
      varint(MAX_WINDOW_BYTES + 1),
    ),
    "credit of 2^53": tells(FrameType.credit, TOO_LARGE),
    "credit without an end": tells(
      FrameType.credit,
      new Uint8Array(16).fill(0xff),
    ),
    "credit of two numbers": tells(FrameType.credit, bytes(1, 1)),
    "credit of none": tells(FrameType.credit, bytes()),
  }),
  ...row("B11", {
    "a scan of the source": asks(FrameType.scan, bytes(0, 0, 0, 0)),
    "changes for the source": asks(FrameType.stage, remove("a")),
    "a transition of the source": asks(FrameType.transition, bytes()),
    "a question under the number of the sender's": asks(
      FrameType.stage,
      remove("a"),
      7,
    ),
  }),
  ...row("B13", {
    "a listing that nobody asked for": {
      [FrameType.stage]: answer(
        FrameType.listing,
        children(["a", file()]),
      ),
    },
    "content that nobody asked for": {
      [FrameType.stage]: answer(FrameType.content, piece("evil")),
    },
    "changes as an answer to changes": {
      [FrameType.stage]: answer(FrameType.stage, remove("a")),
    },
    "a list of its own": asks(FrameType.list, varint(0)),
  }),
  ...row("A01-A03, A10, A25", {
    "a listing with the parent": listing(children(["..", file()])),
    "a listing with a path": listing(children(["dir/b", file()])),
    "a listing with an absolute path": listing(children(["/etc", file()])),
    "a listing with a name twice": listing(
      children(["a", file()], ["a", file()]),
    ),
    "a listing out of order": listing(children(["b", file()], ["a", file()])),
    "a listing with a reserved name": listing(
      children([".lockstep", file()]),
    ),
    "a problem of the parent": {
      [FrameType.scan]: scanned(
        summary(EMPTY_DIGEST),
        problem(4, "../x", "skipped"),
      ),
    },
  }),
  ...row("A12, A16", {
    "a listing that is not what its digest says": listing(
      children(["x", file()]),
    ),
    "a listing with a directory of another digest": listing(
      children(["dir", directory({ digest: DIGEST })]),
    ),
    "a directory more than was asked for": listing(children(), children()),
    "no listing": listing(),
    "half a listing": listing(joined(varint(1), bytes(0x61), file())),
    "a scan without an answer": {
      [FrameType.scan]: answer(FrameType.problems),
    },
    "a scan with two answers": {
      [FrameType.scan]: async (receiver, question) => {
        const root = summary(EMPTY_DIGEST);
        await receiver.answer(question, FrameType.scanned, root, false);
        await receiver.answer(question, FrameType.scanned, root, false);
        await receiver.answer(question, FrameType.problems);
      },
    },
    "more done than there was to do": {
      [FrameType.transition]: answer(
        FrameType.done,
        new Uint8Array(1_000).fill(0xff),
      ),
    },
    "less done than there was to do": {
      [FrameType.transition]: answer(FrameType.done),
    },
    "totals that can't be": {
      [FrameType.scan]: scanned(
        summary(EMPTY_DIGEST, { totals: [0, 2 ** 40, 0, 0] }),
      ),
    },
  }),
];
