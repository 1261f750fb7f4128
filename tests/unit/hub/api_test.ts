/** The HTTP side of a hub, without a socket. */
import { assertEquals, assertRejects } from "@std/assert";
import { Access } from "../../../src/hub/access.ts";
import { createApi, type HttpHandler } from "../../../src/hub/api.ts";
import { Hub } from "../../../src/hub/hub.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import type { HubStore } from "../../../src/hub/store.ts";
import { put } from "../../contract/hub_store_contract.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { until } from "../../support/until.ts";

const IDLE_MS = 30_000;

class Scene implements AsyncDisposable {
  readonly store: HubStore = openMemoryStore();
  readonly clock = new FakeClock();
  readonly hub = new Hub(this.store);
  readonly faults: unknown[] = [];
  readonly #handler: HttpHandler;

  constructor() {
    const { hub, store, clock } = this;
    this.#handler = createApi({
      hub,
      clock,
      access: new Access({
        host: "127.0.0.1",
        keys: store.keys,
        open: true,
        clock,
        turnedAway: () => {},
      }),
      now: Date.now,
      maxFileSize: 1_000_000,
      idleMs: IDLE_MS,
      maxWaiting: 5,
      signal: new AbortController().signal,
      fault: (error) => this.faults.push(error),
    });
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const address = {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: 1,
    } as const;
    const request = new Request(`http://127.0.0.1:1${path}`, init);
    return this.#handler(request, {
      remoteAddr: address,
      completed: Promise.resolve(),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hub.close();
    await this.store.close();
  }
}

Deno.test("B05: a listener that reads nothing is dropped, and the others hear on", async () => {
  await using scene = new Scene();
  const { fanOut } = scene.hub;
  const stuck = await scene.ask("/events");
  const reader = (await scene.ask("/events")).body!
    .pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  const reading = (async () => {
    for (let part; !(part = await reader.read()).done;) heard += part.value;
  })();
  assertEquals(fanOut.listeners, 2);
  for (let i = 0; i < 20; i++) {
    await put(scene.store, `f${i}`, `${i}`);
    await until("it is heard", () => heard.includes(`"f${i}"`));
  }
  assertEquals([fanOut.listeners, fanOut.dropped], [1, 1]);
  await assertRejects(() => stuck.text(), Error, "too slow");
  scene.hub.close();
  await reading;
});

/** A body that begins, and never goes on. */
function stuckBody(first: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller): void {
      controller.enqueue(new TextEncoder().encode(first));
    },
  });
}

Deno.test("a body that does not go on is given up, and leaves nothing", async () => {
  await using scene = new Scene();
  const type = "multipart/form-data; boundary=x";
  const form =
    '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\npart';
  const cases: [string, string, string][] = [
    ["/upload", type, form],
    ["/upload", type, "--x"],
    ["/register", "application/json", '{"name":'],
  ];
  for (const [path, contentType, first] of cases) {
    const asked = scene.ask(path, {
      method: "POST",
      headers: { "content-type": contentType },
      body: stuckBody(first),
    });
    await until("it waits", async () => {
      await settle();
      return scene.clock.timers > 0;
    });
    await scene.clock.advance(IDLE_MS);
    const response = await asked;
    assertEquals(response.status, 408, await response.text());
  }
  assertEquals((await scene.store.totals()).chunks, 0);
  assertEquals(scene.faults, []);
});

Deno.test("what fails inside is told without a detail, and to the hub's own log", async () => {
  await using scene = new Scene();
  await put(scene.store, "f", "text");
  Object.assign(scene.store, {
    read: () => {
      throw new Error("/secret/path broke");
    },
  });
  const response = await scene.ask("/download/f");
  const { code, detail } = await response.json();
  assertEquals([response.status, code, detail], [
    500,
    "failed",
    "The hub failed",
  ]);
  assertEquals(scene.faults.length, 1);
});
