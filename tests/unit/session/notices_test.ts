import { assertEquals, assertInstanceOf } from "@std/assert";
import { ProtocolError } from "../../../src/errors.ts";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import { RemoteEndpoint } from "../../../src/session/remote_endpoint.ts";
import { serveEndpoint } from "../../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { FakeEndpoint } from "../../support/fake_endpoint.ts";
import { SCAN } from "../../support/served_endpoint.ts";
import { party } from "../../support/session_pair.ts";

async function connected(): Promise<{ client: Session; server: Session }> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const options = { clock, twoWay: true };
  const [client, server] = await Promise.all([
    openSession(near, party(1), options),
    awaitHello(far, { ...options, notices: true })
      .then((pending) => pending.accept(party(2))),
  ]);
  return { client, server };
}

Deno.test("a side that is watched tells once for each scan, however often it changes", async () => {
  const { client, server } = await connected();
  let change = (): void => {};
  const fake = Object.assign(new FakeEndpoint({ a: "1" }), {
    notices: {
      subscribe(onChange: () => void): Promise<void> {
        change = onChange;
        return Promise.resolve();
      },
    },
  });
  const served = serveEndpoint(server, fake, { role: "peer" });
  const remote = new RemoteEndpoint(client);
  let told = 0;
  await remote.notices!.subscribe(() => void told++);
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) {
    for (let k = 0; k < 5; k++) change();
    await settle();
    counts.push(told);
    await remote.scan(SCAN);
  }
  assertEquals(counts, [1, 2, 3]);
  await remote.close({ kind: "done", message: "" });
  await served;
  assertEquals(client.signal.reason instanceof ProtocolError, false);
});

Deno.test("a peer that tells more often than it may loses the session", async () => {
  const { client, server } = await connected();
  const fake = Object.assign(new FakeEndpoint({ a: "1" }), {
    notices: { subscribe: () => Promise.resolve() },
  });
  const served = serveEndpoint(server, fake, { role: "peer" })
    .catch((error) => error);
  const remote = new RemoteEndpoint(client);
  let told = 0;
  await remote.notices!.subscribe(() => void told++);
  server.tellChanged();
  await settle();
  assertEquals([told, client.signal.aborted], [1, false]);
  server.tellChanged();
  await settle();
  assertEquals(told, 1);
  assertInstanceOf(client.signal.reason, ProtocolError);
  await served;
});

Deno.test("a side that does not watch is not asked to", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const [client, server] = await Promise.all([
    openSession(near, party(1), { clock }),
    awaitHello(far, { clock }).then((pending) => pending.accept(party(2))),
  ]);
  assertEquals(new RemoteEndpoint(client).notices, undefined);
  client.close();
  server.close();
});
