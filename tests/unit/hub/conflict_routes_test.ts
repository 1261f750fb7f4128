/** Conflicts that clients tell of, over the HTTP side of a hub without a socket. */
import { assertEquals } from "@std/assert";
import { Access } from "../../../src/hub/access.ts";
import { createApi, type HttpHandler } from "../../../src/hub/api.ts";
import { Hub } from "../../../src/hub/hub.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import { parseRelPath, ROOT } from "../../../src/core/path.ts";
import { put } from "../../contract/hub_store_contract.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const ID = "0123456789abcdef".repeat(2);
const WHO = { client: "a", operation: "sync" } as const;

class Scene implements AsyncDisposable {
  readonly store = openMemoryStore();
  readonly hub = new Hub(this.store);
  /** Opens all. */
  readonly key = this.store.keys.create({
    name: "main",
    role: "write",
    path: ROOT,
  });
  readonly #handler: HttpHandler;

  constructor() {
    const { hub, store } = this;
    const clock = new FakeClock();
    this.#handler = createApi({
      ...{ hub, clock, now: Date.now },
      access: new Access({
        ...{ host: "127.0.0.1", keys: store.keys, open: false, clock },
        turnedAway: () => {},
      }),
      ...{ maxFileSize: 1_000, idleMs: 1_000 },
      signal: new AbortController().signal,
      fault: (error) => {
        throw error;
      },
    });
  }

  /** The status, and what is said; with a body it is a POST. */
  async ask(
    path: string,
    body?: unknown,
    key = this.key,
    // deno-lint-ignore no-explicit-any
  ): Promise<{ readonly status: number; readonly json: any }> {
    const request = new Request(`http://127.0.0.1:1${path}`, {
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
      },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
    const response = await this.#handler(request, {
      remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
      completed: Promise.resolve(),
    });
    return { status: response.status, json: await response.json() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hub.close();
    await this.store.close();
  }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("a conflict is told of once, if its content is there", async () => {
  await using scene = new Scene();
  const { store } = scene;
  await put(store, "f", bytes("hub"));
  const { digest } = await put(store, "f.copy", bytes("client"));
  const told = {
    ...{ path: "f", copy: "f.copy", kind: "file", side: "client", mtime: 5 },
    digest,
  };
  const first = await scene.ask("/conflicts", told);
  assertEquals(first.status, 201);
  assertEquals(first.json.size, "client".length);
  const again = await scene.ask("/conflicts", told);
  assertEquals(again.json.id, first.json.id);
  const absent = { ...told, digest: "0".repeat(64) };
  assertEquals((await scene.ask("/conflicts", absent)).status, 409);
  for (
    const wrong of [
      { path: "../f" },
      { copy: "a//b" },
      { kind: "socket" },
      { side: "me" },
      { digest: "x" },
      { mtime: "5" },
      { client_id: ID },
      { more: 1 },
    ]
  ) {
    const { status } = await scene.ask("/conflicts", { ...told, ...wrong });
    assertEquals(status, 400, JSON.stringify(wrong));
  }
  const { json } = await scene.ask("/conflicts?path=f");
  assertEquals(json.conflicts.length, 1);
  assertEquals((await scene.ask("/conflicts?path=g")).json.conflicts, []);
  const { id } = first.json;
  assertEquals((await scene.ask(`/conflicts/${id}`)).json.copy, "f.copy");
  assertEquals((await scene.ask("/conflicts/77")).status, 404);
  assertEquals((await scene.ask("/conflicts/x")).status, 404);
});

Deno.test("conflicts of what a key does not open are neither told of nor shown", async () => {
  await using scene = new Scene();
  const { store } = scene;
  const { digest } = await put(store, "f", bytes("1"));
  const told = { path: "f", kind: "file", side: "hub", mtime: 0, digest };
  const { json: { id } } = await scene.ask("/conflicts", told);
  const about = { role: "write", path: parseRelPath("d") } as const;
  const narrow = store.keys.create({ name: "narrow", ...about });
  const { json } = await scene.ask("/conflicts", undefined, narrow);
  assertEquals(json.conflicts, []);
  assertEquals(
    (await scene.ask(`/conflicts/${id}`, undefined, narrow)).status,
    404,
  );
  assertEquals((await scene.ask("/conflicts", told, narrow)).status, 403);
  const inside = { ...told, path: "d/f", copy: "f" };
  assertEquals((await scene.ask("/conflicts", inside, narrow)).status, 403);
});

