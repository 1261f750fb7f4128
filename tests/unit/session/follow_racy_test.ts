import { assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { Feed } from "../../../src/session/feed.ts";
import { Follower } from "../../../src/session/follow.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

const SCAN = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: { rules: [], files: [] },
} as const;

/** Files are dated by this many milliseconds. */
const TICK_MS = 10;

/** A watched source and its target in a memory that dates files by the tick. */
async function start(): Promise<{
  write: (text: string) => Promise<void>;
  /** The next time that the file is read, it can't be. */
  failRead: () => void;
  target: () => Promise<string>;
  advance: (ms: number) => Promise<void>;
  rounds: () => number;
  /** The target is lost, and another connection follows. */
  reconnect: () => Promise<void>;
  stop: () => Promise<void>;
}> {
  const clock = new FakeClock();
  const began = 1_600_000_000_000;
  const timeOfDay = (): number => began + clock.now();
  const fs = MemoryFileSystem.from({ "s/a": "before", "t/": null }, {
    now: () => Math.floor(timeOfDay() / TICK_MS) * TICK_MS,
    traits: {
      modes: true,
      symlinks: true,
      owners: true,
      watches: "recursive",
    },
  });
  const end = new AbortController();
  const { signal } = end;
  const feed = await Feed.open(await LocalEndpoint.open(fs, "s"), {
    scan: SCAN,
    place: { isThere: () => true, open: () => LocalEndpoint.open(fs, "s") },
    clock,
    rescanMs: 0,
    signal,
    onEvent: () => {},
  });
  const follower = new Follower(feed, {
    checksum: false,
    symlinks: "copy",
    deletes: true,
    clock,
    timeOfDay,
    guards: () => Promise.resolve([]),
    repairMs: 0,
    staysOnFailure: true,
    onSynced: () => {},
    onHalted: () => {},
    onWarning: () => {},
  });
  const feeding = feed.run();
  const follow = (target: LocalEndpoint): () => Promise<void> => {
    const lost = new AbortController();
    const following = follower.follow(target, lost.signal);
    return async (): Promise<void> => {
      lost.abort();
      await following.catch(() => {});
      await target.close({ kind: "interrupted", message: "" });
    };
  };
  const open = (): Promise<LocalEndpoint> =>
    LocalEndpoint.open(fs, "t", { durable: false });
  let lose = follow(await open());
  const root = await fs.openRoot("s");
  const there = await fs.openRoot("t");
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 12; turn++) await settle();
  };
  return {
    async write(text): Promise<void> {
      const file = await root.openWritable("a" as Name);
      await file.write(new TextEncoder().encode(text), 0);
      file.close();
    },
    failRead: () =>
      fs.failCall({ method: "readFile", name: "a" as Name, code: "io" }),
    async target(): Promise<string> {
      const room = new Uint8Array(64);
      const { length } = await there.readFile("a" as Name, room);
      return new TextDecoder().decode(room.subarray(0, length));
    },
    async advance(ms): Promise<void> {
      for (let i = 0; i < ms; i++) {
        await turns();
        await clock.advance(1);
      }
      await turns();
    },
    rounds: () => follower.rounds,
    async reconnect(): Promise<void> {
      await lose();
      lose = follow(await open());
    },
    async stop(): Promise<void> {
      end.abort();
      await lose();
      await feeding;
      feed.close();
      root.close();
      there.close();
      await feed.source.close({ kind: "done", message: "" });
    },
  };
}

/** Writes twice within one tick; the first one is at the target in between. */
async function writeTwice(
  world: Awaited<ReturnType<typeof start>>,
): Promise<void> {
  await world.advance(100);
  assertEquals([await world.target(), world.rounds()], ["before", 1]);
  await world.write("first!");
  await world.advance(6);
  assertEquals([await world.target(), world.rounds()], ["first!", 2]);
  // Its size and times are those of the first one.
  await world.write("second");
}

Deno.test("a file is sent at once, and again if it was written to within the same tick", async () => {
  const world = await start();
  await writeTwice(world);
  await world.advance(5);
  assertEquals(await world.target(), "first!");
  await world.advance(100);
  assertEquals([await world.target(), world.rounds()], ["second", 3]);
  await world.stop();
});

Deno.test("a file that was sent at once is sent once, if nobody writes to it again", async () => {
  const world = await start();
  await world.advance(100);
  await world.write("alone!");
  await world.advance(200);
  assertEquals([await world.target(), world.rounds()], ["alone!", 2]);
  await world.stop();
});

Deno.test("a second write within the tick outlives a lost connection", async () => {
  const world = await start();
  await writeTwice(world);
  await world.reconnect();
  await world.advance(5);
  assertEquals(await world.target(), "first!");
  await world.advance(100);
  assertEquals(await world.target(), "second");
  await world.stop();
});

Deno.test("what could not be sent is no round, until it is", async () => {
  const world = await start();
  await world.advance(100);
  world.failRead();
  await world.write("later!");
  await world.advance(6);
  assertEquals(world.rounds(), 1);
  await world.advance(5_000);
  assertEquals([await world.target(), world.rounds()], ["later!", 2]);
  await world.stop();
});
