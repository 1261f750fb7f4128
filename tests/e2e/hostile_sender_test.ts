/** Hostile senders against the program: it stays well, and serves the next one. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FrameType } from "../../src/protocol/frame.ts";
import { assertEnded } from "../support/carriers.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { Ground } from "../support/hostile_ground.ts";
import {
  helloRecord,
  HostileSender,
  Rejected,
} from "../support/hostile_peer.ts";
import {
  bytes,
  failure,
  file,
  goodbye,
  piece,
  put,
  remove,
  symlink,
  tree,
} from "../support/hostile_records.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, Program, type Receiver, sync } from "../support/program.ts";
import { BINARY, frame, RawSocket } from "../support/raw_socket.ts";
import { until } from "../support/until.ts";
import { encodeMessage } from "../support/wire_message.ts";
import { SENDER_CASES, TARGET_FILES } from "../wire/hostile_sender_cases.ts";

const MIB = 1024 * 1024;
const KEEP = ["--keep-listening"];

/** Everything that a terminal would not show as text. */
// deno-lint-ignore no-control-regex
const NO_TEXT = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]/;

/** An honest sender comes, and makes the target equal to its source. */
async function assertServes(receiver: Receiver, ground: Ground): Promise<void> {
  const source = ground.temp.directory("source");
  writeTree(source, { honest: "content", dir: { inner: "other" } });
  assertEnded(await sync(source, receiver.url, ["--retry-for", "0"]));
  await assertSameTree(source, ground.target);
  assert(!exists(`${ground.target}/.lockstep`));
  ground.canary.assertAlive();
}

Deno.test("A01-A04, A06-A08, A10-A13, A16, A20-A23, A25, A32, A34, A35: the program refuses all of it, changes nothing, and serves the next sender", async () => {
  await using ground = new Ground(TARGET_FILES);
  await using receiver = await listen(ground.target, KEEP);
  for (const { row, what, attack } of SENDER_CASES) {
    using sender = await HostileSender.connect(receiver.url);
    const { code } = await sender.rejection(attack);
    assert(
      ["protocol", "unsafe-path"].includes(code),
      `${row}, ${what}: ${code}`,
    );
    await until("the session to be over", async () => {
      // Only one at a time is served: who comes too early hears so.
      const { code } = await freeOf(receiver.url);
      return code !== "busy";
    });
  }
  ground.assertUnchanged();
  await assertServes(receiver, ground);
});

/** What somebody else hears who connects: `undefined` that there is room. */
async function freeOf(url: string): Promise<{ code: string | undefined }> {
  try {
    using sender = await HostileSender.connect(url, helloRecord(2));
    await sender.bye(6);
    return { code: undefined };
  } catch (error) {
    if (error instanceof Rejected) return { code: error.verdict.code };
    throw error;
  }
}

Deno.test("A05, A07, A08, A22, A31: odd names and links out of the tree are stored as they are, and lead nowhere", async () => {
  await using ground = new Ground(TARGET_FILES);
  await using receiver = await listen(ground.target, KEEP);
  const names = ["..\\x", "CON", "__proto__", "constructor", "git~1", "x:y"];
  {
    using sender = await HostileSender.connect(receiver.url);
    await sender.push(
      [
        put("odd", tree(...names.map((name) => [name, tree()] as const))),
        put("out", symlink("../outside")),
        put("dir", symlink("../outside/directory")),
      ],
      [],
    );
    // What was a directory in the scan is a link now.
    for (const name of ["inner", "new"]) {
      await sender.stage(put(`dir/${name}`, file({ size: 1, mode: 0o777 })));
      await sender.content(piece("x"));
      await sender.transition();
      ground.canary.assertAlive();
    }
    assertEquals(await sender.bye(2), undefined);
  }
  assertEquals(namesIn(`${ground.target}/odd`), names);
  await assertServes(receiver, ground);
});

test(
  "A19: text, garbage and silence before the hello are cut off, and keep nobody away",
  [
    "linux",
  ],
  async () => {
    await using ground = new Ground(TARGET_FILES);
    await using receiver = await listen(ground.target, KEEP);
    using text = await RawSocket.connect(receiver.port);
    await text.sendText(`{"a":${"[".repeat(200_000)}`);
    await receiver.event("turned-away", {});
    using garbage = await RawSocket.connect(receiver.port);
    await garbage.sendBinary(new Uint8Array(1_000).fill(0xff));
    using unmasked = await RawSocket.connect(receiver.port);
    await unmasked.write(new Uint8Array(1_000).fill(0xff));
    using early = await RawSocket.connect(receiver.port);
    const question = { type: FrameType.scan, exchange: 1, end: true };
    await early.sendBinary(encodeMessage({ ...question, payload: bytes() }));
    await until(
      "all four to be turned away",
      () => turnedAway(receiver).length >= 4,
    );
    ground.assertUnchanged();
    await assertServes(receiver, ground);
  },
);

