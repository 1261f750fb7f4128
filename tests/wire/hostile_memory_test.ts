/**
 * What a peer can make this side remember is bounded, whatever it sends for it.
 * Each of these took hundreds of megabytes once, or would without its limit.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Entry } from "../../src/core/entry.ts";
import type { Name } from "../../src/core/path.ts";
import { ProtocolError } from "../../src/errors.ts";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { ChangeReader } from "../../src/protocol/change_codec.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_PAYLOAD_BYTES, MAX_RECORDS } from "../../src/protocol/limits.ts";
import { ListingReader } from "../../src/protocol/listing_codec.ts";
import {
  PathListReader,
  ProblemReader,
  writeScanOptions,
} from "../../src/protocol/message.ts";
import { Quota } from "../../src/protocol/quota.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello } from "../../src/session/open_session.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { FakeEndpoint } from "../support/fake_endpoint.ts";
import { HostileSender } from "../support/hostile_peer.ts";
import {
  bytes,
  directory,
  failure,
  file,
  path,
  problem,
  put,
  remove,
  text,
} from "../support/hostile_records.ts";
import { SCAN } from "../support/served_endpoint.ts";
import { bytesOf, party } from "../support/session_pair.ts";
import { encodeMessage, joined } from "../support/wire_message.ts";

const MIB = 1024 * 1024;

/** Grown by `work`, in bytes; what became garbage meanwhile may count, too. */
async function growthOf(
  work: () => Promise<unknown> | unknown,
): Promise<number> {
  const before = Deno.memoryUsage().rss;
  const held = await work();
  const growth = Deno.memoryUsage().rss - before;
  // Nothing of it was given up before it was measured.
  assert(held !== null);
  return growth;
}

/** Takes pages of records of one kind, as far as `quota` goes. */
type Reader = (quota: Quota) => (page: ByteReader) => unknown;

/** Readers, and record number `i` for each: four characters of text. */
const READERS: Readonly<
  Record<string, { readonly reader: Reader; record(i: number): Uint8Array }>
> = {
  "changes": {
    reader: readChanges,
    record: (i) => remove(nameOf(i)),
  },
  "entries of a new tree": {
    reader: readChanges,
    record: (i) =>
      i === 0 ? put(nameOf(i), directory()) : joined(text(nameOf(i)), file()),
  },
  "listed entries": {
    reader: readListing,
    record: (i) => joined(text(nameOf(i)), file()),
  },
  "problems": {
    reader: (quota) => {
      const reader = new ProblemReader(quota);
      return (page) => reader.read(page);
    },
    record: (i) => problem(1, nameOf(i), ""),
  },
  "paths": {
    reader: (quota) => {
      const reader = new PathListReader(quota);
      return (page) => reader.read(page);
    },
    record: (i) => path(nameOf(i)),
  },
};

function readChanges(quota?: Quota): (page: ByteReader) => unknown {
  const reader = new ChangeReader({ ...(quota && { quota }) });
  return (page) => [...reader.read(page)];
}

function readListing(quota?: Quota): (page: ByteReader) => unknown {
  const children = new Map<Name, Entry>();
  const reader = new ListingReader({
    ...(quota && { quota }),
    isRoot: false,
    childrenOf: () => children,
    onEnd: () => {},
  });
  return (page) => reader.read(page);
}

/** Four characters, in name order. */
function nameOf(i: number): string {
  return String(i).padStart(4, "0");
}

Deno.test("A26: a list is refused at the first record beyond what it may hold", () => {
  for (const [what, { reader, record }] of Object.entries(READERS)) {
    const limits: [string, RegExp, Quota, number][] = [
      ["records", /too many/, new Quota("x", 1000), 1000],
      ["text", /too much text/, new Quota("x", 5000, 400), 100],
    ];
    for (const [limit, message, quota, allowed] of limits) {
      const read = reader(quota);
      for (let i = 0; i < allowed; i++) read(new ByteReader(record(i)));
      const error = assertThrows(
        () => read(new ByteReader(record(allowed))),
        ProtocolError,
        undefined,
        `${what}: ${limit}`,
      );
      assertMatch(error.message, message);
    }
  }
});

