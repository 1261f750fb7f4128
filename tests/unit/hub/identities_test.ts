import { assert, assertEquals, assertRejects } from "@std/assert";
import { ProtocolError } from "../../../src/errors.ts";
import { Identities } from "../../../src/hub/identities.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";

const ID = "0123456789abcdef".repeat(2);
const TOKEN = "f".repeat(32);

function holder(run: string): Parameters<Identities["guard"]>[1] {
  return { run, name: `client ${run}`, stop: new AbortController() };
}

Deno.test("C16: a second program with the identity of the first is refused while that is connected", async () => {
  const store = openMemoryStore();
  const identities = new Identities();
  const first = identities.guard(store.pairings, holder("one"));
  await first.look(ID);
  const second = identities.guard(store.pairings, holder("two"));
  await assertRejects(
    () => second.look(ID),
    ProtocolError,
    "Identity in use: client one",
  );
  await assertRejects(
    () => second.commit(ID, { current: TOKEN, previous: undefined }),
    ProtocolError,
    "Identity in use",
  );
  first[Symbol.dispose]();
  assertEquals((await second.look(ID)).tokens, undefined);
  await store.close();
});

Deno.test("a program that connects once more takes the place of its old session, which commits nothing more", async () => {
  const store = openMemoryStore();
  const identities = new Identities();
  const [one, again] = [holder("same"), holder("same")];
  const old = identities.guard(store.pairings, one);
  await old.look(ID);
  const now = identities.guard(store.pairings, again);
  await now.look(ID);
  assert(one.stop.signal.aborted);
  await assertRejects(() =>
    old.commit(ID, { current: TOKEN, previous: undefined })
  );
  old[Symbol.dispose]();
  const tokens = { current: TOKEN, previous: undefined };
  await now.commit(ID, tokens);
  assertEquals((await now.look(ID)).tokens, tokens);
  assert(!again.stop.signal.aborted);
  await store.close();
});

Deno.test("a hub remembers the last run with each directory, by its epoch", async () => {
  const store = openMemoryStore();
  const { pairings, epoch } = store;
  assertEquals(await pairings.look(ID), {
    rootId: epoch,
    isReplaced: false,
    tokens: undefined,
  });
  const first = { current: "a".repeat(32), previous: undefined };
  await pairings.commit(ID, first);
  assertEquals((await pairings.look(ID)).tokens, first);
  const second = { current: "b".repeat(32), previous: "a".repeat(32) };
  await pairings.commit(ID, second);
  assertEquals((await pairings.look(ID)).tokens, second);
  assertEquals((await pairings.look("e".repeat(32))).tokens, undefined);
  await store.close();
});
