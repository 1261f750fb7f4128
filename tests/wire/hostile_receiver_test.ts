import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import { NO_IGNORE } from "../../src/core/snapshot.ts";
import {
  ProtocolError,
  TransportError,
  UnsafePathError,
} from "../../src/errors.ts";
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../src/protocol/limits.ts";
import type { MirrorSummary } from "../../src/session/events.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { mirror } from "../../src/session/mirror.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { openSession } from "../../src/session/open_session.ts";
import type { Session } from "../../src/session/session.ts";
import { type DiskLiteral, writeTree } from "../support/disk_tree.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import {
  type Answers,
  EMPTY_DIGEST,
  helloRecord,
  HostileReceiver,
} from "../support/hostile_peer.ts";
import {
  bytes,
  failure,
  problem,
  summary,
  varint,
  want,
} from "../support/hostile_records.ts";
import { assertUntouched, listTree } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { party } from "../support/session_pair.ts";
import { TempDir } from "../support/temp.ts";
import { joined } from "../support/wire_message.ts";
import { RECEIVER_CASES, SOURCE_FILES } from "./hostile_receiver_cases.ts";

const MIB = 1024 * 1024;

/** A sender that mirrors a directory to a receiver that a test plays. */
class Push implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly source: string = this.temp.directory("source");
  readonly clock = new FakeClock();
  receiver!: HostileReceiver;
  session: Session | undefined;

  constructor(literal: DiskLiteral = SOURCE_FILES) {
    writeTree(this.source, literal);
  }

  /** Mirrors: the summary, or what it failed with. */
  async run(
    answers: Answers,
    hello: Uint8Array = helloRecord(9),
  ): Promise<MirrorSummary | Error> {
    const [near, far] = memoryTransports();
    this.receiver = new HostileReceiver(far, answers);
    const played = this.receiver.play(hello);
    const { clock } = this;
    try {
      this.session = await openSession(near, party(1), { clock });
    } catch (error) {
      await played;
      return error as Error;
    }
    const source = await LocalEndpoint.open(new DenoFileSystem(), this.source);
    const result = await mirror(source, new RemoteEndpoint(this.session), {
      checksum: false,
      symlinks: "copy",
      deletes: true,
      ignore: NO_IGNORE,
    }).catch((error) => error as Error);
    await source.close({ kind: "done", message: "" });
    this.session.close();
    await played;
    assertEquals(clock.timers, 0);
    return result;
  }

  /** Bytes that have left so far. */
  get sent(): number {
    return this.session?.counts.sent ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
  }
}

Deno.test("a receiver with nothing wrong gets everything, and nothing else", async () => {
  await using push = new Push();
  const summary = await push.run({});
  assert(!(summary instanceof Error), `${summary}`);
  assertEquals(summary.problems, []);
  assertEquals(contentOf(push.receiver), "aabbbcccc");
});

for (const [row, cases] of Map.groupBy(RECEIVER_CASES, ({ row }) => row)) {
  Deno.test(`${row}: ${cases.length} attempts of a receiver end the session, and no content leaves`, async () => {
    for (const { what, answers } of cases) {
      await using push = new Push();
      const before = listTree(push.source);
      const error = await push.run(answers);
      assert(
        error instanceof ProtocolError || error instanceof UnsafePathError,
        `${what}: ${error}`,
      );
      assertUntouched(push.source, before);
      if (answers[FrameType.transition] === undefined) {
        assertEquals(push.receiver.received, [], what);
      }
    }
  });
}

Deno.test("B10: nothing that a receiver says of itself changes how long it is waited for", async () => {
  const capabilities = [
    "timeout=0",
    "heartbeat=999999999",
    "window=1",
    "__proto__",
    "\x1b[2J",
    "",
  ];
  await using push = new Push();
  const running = push.run(
    { [FrameType.stage]: () => Promise.resolve() },
    helloRecord(9, { capabilities }),
  );
  await settled(() => push.receiver?.asked.includes(FrameType.stage) ?? false);
  await push.clock.advance(14_000);
  assertEquals(push.session?.signal.aborted, false);
  await push.clock.advance(2_000);
  const error = await running;
  assertInstanceOf(error, TransportError);
  assertMatch(error.message, /nothing was heard for 15 s/);
});

Deno.test("B08, B10: a hello with a window that can't be is refused", async () => {
  for (
    const windowBytes of [0, 1, 65_536, 2 ** 20 - 1, 2 ** 22 + 1, 2 ** 32 - 1]
  ) {
    await using push = new Push();
    const error = await push.run({}, helloRecord(9, { windowBytes }));
    assertInstanceOf(error, ProtocolError, `${windowBytes}`);
  }
});

