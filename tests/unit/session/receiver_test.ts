import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  FileSystemError,
  ProtocolError,
  SyncError,
  TransportError,
} from "../../../src/errors.ts";
import {
  type MemoryFaults,
  memoryTransports,
} from "../../../src/net/memory_transport.ts";
import { Receiver, type ReceiverEvent } from "../../../src/session/receiver.ts";
import { RemoteEndpoint } from "../../../src/session/remote_endpoint.ts";
import { openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { FakeEndpoint } from "../../support/fake_endpoint.ts";
import { DONE, SCAN } from "../../support/served_endpoint.ts";
import { party } from "../../support/session_pair.ts";

/** A receiver, and a way to connect to it. */
class Listening {
  readonly clock = new FakeClock();
  readonly events: ReceiverEvent[] = [];
  readonly endpoints: FakeEndpoint[] = [];
  readonly accepted: Promise<void>[] = [];
  failure: Error | undefined;
  readonly receiver = new Receiver({
    open: (): Promise<FakeEndpoint> => {
      if (this.failure !== undefined) return Promise.reject(this.failure);
      const endpoint = new FakeEndpoint({ file: "1" });
      this.endpoints.push(endpoint);
      return Promise.resolve(endpoint);
    },
    software: "receiver/1",
    clientId: "f".repeat(32),
    clock: this.clock,
    wallClock: () => new Date(0),
    onEvent: (event) => void this.events.push(event),
  });

  connect(id: number, back: MemoryFaults = {}): Promise<Session> {
    const [near, far] = memoryTransports({ back });
    this.accepted.push(this.receiver.accept(far));
    return openSession(near, party(id), { clock: this.clock });
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  /** All that was accepted is over, and nothing is left of it. */
  async over(): Promise<void> {
    await Promise.all(this.accepted);
    assertEquals(this.clock.timers, 0);
    for (const { closed } of this.endpoints) assert(closed !== undefined);
  }
}

Deno.test("One sender after the other is served, each from its own endpoint", async () => {
  const listening = new Listening();
  for (const id of [1, 2]) {
    const remote = new RemoteEndpoint(await listening.connect(id));
    await remote.scan(SCAN);
    await remote.close(DONE);
    await Promise.all(listening.accepted);
  }
  assertEquals(listening.kinds(), ["connected", "ended", "connected", "ended"]);
  assertEquals(listening.endpoints.length, 2);
  await listening.over();
});

Deno.test("A second sender hears that the receiver is busy, and with whom", async () => {
  const listening = new Listening();
  const first = await listening.connect(1);
  const error = await assertRejects(() => listening.connect(2), ProtocolError);
  assertEquals(error.code, "busy");
  assertMatch(
    error.message,
    /busy: memory:1 \(test\/1\) has been connected since 1970-01-01 00:00:00/,
  );
  // The first one is not disturbed.
  const remote = new RemoteEndpoint(first);
  await remote.scan(SCAN);
  await remote.close(DONE);
  await listening.over();
  assertEquals(listening.kinds(), ["connected", "refused", "ended"]);
});

Deno.test("D04: A sender that comes back takes the place of its old session", async () => {
  const listening = new Listening();
  const old = await listening.connect(1, { dropFromMessage: 1 });
  const fresh = await listening.connect(1);
  await settle();
  assert(old.signal.aborted);
  const remote = new RemoteEndpoint(fresh);
  await remote.scan(SCAN);
  await remote.close(DONE);
  await listening.over();
  assertEquals(listening.kinds(), [
    "connected",
    "broken",
    "connected",
    "ended",
  ]);
  assertEquals(listening.endpoints[0]?.closed?.kind, "interrupted");
});

Deno.test("A sender that comes back waits until its old endpoint is closed", async () => {
  const listening = new Listening();
  await listening.connect(1);
  await settle();
  const closing = Promise.withResolvers<void>();
  listening.endpoints[0]!.before = (call): Promise<void> | void => {
    if (call === "close") return closing.promise;
  };
  const opening = listening.connect(1);
  await settle();
  assertEquals(listening.endpoints.length, 1);
  closing.resolve();
  const fresh = await opening;
  assertEquals(listening.endpoints.length, 2);
  await new RemoteEndpoint(fresh).close(DONE);
  await listening.over();
});

Deno.test("Of several that come back at once, the last one is served", async () => {
  const listening = new Listening();
  await listening.connect(1);
  const [second, third, fourth] = await Promise.allSettled(
    [1, 1, 1].map((id) => listening.connect(id)),
  );
  assertEquals([second?.status, third?.status], ["rejected", "rejected"]);
  assert(fourth?.status === "fulfilled");
  await new RemoteEndpoint(fourth.value).close(DONE);
  await listening.over();
});

Deno.test("A receiver that can't open its directory says so to the sender", async () => {
  const listening = new Listening();
  listening.failure = new FileSystemError("denied", "Cannot open /target: no");
  const error = await assertRejects(
    () => listening.connect(1),
    ProtocolError,
    "Cannot open /target: no",
  );
  assertEquals(error.code, "refused");
  await listening.over();
  assertEquals(listening.kinds(), ["broken"]);
});

Deno.test("Whoever says nothing is cut off, and does not keep others away", async () => {
  const listening = new Listening();
  const [, far] = memoryTransports();
  listening.accepted.push(listening.receiver.accept(far));
  const remote = new RemoteEndpoint(await listening.connect(1));
  await remote.close(DONE);
  await listening.clock.advance(10_000);
  await listening.over();
  assertEquals(listening.kinds(), ["connected", "ended", "refused"]);
});

Deno.test("A receiver that stops tells its sender, and lets nobody in", async () => {
  const listening = new Listening();
  const session = await listening.connect(1);
  await settle();
  const asking = session.open();
  const answer = asking.receive();
  const failed = assertRejects(() => answer, TransportError, "Ctrl-C");
  await listening.receiver.close({ kind: "interrupted", message: "Ctrl-C" });
  assertEquals((await failed).code, "peer-stopped");
  session.close();
  const error = await assertRejects(() => listening.connect(2), ProtocolError);
  assertEquals(error.code, "refused");
  await listening.over();
});

Deno.test("A session that is dropped ends for its reason; the next sender is served", async () => {
  const listening = new Listening();
  listening.receiver.drop(new SyncError("failed", "nobody is here"));
  const session = await listening.connect(1);
  await settle();
  listening.receiver.drop(new SyncError("failed", "Internal error: x"));
  await session.ended;
  await settle();
  assertEquals(listening.kinds(), ["connected", "broken"]);
  const remote = new RemoteEndpoint(await listening.connect(2));
  await remote.close(DONE);
  await Promise.all(listening.accepted);
  assertEquals(listening.kinds().slice(2), ["connected", "ended"]);
  await listening.over();
});