Deno.test("A26: 5,000,000 of the entries that take most memory fit what a process has", async () => {
  const pages = Array.from({ length: 300 }, (_, i) => {
    // Directories in a directory: each has children of its own.
    const entries = Array.from({ length: 1_000 }, (_, k) => {
      const name = String(i * 1_000 + k).padStart(8, "0");
      return joined(text(name), directory(), bytes(0));
    });
    return joined(...entries);
  });
  const read = readChanges();
  const growth = await growthOf(() => {
    read(new ByteReader(put("new", directory())));
    for (const page of pages) read(new ByteReader(page));
    return read;
  });
  const all = growth / (1_000 * pages.length) * MAX_RECORDS;
  assert(all < 3_500 * MIB, `${all / MIB} MiB`);
});

Deno.test("A26: paths that come in five bytes each can't fill the memory", async () => {
  const deep = `${"x".repeat(1_000)}/`.repeat(65);
  const readers: Record<string, (i: number) => Uint8Array> = {
    paths: (i) => path(`${i}`, deep.length),
    problems: (i) => joined(bytes(1), path(`${i}`, deep.length), text("")),
  };
  for (const [what, record] of Object.entries(readers)) {
    const reader = what === "paths"
      ? new PathListReader()
      : new ProblemReader();
    const growth = await growthOf(() => {
      const first = joined(
        what === "paths" ? bytes() : bytes(1),
        path(deep + "x"),
      );
      reader.read(
        new ByteReader(joined(first, what === "paths" ? bytes() : text(""))),
      );
      assertThrows(
        () => {
          // 20,000 of them would take 1.3 GB.
          for (let i = 0; i < 20_000; i++) {
            reader.read(new ByteReader(record(i)));
          }
        },
        ProtocolError,
        "too much text",
      );
      return reader;
    });
    assert(growth < 640 * MIB, `${what}: ${growth / MIB} MiB`);
  }
});

/** A sender whose first question, a scan, keeps the target busy until it is gone. */
async function withBusyTarget(
  work: (sender: HostileSender) => Promise<void>,
): Promise<void> {
  const [near, far] = memoryTransports();
  const fake = new FakeEndpoint();
  const { promise: released, resolve } = Promise.withResolvers<void>();
  const served = awaitHello(far, { clock: new FakeClock() })
    .then((pending) => pending.accept(party(2)))
    .then((session) => serveEndpoint(session, fake, { role: "target" }))
    .catch(() => {});
  using sender = await HostileSender.over(near);
  await sender.scan();
  fake.before = (): Promise<void> => released;
  const payload = bytesOf((writer) => writeScanOptions(writer, SCAN));
  await sender.ask(FrameType.scan, payload);
  await settle();
  await work(sender);
  // It was put up with: what came is either waiting or forgotten.
  assertEquals(fake.closed, undefined);
  resolve();
  sender.raw.close();
  await served;
}

/** How many frames come until the connection is closed. */
async function countFrames({ raw }: HostileSender): Promise<number> {
  let count = 0;
  while (await raw.receive() !== undefined) count++;
  return count;
}

Deno.test("A26: frames that wait hold no more than they have paid credit for", async () => {
  await withBusyTarget(async (sender) => {
    const padding = new Uint8Array(MAX_PAYLOAD_BYTES - 100);
    // Of the exchange that is over: nobody looks at it.
    const filler = { type: FrameType.cancel, exchange: 1, end: false };
    const question = { type: FrameType.stage, exchange: 5, end: false };
    const message = encodeMessage(
      { ...question, payload: bytes(1) },
      { ...filler, payload: padding },
    );
    const growth = await growthOf(async () => {
      for (let i = 0; i < 3_000; i++) {
        await sender.raw.sendMessage(message);
        if (i % 50 === 0) await settle();
      }
      await settle();
    });
    // 3,000 messages have 750 MiB.
    assert(growth < 250 * MIB, `${growth / MIB} MiB`);
  });
});

Deno.test("A26: questions that are asked and cancelled at once leave nothing behind", async () => {
  await withBusyTarget(async (sender) => {
    const pairs = 100_000;
    const answers = countFrames(sender);
    const growth = await growthOf(async () => {
      let exchange = 5;
      for (let i = 0; i < pairs; i += 2_000) {
        const frames = Array.from({ length: 2_000 }, () => {
          exchange += 2;
          const ask = { type: FrameType.list, exchange, end: false };
          return [
            { ...ask, payload: bytes() },
            { ...ask, type: FrameType.cancel, payload: failure(9, "") },
          ];
        });
        await sender.raw.sendMessage(encodeMessage(...frames.flat()));
        await settle();
      }
    });
    sender.raw.close();
    // Each is answered, so all have arrived.
    assert(await answers >= pairs);
    // An exchange that is kept takes 3 kB.
    assert(growth < 150 * MIB, `${growth / MIB} MiB`);
  });
});
