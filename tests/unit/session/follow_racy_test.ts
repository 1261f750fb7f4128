import { assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { follow, type FollowedTree } from "../../support/followed_tree.ts";

const A = "a" as Name;

function start(): Promise<FollowedTree> {
  return follow({ a: "before" });
}

async function write({ source }: FollowedTree, text: string): Promise<void> {
  const file = await source.openWritable(A);
  await file.write(new TextEncoder().encode(text), 0);
  file.close();
}

async function contentAt({ target }: FollowedTree): Promise<string> {
  const room = new Uint8Array(64);
  const { length } = await target.readFile(A, room);
  return new TextDecoder().decode(room.subarray(0, length));
}

/** Writes twice within one tick; the first one is at the target in between. */
async function writeTwice(
  world: FollowedTree,
): Promise<void> {
  await world.advance(100);
  assertEquals([await contentAt(world), world.rounds()], ["before", 1]);
  await write(world, "first!");
  await world.advance(6);
  assertEquals([await contentAt(world), world.rounds()], ["first!", 2]);
  // Its size and times are those of the first one.
  await write(world, "second");
}

Deno.test("a file is sent at once, and again if it was written to within the same tick", async () => {
  const world = await start();
  await writeTwice(world);
  await world.advance(5);
  assertEquals(await contentAt(world), "first!");
  await world.advance(100);
  assertEquals([await contentAt(world), world.rounds()], ["second", 3]);
  await world.stop();
});

Deno.test("a file that was sent at once is sent once, if nobody writes to it again", async () => {
  const world = await start();
  await world.advance(100);
  await write(world, "alone!");
  await world.advance(200);
  assertEquals([await contentAt(world), world.rounds()], ["alone!", 2]);
  await world.stop();
});

Deno.test("a second write within the tick outlives a lost connection", async () => {
  const world = await start();
  await writeTwice(world);
  await world.reconnect();
  await world.advance(5);
  assertEquals(await contentAt(world), "first!");
  await world.advance(100);
  assertEquals(await contentAt(world), "second");
  await world.stop();
});

Deno.test("what could not be sent is no round, until it is", async () => {
  const world = await start();
  await world.advance(100);
  world.fs.failCall({ method: "readFile", name: A, code: "io" });
  await write(world, "later!");
  await world.advance(6);
  assertEquals(world.rounds(), 1);
  await world.advance(5_000);
  assertEquals([await contentAt(world), world.rounds()], ["later!", 2]);
  await world.stop();
});