Deno.test("B05: a receiver that lives but takes nothing gets a window, and is given up after 5 minutes", async () => {
  await using push = new Push({ big: new Random(5).bytes(12 * MIB) });
  const running = push.run({});
  await settled(() => push.sent > MAX_WINDOW_BYTES - MIB / 4);
  const before = push.clock.now();
  await settled(() => push.session!.signal.aborted, async () => {
    await push.receiver.raw.send(FrameType.ping).catch(() => {});
    await push.clock.advance(10_000);
  });
  const error = await running;
  assertInstanceOf(error, TransportError);
  assertMatch(error.message, /nothing was taken for 5 minutes/);
  const minutes = (push.clock.now() - before) / 60_000;
  assert(minutes >= 5 && minutes < 6, `${minutes} minutes`);
  assert(push.sent <= MAX_WINDOW_BYTES + MIB / 16, `${push.sent} bytes`);
});

Deno.test("B06: a receiver that takes little by little is served, and never holds more than a window", async () => {
  await using push = new Push({ big: new Random(6).bytes(6 * MIB) });
  const running = push.run({});
  let granted = 0;
  await settled(() => push.session?.signal.aborted ?? false, async () => {
    await settle();
    assert(
      push.sent <= granted + MAX_WINDOW_BYTES + MIB / 16,
      `${push.sent} bytes, ${granted} were granted`,
    );
    // A little of what has come, every four minutes.
    const grant = MIB / 4;
    if (push.sent < granted + MAX_WINDOW_BYTES - MIB / 4) return;
    for (let i = 0; i < 24; i++) {
      await push.receiver.raw.send(FrameType.ping).catch(() => {});
      await push.clock.advance(10_000);
    }
    granted += grant;
    await push.receiver.raw.send(FrameType.credit, { payload: varint(grant) })
      .catch(() => {});
  });
  const summary = await running;
  assert(!(summary instanceof Error), `${summary}`);
});

Deno.test("B07: a receiver for which a file is never right gets it three times, and the file is named", async () => {
  await using push = new Push();
  const running = push.run({
    [FrameType.transition]: async (receiver, question) => {
      const stale = problem(1, "a", "it has changed");
      await receiver.answer(question, FrameType.problems, stale, false);
      const done = new Uint8Array(Math.ceil(receiver.changes.length / 8));
      await receiver.answer(question, FrameType.done, done);
    },
  });
  const summary = await running;
  assert(!(summary instanceof Error), `${summary}`);
  assertEquals(summary.rounds, 3);
  assert(summary.problems.some(({ problem: { path } }) => path === "a"));
  const rounds = push.receiver.asked.filter((type) =>
    type === FrameType.content
  );
  assertEquals(rounds.length, 3);
});

Deno.test("B07: a receiver that wants no file, or only one, gets no other", async () => {
  const cases: [Uint8Array, string][] = [
    [bytes(), ""],
    [want(1, 1), "bbb"],
    [want(2, 1), "cccc"],
  ];
  for (const [wants, content] of cases) {
    await using push = new Push();
    const result = await push.run({
      [FrameType.stage]: (receiver, question) =>
        receiver.answer(question, FrameType.wants, wants),
    });
    assert(!(result instanceof Error), `${result}`);
    assertEquals(contentOf(push.receiver), content);
  }
});

Deno.test("B03: a digest that is guessed gets no more than the file that was offered", async () => {
  await using push = new Push();
  const summary = await push.run({
    [FrameType.stage]: (receiver, question) =>
      receiver.answer(
        question,
        FrameType.wants,
        want(0, 1, { offset: 1, digest: EMPTY_DIGEST }),
      ),
  });
  assert(!(summary instanceof Error), `${summary}`);
  // The digest was wrong, so the file comes from its start.
  assertEquals(contentOf(push.receiver), "aa");
});

Deno.test("A28: what a receiver says is text when it is reported", async () => {
  const evil = "\x1b[2J\x07\r\nDone";
  await using push = new Push();
  const error = await push.run({
    [FrameType.stage]: ({ raw }) =>
      raw.send(FrameType.failed, { payload: failure(38, evil) }),
  });
  assertInstanceOf(error, Error);
  await using named = new Push();
  const hello = helloRecord(9, { software: evil });
  await named.run({}, hello);
  assertEquals(named.session?.peer.software.includes("\x1b"), false);
});

Deno.test("A12: a receiver that tells of progress for ever, and nothing else, is heard, and remembered no more for it", async () => {
  await using push = new Push();
  const running = push.run({
    [FrameType.scan]: async (receiver, question) => {
      for (let i = 0; i < 20_000; i++) {
        const entries = varint(i);
        await receiver.answer(question, FrameType.progress, entries, false);
        if (i % 100 === 0) await settle();
      }
      const root = summary(EMPTY_DIGEST);
      await receiver.answer(question, FrameType.scanned, root, false);
      await receiver.answer(question, FrameType.problems);
    },
  });
  const result = await running;
  assert(!(result instanceof Error), `${result}`);
});

/** What has come of the files of {@link SOURCE_FILES}, without what is around it. */
function contentOf({ received }: HostileReceiver): string {
  return new TextDecoder().decode(joined(...received))
    .replaceAll(/[^a-c]/g, "");
}

/** Lets things happen until `probe` answers true. */
async function settled(
  probe: () => boolean,
  between: () => Promise<void> = settle,
): Promise<void> {
  for (let i = 0; i < 10_000; i++) {
    if (probe()) return;
    await between();
  }
  throw new Error("It never came to that");
}
