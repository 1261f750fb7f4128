import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { ProtocolError, TransportError } from "../../../src/errors.ts";
import type { ByteWriter } from "../../../src/protocol/bytes.ts";
import { writeChanges } from "../../../src/protocol/change_codec.ts";
import { FrameType } from "../../../src/protocol/frame.ts";
import { writeScanOptions } from "../../../src/protocol/message.ts";
import { settle } from "../../support/fake_clock.ts";
import { fileEntry } from "../../support/fake_endpoint.ts";
import {
  DONE,
  SCAN,
  serve,
  type Served,
} from "../../support/served_endpoint.ts";

type Write = (page: ByteWriter) => void;

/** Asks one question by hand, and waits for all of the answer. */
async function ask(
  { client }: Served,
  type: FrameType,
  write?: Write,
): Promise<void> {
  const exchange = client.open();
  write?.(exchange.page);
  await exchange.send(type, { end: true });
  while (await exchange.receive() !== undefined) { /* it is not looked at */ }
}

const scan = (there: Served): Promise<void> =>
  ask(there, FrameType.scan, (page) => writeScanOptions(page, SCAN));

const CREATE: Change = {
  path: parseRelPath("file"),
  old: undefined,
  new: fileEntry(3),
};

function stage(there: Served, ...changes: Change[]): Promise<void> {
  return ask(there, FrameType.stage, (page) => {
    for (const _ of writeChanges(page, changes)) throw new Error("too many");
  });
}

Deno.test("Questions that come out of order end the session, and nothing is done", async () => {
  const table: [string, (there: Served) => Promise<void>][] = [
    [
      "a list before a scan",
      (there) => ask(there, FrameType.list, (page) => page.varint(0)),
    ],
    ["a confirmation before a scan", (there) => ask(there, FrameType.confirm)],
    [
      "a scan of a target that follows its links",
      (there) =>
        ask(
          there,
          FrameType.scan,
          (page) => writeScanOptions(page, { ...SCAN, symlinks: "follow" }),
        ),
    ],
    ["a stage before a scan", (there) => stage(there, CREATE)],
    ["content before a stage", async (there) => {
      await scan(there);
      await ask(there, FrameType.content);
    }],
    ["a transition before a stage", async (there) => {
      await scan(there);
      await ask(there, FrameType.transition);
    }],
    ["a transition before the content", async (there) => {
      await scan(there);
      await stage(there, CREATE);
      await ask(there, FrameType.transition);
    }],
    ["a transition after another scan", async (there) => {
      await scan(there);
      await stage(there);
      await scan(there);
      await ask(there, FrameType.transition);
    }],
    ["the same content twice", async (there) => {
      await scan(there);
      await stage(there);
      await ask(there, FrameType.content);
      await ask(there, FrameType.content);
    }],
    ["a directory that was not announced", async (there) => {
      await scan(there);
      await ask(there, FrameType.list, (page) => page.varint(1));
    }],
    ["a directory of the level before", async (there) => {
      await scan(there);
      await ask(there, FrameType.list, (page) => page.varint(0));
      await ask(there, FrameType.list, (page) => page.varint(1));
    }],
    [
      "a scan with unknown options",
      (there) => ask(there, FrameType.scan, (page) => page.u16(0x0903)),
    ],
    [
      "a scan with more behind it",
      (there) => ask(there, FrameType.scan, (page) => page.f64(0)),
    ],
    ["a transition with a payload", async (there) => {
      await scan(there);
      await stage(there);
      await ask(there, FrameType.transition, (page) => page.u8(1));
    }],
    ["a request for content", async (there) => {
      await scan(there);
      await ask(there, FrameType.supply);
    }],
  ];
  for (const [what, work] of table) {
    const there = await serve({ dir: {} });
    const error = await work(there).then(() => undefined, (error) => error);
    assertInstanceOf(error, ProtocolError, what);
    assertInstanceOf(await there.served, ProtocolError, what);
    assert(!there.fake.calls.includes("transition"), what);
    assert(!there.fake.calls.includes("write"), what);
    assertEquals(there.fake.closed?.kind, "failed", what);
  }
});

Deno.test("A transition without any content needs no content exchange", async () => {
  const there = await serve({ gone: "1" });
  await scan(there);
  await stage(there, {
    path: parseRelPath("gone"),
    old: fileEntry(1),
    new: undefined,
  });
  await ask(there, FrameType.transition);
  assert(there.fake.calls.includes("written"));
  assertEquals(there.fake.root.children.size, 0);
  await there.remote.close(DONE);
  assertEquals(await there.served, DONE);
});

Deno.test("The peer's goodbye closes the endpoint with its outcome", async () => {
  const there = await serve({});
  const outcome = { kind: "partial", message: "3 paths left out" } as const;
  await there.remote.close(outcome);
  assertEquals(await there.served, outcome);
  assertEquals(there.fake.closed, outcome);
  assert(there.client.signal.aborted && there.server.signal.aborted);
  assertEquals(there.clock.timers, 0);
});

Deno.test("A lost connection stops what the endpoint is doing", async () => {
  const there = await serve({});
  let reason: unknown;
  there.fake.before = async (call, signal): Promise<void> => {
    if (call !== "scan") return;
    await new Promise<void>((resolve) =>
      signal?.addEventListener("abort", () => resolve())
    );
    reason = signal?.reason;
  };
  const asked = scan(there).catch(() => {});
  await settle();
  there.client.close();
  await asked;
  assertInstanceOf(await there.served, TransportError);
  assertInstanceOf(reason, TransportError);
  assertEquals(there.fake.closed?.kind, "interrupted");
});

Deno.test("A goodbye while something is going on stops it", async () => {
  const there = await serve({});
  there.fake.before = async (call, signal): Promise<void> => {
    if (call !== "scan") return;
    await new Promise<void>((resolve) =>
      signal?.addEventListener("abort", () => resolve())
    );
  };
  const asked = scan(there).catch(() => {});
  await settle();
  await there.remote.close({ kind: "interrupted", message: "Ctrl-C" });
  await asked;
  assertEquals(await there.served, { kind: "interrupted", message: "Ctrl-C" });
});

Deno.test("An endpoint that can't be closed fails the one who serves it", async () => {
  const there = await serve({});
  there.fake.before = (call): void => {
    if (call === "close") throw new Error("the disk is gone");
  };
  await there.remote.close(DONE);
  const error = await there.served;
  assertInstanceOf(error, Error);
  assertEquals(error.message, "the disk is gone");
});
