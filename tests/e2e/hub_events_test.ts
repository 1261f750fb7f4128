/** Who listens to a hub: server-sent events, and notifications over WebSocket. */
import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import {
  curl,
  type HubProgram,
  serve,
  upload,
} from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

interface Heard {
  readonly id: string | undefined;
  readonly event: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

/** A client of `/events`. */
class EventClient implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly #stop = new AbortController();
  readonly ended: Promise<void>;
  #lines: ReadableStreamDefaultReader<string> | undefined;

  constructor(
    hub: HubProgram,
    key: string,
    headers: Record<string, string> = {},
  ) {
    this.ended = this.#listen(`${hub.url}/events`, {
      ...headers,
      ...(key !== "" && { authorization: `Bearer ${key}` }),
    });
  }

  names(): string[] {
    return this.heard.map(({ event, data }) => `${event} ${data.path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // On a busy machine, reading went on for ever once though it was aborted.
    await this.#lines?.cancel().catch(() => {});
    await this.ended;
  }

  async #listen(url: string, headers: Record<string, string>): Promise<void> {
    try {
      const { body } = await fetch(url, { headers, signal: this.#stop.signal });
      this.#lines = body!.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream()).getReader();
      let fields: Record<string, string> = {};
      for (;;) {
        const { done, value: line } = await this.#lines.read();
        if (done) break;
        if (line === "" && fields["event"] !== undefined) {
          this.heard.push({
            id: fields["id"],
            event: fields["event"],
            data: JSON.parse(fields["data"]!),
          });
          fields = {};
        }
        const [, name, value] = /^(\w+): (.*)$/.exec(line) ?? [];
        if (name !== undefined) fields[name] = value!;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }
}

/** A client of `/ws`. */
class NoticeClient implements AsyncDisposable {
  // deno-lint-ignore no-explicit-any
  readonly heard: any[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<CloseEvent>;

  constructor(hub: HubProgram, key: string, id: string) {
    const url = `${hub.url.replace("http", "ws")}/ws/${id}`;
    const headers = { authorization: `Bearer ${key}` };
    this.socket = new WebSocket(url, { headers });
    this.socket.onmessage = ({ data }) => this.heard.push(JSON.parse(data));
    this.closed = new Promise((resolve) => this.socket.onclose = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

async function register(
  hub: HubProgram,
  key: string,
  name: string,
): Promise<string> {
  const body = JSON.stringify({ name });
  return (await curl(key, `${hub.url}/register`, "--json", body)).json
    .client_id;
}

test(
  "server-sent events go on where a listener left off",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"), ["--no-auth"]);
    await upload(hub, "", "one", "1");
    await upload(hub, "", "two", "2");
    let last: string | undefined;
    {
      await using client = new EventClient(hub, "", { "last-event-id": "1" });
      await until("what was missed", () => client.heard.length === 1);
      assertEquals(client.names(), ["file_changed two"]);
      await upload(hub, "", "three", "3");
      await curl("", `${hub.url}/files/one`, "-X", "DELETE");
      await until("what is new", () => client.heard.length === 3);
      assertEquals(client.names().slice(1), [
        "file_changed three",
        "file_deleted one",
      ]);
      last = client.heard.at(-1)!.id;
    }
    await upload(hub, "", "four", "4");
    await using again = new EventClient(hub, "", { "last-event-id": last! });
    await until("what came meanwhile", () => again.heard.length === 1);
    assertEquals(again.names(), ["file_changed four"]);
    // Of a hub whose data was put back nobody knows what was missed.
    await using future = new EventClient(hub, "", { "last-event-id": "999" });
    await until("a reset", () => future.heard.length === 1);
    assertEquals(future.heard[0]!.event, "reset");
  },
);

test("clients hear over WebSocket of changes, conflicts and each other", [
  "curl",
], async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"));
  const { key } = hub;
  const [a, b] = [await register(hub, key, "a"), await register(hub, key, "b")];
  await using first = new NoticeClient(hub, key, a);
  await until("itself", () => first.heard.length === 1);
  {
    await using second = new NoticeClient(hub, key, b);
    await until("the other one", () => first.heard.length === 2);
    const { json } = await upload(hub, key, "f", "1", { client_id: b });
    await upload(hub, key, "f", "2", { base: 0 });
    await until(
      "both",
      () => first.heard.length === 4 && second.heard.length === 3,
    );
    second.socket.send(
      JSON.stringify({ type: "ack", revision: json.revision }),
    );
    await until("the ack", async () => {
      const { clients } = (await curl(key, `${hub.url}/clients`)).json;
      const found = clients.find((c: { name: string }) => c.name === "b");
      return found.revision === json.revision && found.lag === 0 &&
        found.online;
    });
  }
  await until("the goodbye", () => first.heard.length === 5);
  assertEquals(
    first.heard.map(({ type, client, path }) => [type, path ?? client]),
    [
      ["client_joined", a],
      ["client_joined", b],
      ["file_changed", "f"],
      ["conflict", "f"],
      ["client_left", b],
    ],
  );
  assertEquals(first.heard[2].client, b);
});

test(
  "who is no client, is another key's, or says what makes no sense is closed with 1008",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"));
    const made = await run([
      "key",
      "create",
      "--data-dir",
      temp.at("data"),
      "--name",
      "x",
    ]);
    const other = made.stdout.trim();
    const id = await register(hub, hub.key, "a");
    for (
      const [key, client] of [[hub.key, "0".repeat(32)], [hub.key, ""], [
        other,
        id,
      ]]
    ) {
      await using stranger = new NoticeClient(hub, key!, client!);
      const { code, reason } = await stranger.closed;
      assertEquals([code, reason], [1008, "unknown client"]);
    }
    for (
      const message of [
        "nonsense",
        "{}",
        "null",
        '{"type":"ack","revision":-1}',
      ]
    ) {
      await using client = new NoticeClient(hub, hub.key, id);
      await until("it is open", () => client.heard.length > 0);
      client.socket.send(message);
      assertEquals((await client.closed).code, 1008, message);
    }
    await using long = new NoticeClient(hub, hub.key, id);
    await until("it is open", () => long.heard.length > 0);
    long.socket.send("x".repeat(5_000));
    assertEquals((await long.closed).code, 1009);
    // No key, no socket.
    await using none = new NoticeClient(hub, "wrong", id);
    assert((await none.closed).code !== 1000);
  },
);

test(
  "C02, C24: a key that is revoked hears nothing more, and a part's only of its part",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    await using hub = await serve(data);
    const made = await run([
      ...["key", "create", "--data-dir", data, "--name", "part"],
      ...["--path", "mine"],
    ]);
    const part = made.stdout.trim();
    const id = await register(hub, part, "part");
    await using events = new EventClient(hub, part, { "last-event-id": "0" });
    await using notices = new NoticeClient(hub, part, id);
    await until(
      "it is open",
      () => notices.socket.readyState === WebSocket.OPEN,
    );
    await upload(hub, hub.key, "other/f", "1");
    await upload(hub, hub.key, "mine/f", "1");
    await until(
      "its part",
      () => events.heard.length > 1 && notices.heard.length > 1,
    );
    assertEquals(events.names(), ["file_changed mine", "file_changed mine/f"]);
    assert(notices.heard.every(({ path }) => path.startsWith("mine")));
    await run(["key", "revoke", "part", "--data-dir", data]);
    await events.ended;
    assertEquals((await notices.closed).code, 1008);
  },
);
