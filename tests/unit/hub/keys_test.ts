import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseRelPath, ROOT } from "../../../src/core/path.ts";
import { UsageError } from "../../../src/errors.ts";
import { Access } from "../../../src/hub/access.ts";
import { allows, type KeyInfo } from "../../../src/hub/keys.ts";
import { HttpProblem } from "../../../src/hub/problem.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import { GUESS_LIMITS } from "../../../src/net/gate.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("a key opens until it expires or is revoked, and only as it is", async () => {
  let now = 1_000;
  const store = openMemoryStore(() => now);
  const { keys } = store;
  const about = { name: "a", role: "write", path: ROOT } as const;
  const key = keys.create({ ...about, expires: 2_000 });
  const found = keys.find(key);
  assertEquals(found?.name, "a");
  const wrong = key.slice(0, -1) + (key.endsWith("A") ? "B" : "A");
  for (
    const text of ["", "lsk_", wrong, key + "A", key.toLowerCase(), ` ${key}`]
  ) {
    assertEquals(keys.find(text), undefined, text);
  }
  now = 2_000;
  assertEquals(keys.find(key), undefined);
  assertEquals(keys.isAlive(found!.id), false);
  const other = keys.create({ ...about, name: "b" });
  const id = keys.find(other)!.id;
  assertEquals(keys.revoke("b"), true);
  assertEquals(keys.revoke("c"), false);
  assertEquals([keys.find(other), keys.isAlive(id)], [undefined, false]);
  assertThrows(() => keys.create(about), UsageError, "already");
  assertThrows(() => keys.create({ ...about, name: "x\n" }), UsageError);
  assertEquals(keys.list().map(({ name }) => name), ["a", "b"]);
  const listed = JSON.stringify(keys.list());
  assert(!listed.includes(key.slice(13)), "no secret is kept");
  await store.close();
});

Deno.test("a role includes the ones below it, at and below its path only", () => {
  const key = (role: KeyInfo["role"], path: string): KeyInfo => ({
    id: "x",
    name: "x",
    role,
    path: parseRelPath(path),
    created: 0,
    expires: undefined,
    revoked: undefined,
  });
  const table: [KeyInfo["role"], KeyInfo["role"], string, string, boolean][] = [
    ["read", "read", "", "a", true],
    ["read", "write", "", "a", false],
    ["write", "read", "", "a", true],
    ["write", "admin", "", "a", false],
    ["admin", "write", "", "", true],
    ["write", "write", "a", "a/b", true],
    ["write", "write", "a", "a", true],
    ["write", "write", "a", "ab", false],
    ["write", "write", "a", "", false],
    ["admin", "read", "a/b", "a", false],
  ];
  for (const [has, wants, prefix, path, expected] of table) {
    const title = `${has} at ${prefix} for ${wants} at ${path}`;
    assertEquals(
      allows(key(has, prefix), wants, parseRelPath(path)),
      expected,
      title,
    );
  }
});

function statusOf(work: () => unknown): number {
  try {
    work();
    return 200;
  } catch (error) {
    if (error instanceof HttpProblem) return error.status;
    throw error;
  }
}

Deno.test("access is refused to pages, other hosts, no key, wrong keys and guessers", async () => {
  const store = openMemoryStore();
  const clock = new FakeClock();
  const told: string[] = [];
  const access = new Access({
    host: "127.0.0.1",
    keys: store.keys,
    open: false,
    clock,
    turnedAway: (_, reason) => told.push(reason),
  });
  const key = store.keys.create({ name: "a", role: "read", path: ROOT });
  const ask = (
    headers: Record<string, string>,
    address = "10.0.0.1",
  ): number => {
    const request = new Request("http://127.0.0.1:1/files", { headers });
    return statusOf(() => access.admit(request, address));
  };
  const right = { authorization: `Bearer ${key}` };
  assertEquals(ask(right), 200);
  assertEquals(ask({}), 401);
  assertEquals(ask({ authorization: `Basic ${key}` }), 401);
  assertEquals(ask({ ...right, origin: "https://evil.example" }), 403);
  assertEquals(ask({ ...right, origin: "null" }), 403);
  assertEquals(
    statusOf(() =>
      access.admitStranger(
        new Request("http://evil.example/health"),
        "10.0.0.1",
      )
    ),
    403,
  );
  for (let i = 0; i < GUESS_LIMITS.failures; i++) {
    assertEquals(ask({ authorization: `Bearer x${i}` }, "10.0.0.9"), 401);
  }
  // It is not even told that it is right now.
  assertEquals(ask(right, "10.0.0.9"), 429);
  assertEquals(ask(right), 200);
  await clock.advance(GUESS_LIMITS.windowMs + 1);
  assertEquals(ask(right, "10.0.0.9"), 200);
  assert(told.some((reason) => reason.includes("wrong tokens")));
  await store.close();
});