Deno.test("a digest does not bring content to where a key opens a part", async () => {
  await using scene = new Scene();
  const { store } = scene;
  const { digest } = await put(store, "secret", bytes("1"));
  const about = { role: "write", path: parseRelPath("d") } as const;
  const narrow = store.keys.create({ name: "narrow", ...about });
  const told = { path: "d/f", kind: "file", side: "client", mtime: 0 };
  for (const known of [digest, "0".repeat(64)]) {
    const asked = { ...told, digest: known };
    assertEquals((await scene.ask("/conflicts", asked, narrow)).status, 403);
  }
});

Deno.test("a decision takes a copy away only as long as nobody has worked on it", async () => {
  await using scene = new Scene();
  const { store } = scene;
  const at = (text: string) => parseRelPath(text);
  for (const isEdited of [false, true]) {
    const name = isEdited ? "g" : "f";
    await put(store, name, bytes("hub"));
    const { digest } = await put(store, `${name}.copy`, bytes("client"));
    const { json: { id } } = await scene.ask("/conflicts", {
      ...{ path: name, copy: `${name}.copy`, kind: "file", side: "client" },
      ...{ mtime: 5, digest },
    });
    if (isEdited) await put(store, `${name}.copy`, bytes("worked on"));
    const decided = await scene.ask(`/conflicts/${id}/resolve`, {
      keep: "other",
    });
    assertEquals(decided.status, 200);
    assertEquals((await store.latest(at(name)))?.digest, digest);
    const copy = await store.latest(at(`${name}.copy`));
    assertEquals(copy?.kind, isEdited ? "file" : "deleted");
    const again = await scene.ask(`/conflicts/${id}/resolve`, {
      keep: "current",
    });
    assertEquals(again.status, 409);
  }
});

Deno.test("a directory that is taken back brings all that is in it, or nothing happens", async () => {
  await using scene = new Scene();
  const { store } = scene;
  await put(store, "x", bytes("file"));
  await put(store, "x.copy/d/f", bytes("deep"));
  const told = {
    ...{ path: "x", copy: "x.copy", kind: "directory", side: "client" },
    mtime: 5,
  };
  const { json: { id } } = await scene.ask("/conflicts", told);
  await scene.ask(`/conflicts/${id}/resolve`, { keep: "other" });
  const paths = (await store.files({ limit: 10 })).map(({ path }) => path);
  assertEquals(
    paths.filter((path) => path as string !== ""),
    [
      "x",
      "x/d",
      "x/d/f",
    ].map(parseRelPath),
  );

  await put(store, "y.copy/f", bytes("1"));
  const other = { ...told, path: "y", copy: "y.copy" };
  const { json } = await scene.ask("/conflicts", other);
  await store.commit([{
    path: parseRelPath("y.copy"),
    state: { kind: "deleted" },
    expected: { kind: "any" },
    subtree: true,
  }], WHO);
  const gone = await scene.ask(`/conflicts/${json.id}/resolve`, {
    keep: "other",
  });
  assertEquals(gone.status, 409);
  assertEquals(
    (await scene.ask(`/conflicts/${json.id}`)).json.resolution,
    undefined,
  );
});

Deno.test("a client registers under the id that it has, and only a key for everything takes it over", async () => {
  await using scene = new Scene();
  const { store } = scene;
  const mine = { name: "laptop", client_id: ID };
  const made = await scene.ask("/register", mine);
  assertEquals([made.status, made.json.client_id], [201, ID]);
  const about = { role: "write", path: parseRelPath("d") } as const;
  const narrow = store.keys.create({ name: "narrow", ...about });
  const stolen = await scene.ask("/register", { ...mine, name: "x" }, narrow);
  assertEquals(stolen.status, 403);
  const other = store.keys.create({ name: "new", role: "write", path: ROOT });
  await scene.ask("/register", { ...mine, name: "renamed" }, other);
  const { clients } = store;
  assertEquals(clients.list().map(({ id, name }) => [id, name]), [[
    ID,
    "renamed",
  ]]);
});
