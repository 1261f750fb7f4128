import { assertEquals } from "@std/assert";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../src/protocol/limits.ts";
import { writeScanOptions } from "../../src/protocol/message.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello } from "../../src/session/open_session.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeEndpoint } from "../support/fake_endpoint.ts";
import { helloRecord, HostileSender } from "../support/hostile_peer.ts";
import {
  failure,
  file,
  goodbye,
  move,
  path,
  piece,
  put,
  varint,
} from "../support/hostile_records.ts";
import { SCAN } from "../support/served_endpoint.ts";
import { bytesOf, party } from "../support/session_pair.ts";

/** Frames of the session itself are below. */
const FIRST_OF_EXCHANGE = 16;

/** What a frame of each type says, where it may stand; others are empty. */
const PAYLOADS: Partial<Record<number, Uint8Array>> = {
  [FrameType.hello]: helloRecord(),
  [FrameType.refuse]: failure(3, "busy"),
  // More than can ever have been used.
  [FrameType.credit]: varint(MAX_WINDOW_BYTES),
  [FrameType.bye]: goodbye(1),
  [FrameType.failed]: failure(9, "failed"),
  [FrameType.cancel]: failure(9, "cancelled"),
  [FrameType.scan]: bytesOf((writer) => writeScanOptions(writer, SCAN)),
  [FrameType.list]: varint(0),
  [FrameType.confirm]: path("nothing"),
  [FrameType.stage]: put("new", file({ size: 1 })),
  [FrameType.content]: piece("1"),
  [FrameType.move]: move("file", "moved"),
};

/** How a session gets into each state, and what may come then. */
const STATES: Readonly<
  Record<string, {
    reach(sender: HostileSender): Promise<void>;
    readonly allowed: readonly FrameType[];
  }>
> = {
  "after the hello": {
    reach: () => Promise.resolve(),
    allowed: [FrameType.scan],
  },
  "after a scan": {
    reach: scanned,
    allowed: [
      FrameType.scan,
      FrameType.list,
      FrameType.confirm,
      FrameType.move,
      FrameType.stage,
    ],
  },
  "after a move": {
    async reach(sender): Promise<void> {
      await sender.scan();
      await sender.move(PAYLOADS[FrameType.move]!);
    },
    allowed: [FrameType.scan, FrameType.confirm, FrameType.stage],
  },
  "after the changes": {
    reach: staged,
    allowed: [
      FrameType.scan,
      FrameType.list,
      FrameType.confirm,
      FrameType.stage,
      FrameType.content,
    ],
  },
  "after the content": {
    reach: stored,
    allowed: [
      FrameType.scan,
      FrameType.list,
      FrameType.confirm,
      FrameType.stage,
      FrameType.transition,
    ],
  },
  "after the transition": {
    async reach(sender): Promise<void> {
      await stored(sender);
      await sender.transition();
    },
    allowed: [
      FrameType.scan,
      FrameType.list,
      FrameType.confirm,
      FrameType.stage,
    ],
  },
};

/** These may come at any time; the first two end the session. */
const ALWAYS: readonly number[] = [
  FrameType.bye,
  FrameType.failed,
  FrameType.ping,
];

async function scanned(sender: HostileSender): Promise<void> {
  await sender.scan();
}

async function staged(sender: HostileSender): Promise<void> {
  await sender.scan();
  await sender.stage(PAYLOADS[FrameType.stage]!);
}

async function stored(sender: HostileSender): Promise<void> {
  await staged(sender);
  await sender.content(PAYLOADS[FrameType.content]!);
}

/** Runs `work` against a target in memory, which is given up afterwards. */
async function withSender(
  work: (sender: HostileSender) => Promise<void>,
): Promise<FakeEndpoint> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const fake = new FakeEndpoint({ file: "1" });
  const served = awaitHello(far, { clock })
    .then((pending) => pending.accept(party(2)))
    .then((session) => serveEndpoint(session, fake, { role: "target" }))
    .catch(() => {});
  using sender = await HostileSender.over(near);
  await work(sender);
  sender.raw.close();
  await served;
  assertEquals(clock.timers, 0);
  return fake;
}

/** Sends one frame of this type, as it has to be where it may stand. */
async function send(sender: HostileSender, type: number): Promise<number> {
  const payload = PAYLOADS[type] ?? new Uint8Array();
  if (type >= FIRST_OF_EXCHANGE) {
    return await sender.ask(type as FrameType, payload);
  }
  await sender.raw.send(type as FrameType, { payload });
  return 0;
}

/** Sends it, and waits until the other side has dealt with it. */
async function sendAndWait(sender: HostileSender, type: number): Promise<void> {
  const exchange = await send(sender, type);
  if (exchange === 0) await sender.scan();
  else await sender.answer(exchange);
}

for (const [state, { reach, allowed }] of Object.entries(STATES)) {
  Deno.test(`A19: of all 256 types of frames, only those with a place ${state} are put up with`, async () => {
    for (let type = 0; type < 256; type++) {
      if (ALWAYS.includes(type)) continue;
      const mayCome = (allowed as readonly number[]).includes(type);
      await withSender(async (sender) => {
        await reach(sender);
        const attempt = (to: HostileSender) => sendAndWait(to, type);
        if (mayCome) await attempt(sender);
        else {
          const { code } = await sender.rejection(attempt);
          assertEquals(code, "protocol", `type ${type}`);
        }
      });
    }
    await withSender(async (sender) => {
      await reach(sender);
      await send(sender, FrameType.ping);
      await sender.scan();
      assertEquals(await sender.bye(), undefined);
    });
  });
}

Deno.test("A19: before the hello, nothing else is put up with, and nothing is opened", async () => {
  for (let type = 0; type < 256; type++) {
    if (type === FrameType.hello || type === FrameType.refuse) continue;
    const [near, far] = memoryTransports();
    const waiting = awaitHello(far, { clock: new FakeClock() });
    const refused = waiting.then(() => "let in", () => "refused");
    using sender = new HostileSender(near);
    const { code } = await sender.rejection((to) => send(to, type));
    assertEquals(code, "protocol", `type ${type}`);
    assertEquals(await refused, "refused", `type ${type}`);
  }
});

Deno.test("A19: what belongs to the session is not put up with in an exchange, nor the other way round", async () => {
  for (let type = 0; type < 256; type++) {
    if (type === FrameType.failed || type === FrameType.cancel) continue;
    const exchange = type < FIRST_OF_EXCHANGE ? 1 : 0;
    const payload = PAYLOADS[type] ?? new Uint8Array();
    const fake = await withSender(async (sender) => {
      const { code } = await sender.rejection(({ raw }) =>
        raw.send(type as FrameType, { exchange, payload })
      );
      assertEquals(code, "protocol", `type ${type}`);
    });
    assertEquals(fake.calls, ["close"]);
  }
});

Deno.test("A19, A20: a frame of an exchange that is over, or of one before it, ends the session", async () => {
  const ids = [1, 2, 4, 2 ** 31, 2 ** 32 - 2];
  for (const exchange of ids) {
    await withSender(async (sender) => {
      await sender.scan();
      await sender.scan();
      const { code } = await sender.rejection(({ raw }) =>
        raw.send(FrameType.scan, {
          exchange,
          end: true,
          payload: PAYLOADS[FrameType.scan]!,
        })
      );
      assertEquals(code, "protocol", `exchange ${exchange}`);
    });
  }
});
