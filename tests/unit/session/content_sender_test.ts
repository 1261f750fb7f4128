import { assert, assertEquals, assertRejects } from "@std/assert";
import { filesOf } from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import type { ContentBatch, SupplyRequest } from "../../../src/core/piece.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import type { CompressMode } from "../../../src/session/compression.ts";
import { RemoteEndpoint } from "../../../src/session/remote_endpoint.ts";
import {
  type ServedRole,
  serveEndpoint,
} from "../../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FrameType } from "../../../src/protocol/frame.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import {
  directoryOf,
  FakeEndpoint,
  type Sketch,
} from "../../support/fake_endpoint.ts";
import { Random } from "../../support/random.ts";
import { DONE, SCAN } from "../../support/served_endpoint.ts";
import { party } from "../../support/session_pair.ts";

interface Modes {
  readonly client: CompressMode;
  readonly server: CompressMode;
}

async function connect(
  sketch: Sketch,
  role: ServedRole,
  modes: Modes,
): Promise<
  {
    client: Session;
    server: Session;
    fake: FakeEndpoint;
    served: Promise<unknown>;
  }
> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const [client, server] = await Promise.all([
    openSession(near, party(1), { clock, compress: modes.client }),
    awaitHello(far, { clock, compress: modes.server })
      .then((pending) => pending.accept(party(2))),
  ]);
  const fake = new FakeEndpoint(sketch);
  const served = serveEndpoint(server, fake, { role }).catch((error) => error);
  return { client, server, fake, served };
}

/** Some files that shrink, some that do not, and some of nothing. */
function manyFiles(): Sketch {
  const random = new Random(81);
  const files: [string, string][] = [];
  for (let i = 0; i < 60; i++) {
    const noise = random.bytes(i % 3 === 0 ? 40_000 : 0).toHex();
    files.push([
      `file ${i}`,
      i % 7 === 0 ? "" : noise + `line ${i}\n`.repeat(i * 200),
    ]);
  }
  return Object.fromEntries(files);
}

/** Sends all files to a target: the bytes that went over the wire. */
async function sendAll(modes: Modes): Promise<number> {
  const sketch = manyFiles();
  const source = new FakeEndpoint(sketch);
  const { client, fake, served } = await connect({}, "target", modes);
  const target = new RemoteEndpoint(client);
  const { root } = await target.scan(SCAN);
  const { changes } = diff(root, source.root, { deletes: true, modes: true });
  const { writable } = await target.stage(changes);
  const requests = [...filesOf(changes)].map((file) => ({
    ...file,
    resume: undefined,
  }));
  await gathered(source.supply(requests)).pipeTo(writable);
  await target.transition(changes);
  assertEquals(fake.content.size, source.content.size);
  for (const [path, bytes] of source.content) {
    assertEquals(fake.content.get(path), bytes);
  }
  await target.close(DONE);
  await served;
  return client.counts.sent;
}

/** Batches of several pieces, as a real source makes them; each is released once. */
function gathered(
  batches: ReadableStream<ContentBatch>,
): ReadableStream<ContentBatch> {
  let pieces: ContentBatch["pieces"] = [];
  let byteLength = 0;
  const flush = (
    controller: TransformStreamDefaultController<ContentBatch>,
  ): void => {
    if (pieces.length > 0) controller.enqueue({ pieces, byteLength });
    pieces = [];
    byteLength = 0;
  };
  return batches.pipeThrough(
    new TransformStream<ContentBatch, ContentBatch>({
      transform(batch, controller): void {
        if (byteLength + batch.byteLength > 150_000) flush(controller);
        pieces = [...pieces, ...batch.pieces];
        byteLength += batch.byteLength;
      },
      flush,
    }),
  );
}

for (const client of ["auto", "on", "off"] as const) {
  for (const server of ["auto", "off"] as const) {
    Deno.test(`Content comes over whole: sender ${client}, receiver ${server}`, async () => {
      const sent = await sendAll({ client, server });
      const plain = [...directoryOf(manyFiles()).children.values()]
        .reduce(
          (sum, entry) => sum + (entry.kind === "file" ? entry.size : 0),
          0,
        );
      const isPacked = client !== "off" && server !== "off";
      assertEquals(sent < plain * 0.8, isPacked, `${sent} of ${plain} bytes`);
    });
  }
}

for (const mode of ["auto", "on", "off"] as const) {
  Deno.test(`A source that answers sends its content whole, too: ${mode}`, async () => {
    const { client, fake, served } = await connect(manyFiles(), "source", {
      client: mode,
      server: mode,
    });
    const source = new RemoteEndpoint(client);
    const { root } = await source.scan(SCAN);
    const empty = directoryOf({});
    const { changes } = diff(empty, root, { deletes: true, modes: true });
    const requests: SupplyRequest[] = [...filesOf(changes)]
      .map((file) => ({ ...file, resume: undefined }));
    const found = new Map<number, Uint8Array>();
    for await (const { pieces } of source.supply(requests)) {
      for (const piece of pieces) {
        assert(piece.kind === "data" && piece.last);
        found.set(piece.index, piece.bytes.slice());
      }
    }
    for (const { index, path } of requests) {
      assertEquals(found.get(index), fake.content.get(path));
    }
    await source.close(DONE);
    await served;
  });
}

Deno.test("B09: a packed frame that was not agreed on ends the session", async () => {
  const { client, served } = await connect({}, "target", {
    client: "auto",
    server: "off",
  });
  assertEquals(client.compression, undefined);
  const exchange = client.open();
  exchange.page.varint(1);
  await exchange.send(FrameType.packed, { end: false });
  assert(await served instanceof ProtocolError);
  await assertRejects(() => exchange.receive(), ProtocolError);
});

Deno.test("B09: what a peer names in its hello changes no level of ours", async () => {
  const modes = { client: "on", server: "auto" } as const;
  const { client, server, served } = await connect({}, "target", modes);
  // The peer is "on", this side stays as it was told.
  assertEquals(
    server.compression?.policy.constructor.name,
    "AdaptiveCompression",
  );
  assertEquals(
    client.compression?.policy.constructor.name,
    "SteadyCompression",
  );
  await client.bye(DONE);
  await served;
});
