import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { type Change, filesOf } from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { ProtocolError, TransportError } from "../../../src/errors.ts";
import type { MemoryFaults } from "../../../src/net/memory_transport.ts";
import { settle } from "../../support/fake_clock.ts";
import { FakeEndpoint, fileEntry } from "../../support/fake_endpoint.ts";
import {
  DONE,
  SCAN,
  serve,
  type Served,
} from "../../support/served_endpoint.ts";

const SKETCH = { dir: { file: "content", more: { deep: "x" } }, other: "y" };

/** A whole push, from the scan to the goodbye. */
async function push({ remote }: Served): Promise<void> {
  const source = new FakeEndpoint(SKETCH);
  const mine = await source.scan(SCAN);
  const theirs = await remote.scan(SCAN, { known: Promise.resolve(mine) });
  const options = { deletes: true, modes: true };
  const changes: readonly Change[] = diff(theirs.root, mine.root, options)
    .changes;
  const absent = changes.filter((change) => change.new === undefined);
  await remote.confirmAbsent(absent.map(({ path }) => path));
  const staging = await remote.stage(changes);
  const requests = [...filesOf(changes)]
    .map((file) => ({ ...file, resume: undefined }));
  await source.supply(requests).pipeTo(staging.writable);
  await remote.transition(changes);
  await remote.close(DONE);
}

/** Messages of a push in which nothing goes wrong, without those of the handshake. */
const MESSAGES = 12;

Deno.test("D01: A connection that is cut at any message leaves both sides free", async () => {
  const ends = new Set<string>();
  for (const way of ["there", "back"] as const) {
    for (let cutAtMessage = 1; cutAtMessage < MESSAGES; cutAtMessage++) {
      const faults: MemoryFaults = { cutAtMessage };
      const at = `${way} at message ${cutAtMessage}`;
      const there = await serve({ gone: "z" }, { faults: { [way]: faults } });
      const error = await push(there).then(() => undefined, (error) => error);
      const served = await there.served;
      if (error === undefined) {
        ends.add("done");
        // What was carried out stays; the goodbye may not have been heard.
        assertEquals(there.fake.text("dir/more/deep"), "x", at);
      } else {
        ends.add("broken");
        assertInstanceOf(error, TransportError, at);
        assertEquals(error.code, "connection-lost", at);
        assertInstanceOf(served, TransportError, at);
      }
      await Promise.all([there.client.ended, there.server.ended]);
      assert(there.fake.closed !== undefined, at);
      assertEquals(there.clock.timers, 0, at);
    }
  }
  // The table is long enough to get past the end.
  assertEquals([...ends].sort(), ["broken", "done"]);
});

const PIECES = 10;

/**
 * Sends a file in `PIECES` messages to an endpoint that is stuck in the first of
 * them; ends the session in this way; and lets the endpoint go on.
 */
async function stopWhileWriting(
  end: (there: Served, faults: { cutAtByte?: number }) => unknown,
): Promise<Served> {
  const faults: { cutAtByte?: number } = {};
  const there = await serve({}, { faults: { there: faults } });
  await there.remote.scan(SCAN);
  const path = parseRelPath("file");
  const { writable } = await there.remote.stage([
    { path, old: undefined, new: fileEntry(PIECES) },
  ]);
  const slow = Promise.withResolvers<void>();
  there.fake.before = (call): Promise<void> | void => {
    if (call === "write") return slow.promise;
  };
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  for (let offset = 0; offset < PIECES; offset++) {
    const last = offset === PIECES - 1;
    const bytes = Uint8Array.of(offset);
    await writer.write({
      pieces: [{ kind: "data", index: 0, offset, bytes, last }],
      byteLength: 1,
    });
    await settle();
  }
  end(there, faults);
  await settle();
  assert(there.fake.closed === undefined);
  slow.resolve();
  await there.served;
  return there;
}

function writesOf({ fake }: Served): number {
  return fake.calls.filter((call) => call === "write").length;
}

Deno.test("What had arrived when the connection was lost is written before the endpoint is closed", async () => {
  const table: [string, Parameters<typeof stopWhileWriting>[0]][] = [
    ["closed at the other end", ({ client }) => client.close()],
    ["cut", ({ client, remote }, faults) => {
      faults.cutAtByte = client.counts.sent;
      remote.scan(SCAN).catch(() => {});
    }],
    [
      "taken over by a new one",
      ({ server }) => server.close(new TransportError("once more")),
    ],
  ];
  for (const [what, end] of table) {
    const there = await stopWhileWriting(end);
    const error = await there.served;
    assertInstanceOf(error, TransportError, what);
    assertEquals(error.code, "connection-lost", what);
    assertEquals(writesOf(there), PIECES, what);
    assertEquals(there.fake.calls.slice(-2), ["aborted", "close"], what);
    await Promise.all([there.client.ended, there.server.ended]);
    assertEquals(there.clock.timers, 0, what);
  }
});

Deno.test("What had arrived is not looked at when the session ends in another way", async () => {
  const table: [string, Parameters<typeof stopWhileWriting>[0]][] = [
    ["a fault", ({ server }) => server.close(new ProtocolError("a fault"))],
    [
      "a stop at this side",
      ({ server }) => server.close(new DOMException("Ctrl-C", "AbortError")),
    ],
    [
      "a goodbye",
      ({ remote }) => remote.close({ kind: "interrupted", message: "Ctrl-C" }),
    ],
  ];
  for (const [what, end] of table) {
    const there = await stopWhileWriting(end);
    assertEquals(writesOf(there), 1, what);
    assertEquals(there.fake.calls.at(-1), "close", what);
    await Promise.all([there.client.ended, there.server.ended]);
    assertEquals(there.clock.timers, 0, what);
  }
});