test(
  "A33: who sends its hello byte by byte is cut off, and keeps nobody away",
  [
    "linux",
  ],
  async () => {
    await using ground = new Ground(TARGET_FILES);
    await using receiver = await listen(ground.target, KEEP);
    using socket = await RawSocket.connect(receiver.port);
    const hello = { type: FrameType.hello, exchange: 0, end: false };
    const message = frame(
      BINARY,
      encodeMessage({ ...hello, payload: helloRecord() }),
    );
    const dripping = (async () => {
      for (const byte of message.subarray(0, -1)) {
        if (turnedAway(receiver).length > 0) return;
        await socket.write(Uint8Array.of(byte));
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    })();
    await assertServes(receiver, ground);
    const told = await receiver.event("turned-away");
    assertMatch(String(told.reason), /did not introduce itself/);
    await dripping.catch(() => {});
  },
);

function turnedAway({ events }: Receiver): unknown[] {
  return events.filter(({ event }) => event === "turned-away");
}

Deno.test("A11, A29: who would empty the target is stopped by --max-delete", async () => {
  await using ground = new Ground(TARGET_FILES);
  await using receiver = await listen(ground.target, [
    ...KEEP,
    "--max-delete",
    "2",
  ]);
  const everything = ["file", "dir", "link", "inside"];
  const attempts = [
    everything.map((name) => remove(name)),
    [remove("dir"), remove("link"), put("file", tree())],
    [put("dir", file()), remove("link"), remove("inside")],
  ];
  for (const changes of attempts) {
    using sender = await HostileSender.connect(receiver.url);
    await sender.scan();
    const code = await sender.stage(...changes).then(
      () => "nothing",
      (error) => error instanceof Rejected ? error.verdict.code : `${error}`,
    );
    assertEquals(code, "guard");
    await sender.bye(3);
  }
  // Nor bit by bit, in one session.
  using sender = await HostileSender.connect(receiver.url);
  await sender.scan();
  await sender.stage(remove("link"), remove("inside"));
  const code = await sender.stage(remove("file")).then(
    () => "nothing",
    (error) => error instanceof Rejected ? error.verdict.code : `${error}`,
  );
  assertEquals(code, "guard");
  await sender.bye(3);
  ground.assertUnchanged();
});

test(
  "A28: whatever a sender calls things, and itself, only text gets to the terminal",
  [
    "linux",
  ],
  async () => {
    const evil = "\x1b]0;owned\x07\x1b[2J\r\nDone\u202egpj.exe\x9b31m\x00";
    const name = evil.replaceAll("\0", "").replaceAll("/", "");
    for (const json of [[], ["--json"]]) {
      await using ground = new Ground(TARGET_FILES);
      await using program = new Program(
        ["listen", "-p", "0", "-o", ground.target, "-v", ...KEEP, ...json],
      );
      const url = await until(
        "the address",
        () => /ws:\/\/127\.0\.0\.1:\d+/.exec(program.stdout)?.[0],
      );
      const long = `${name}${"x".repeat(300)}`;
      {
        using sender = await HostileSender.connect(
          url,
          helloRecord(1, { software: evil }),
        );
        // One that is stored, and one that is named because it can't be.
        await sender.push(
          [put(name, file({ size: 1 })), put(long, file({ size: 1 }))],
          [piece("1"), piece("1", { skip: 1 })],
        );
        await sender.raw.send(FrameType.bye, { payload: goodbye(5, evil) });
        await until("the goodbye", () => saidBy(program).includes("owned"));
      }
      {
        using sender = await HostileSender.connect(url);
        const payload = failure(9, `9${evil}`);
        await sender.raw.send(FrameType.failed, { payload });
        await until("the failure", () => /9.*owned/.test(saidBy(program)));
      }
      assert(namesIn(ground.target).includes(name));
      for (const output of [program.stdout, program.stderr]) {
        assertEquals(NO_TEXT.exec(output), null, JSON.stringify(output));
      }
    }
  },
);

/** All that it has said so far. */
function saidBy({ stdout, stderr }: Program): string {
  return stdout + stderr;
}

for (const pauseMs of [0, 10]) {
  const way = pauseMs === 0 ? "as fast as it can" : "bit by bit";
  test(
    `B05: who asks ${way} and never reads the answers is given up, and takes little memory until then`,
    ["linux"],
    async () => {
      await using ground = new Ground(TARGET_FILES);
      await using receiver = await listen(ground.target, KEEP);
      using socket = await RawSocket.connect(receiver.port);
      const hello = { type: FrameType.hello, exchange: 0, end: false };
      await socket.sendBinary(
        encodeMessage({ ...hello, payload: helloRecord() }),
      );
      await receiver.event("connected");
      const flooding = flood(socket, pauseMs);
      const told = await receiver.event("waiting");
      const reason = pauseMs === 0 ? /more than it can/ : /reads nothing/;
      assertMatch(String(told.error), reason);
      assert(peakOf(receiver) < 400 * MIB, `${peakOf(receiver) / MIB} MiB`);
      await assertServes(receiver, ground);
      socket[Symbol.dispose]();
      await flooding;
    },
  );
}

/**
 * Asks and cancels until the connection breaks: each is answered with as many
 * bytes, for which no credit is due.
 */
async function flood(socket: RawSocket, pauseMs: number): Promise<void> {
  const payload = failure(9, "x".repeat(1_000));
  for (let exchange = 1, sent = 0; sent < 512 * MIB;) {
    const frames = Array.from({ length: 200 }, () => {
      const ask = { type: FrameType.list, exchange, end: false };
      exchange += 2;
      const cancel = { ...ask, type: FrameType.cancel, payload };
      return [{ ...ask, payload: bytes() }, cancel];
    });
    const message = encodeMessage(...frames.flat());
    sent += message.length;
    try {
      await socket.sendBinary(message);
    } catch {
      return;
    }
    if (pauseMs === 0) continue;
    // A receiver that has to wait for a core is not to find several at once.
    await until("the receiver to read it", () => socket.unread() === 0);
    await new Promise((go) => setTimeout(go, pauseMs));
  }
}

/** The most memory that a process has had so far, in bytes. */
function peakOf({ pid }: Program): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
}
