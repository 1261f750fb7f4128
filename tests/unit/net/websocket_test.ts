import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ProtocolError, TransportError } from "../../../src/errors.ts";
import type { Transport } from "../../../src/net/transport.ts";
import { upgradeToTransport } from "../../../src/net/upgrade.ts";
import {
  type ConnectOptions,
  connectWebSocket,
} from "../../../src/net/websocket.ts";

/** A server that upgrades, and the transports that come of it. */
class Server implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #waiting: ((transport: Transport) => void)[] = [];
  readonly requests: Headers[] = [];

  constructor(answer?: (request: Request) => Response) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => {
        this.requests.push(new Headers(request.headers));
        if (answer !== undefined) return answer(request);
        const { response, transport } = upgradeToTransport(request, info);
        transport?.then((transport) => this.#waiting.shift()?.(transport));
        return response;
      },
    );
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** Both ends of a new connection. */
  async connect(
    options: ConnectOptions = {},
  ): Promise<[Transport, Transport]> {
    const accepted = new Promise<Transport>((resolve) =>
      this.#waiting.push(resolve)
    );
    const near = await connectWebSocket(`ws://${this.host}`, options);
    return [near, await accepted];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function send(
  transport: Transport,
  ...messages: number[][]
): Promise<void> {
  const writer = transport.writable.getWriter();
  for (const message of messages) await writer.write(Uint8Array.from(message));
  writer.releaseLock();
}

async function receiveAll(transport: Transport): Promise<number[][]> {
  const messages: number[][] = [];
  for await (const message of transport.readable) messages.push([...message]);
  return messages;
}

Deno.test("Messages cross a WebSocket whole and in order, both ways", async () => {
  await using server = new Server();
  const [near, far] = await server.connect({ token: "secret" });
  await send(near, [1, 2, 3], [4]);
  await send(far, [5]);
  const received = [receiveAll(near), receiveAll(far)];
  near.close();
  const [there, here] = await Promise.all(received);
  assertEquals(here, [[1, 2, 3], [4]]);
  assert(there!.length <= 1);
  assertEquals(near.counts.sent, 4);
  assertEquals(far.counts.received, 4);
  assertEquals(server.requests[0]?.get("authorization"), "Bearer secret");
  assertEquals(near.peer, server.host);
  assertMatch(far.peer, /^127\.0\.0\.1:\d+$/);
});

Deno.test("The bytes of a message may be used again after its write", async () => {
  await using server = new Server();
  const [near, far] = await server.connect();
  const writer = near.writable.getWriter();
  const bytes = new Uint8Array(100_000);
  for (const value of [1, 2, 3]) {
    bytes.fill(value);
    await writer.write(bytes);
  }
  const reader = far.readable.getReader();
  for (const value of [1, 2, 3]) {
    const { value: message } = await reader.read();
    assert(message!.every((byte) => byte === value));
  }
  reader.releaseLock();
  const ended = receiveAll(far);
  near.close();
  await ended;
});

Deno.test("Closing in order ends the other side's messages; sending fails then", async () => {
  await using server = new Server();
  const [near, far] = await server.connect();
  far.close("bye");
  far.close("bye again");
  assertEquals(await receiveAll(near), []);
  await assertRejects(() => send(near, [1]), TransportError);
  await assertRejects(() => send(far, [1]), TransportError);
});

Deno.test("A text message breaks the connection", async () => {
  const { promise: socket, resolve } = Promise.withResolvers<WebSocket>();
  await using server = new Server((request) => {
    const upgraded = Deno.upgradeWebSocket(request, {
      protocol: "lockstep.v1",
    });
    upgraded.socket.onopen = () => resolve(upgraded.socket);
    return upgraded.response;
  });
  const transport = await connectWebSocket(`ws://${server.host}`);
  const closed = new Promise((resolve) =>
    socket.then((socket) => socket.onclose = resolve)
  );
  (await socket).send("some text");
  await assertRejects(() => receiveAll(transport), ProtocolError, "text");
  await closed;
});

Deno.test("A connection that is cut off is lost", async () => {
  await using server = new Server();
  const [hostname, port] = server.host.split(":");
  const proxy = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = connectWebSocket(`ws://127.0.0.1:${proxy.addr.port}`);
  const inner = await proxy.accept();
  const outer = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const piping = inner.readable.pipeTo(outer.writable).catch(() => {});
  // The answer to the upgrade still comes through, then the line is cut.
  const answer = new Uint8Array(4096);
  const length = await outer.read(answer);
  await inner.write(answer.subarray(0, length ?? 0));
  const transport = await connecting;
  const received = receiveAll(transport);
  inner.close();
  const error = await assertRejects(() => received, TransportError);
  assertEquals(error.code, "connection-lost");
  await piping;
  proxy.close();
});

Deno.test("Whoever does not listen is unreachable, by host and port", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    () => connectWebSocket(`ws://127.0.0.1:${port}`),
    TransportError,
    `127.0.0.1:${port}`,
  );
  assertEquals(error.code, "unreachable");
  assertMatch(error.message, /nobody listens/);
  const unknown = await assertRejects(
    () => connectWebSocket("ws://nowhere.invalid"),
    TransportError,
    "nowhere.invalid:80",
  );
  assertEquals(unknown.code, "unreachable");
});

Deno.test("An answer in HTTP is a refusal that names the status", async () => {
  const table = [
    [200, "refused", "not a Lockstep receiver"],
    [302, "refused", "not a Lockstep receiver"],
    [401, "refused", "token"],
    [403, "refused", "does not let"],
    [404, "refused", "not a Lockstep receiver"],
    [426, "refused", "not a Lockstep receiver"],
    [429, "unreachable", "too many tries"],
    [500, "refused", "not a Lockstep receiver"],
    [502, "unreachable", "proxy"],
    [503, "unreachable", "proxy"],
  ] as const;
  for (const [status, code, words] of table) {
    await using server = new Server(() => new Response("<html>", { status }));
    const error = await assertRejects(
      () => connectWebSocket(`ws://${server.host}`),
      Error,
      `${status}`,
    ) as TransportError | ProtocolError;
    assertEquals(error.code, code);
    assertMatch(error.message, new RegExp(words));
  }
});

Deno.test("A WebSocket server of another kind is no receiver", async () => {
  await using server = new Server((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.close();
    return response;
  });
  const error = await assertRejects(
    () => connectWebSocket(`ws://${server.host}`),
    Error,
  ) as ProtocolError;
  assertEquals(error.code, "refused");
});

Deno.test("A server that never answers is given up", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const accepted = listener.accept();
  const error = await assertRejects(
    () => connectWebSocket(`ws://127.0.0.1:${port}`, { timeoutMs: 50 }),
    TransportError,
    "no answer within",
  );
  assertEquals(error.code, "unreachable");
  (await accepted).close();
  listener.close();
});

Deno.test("A signal ends the attempt to connect", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const accepted = listener.accept();
  const stop = new AbortController();
  const connecting = connectWebSocket(`ws://127.0.0.1:${port}`, {
    signal: stop.signal,
  });
  const connection = await accepted;
  stop.abort(new Error("enough"));
  await assertRejects(() => connecting, Error, "enough");
  connection.close();
  listener.close();
});

Deno.test("A browser that asks gets an answer for people", async () => {
  await using server = new Server();
  const response = await fetch(`http://${server.host}/`);
  assertEquals(response.status, 426);
  assertMatch(await response.text(), /This is a Lockstep receiver/);
  const foreign = new WebSocket(`ws://${server.host}/`, ["chat"]);
  await new Promise((resolve) => foreign.onclose = resolve);
  assertEquals(server.requests.length, 2);
});
