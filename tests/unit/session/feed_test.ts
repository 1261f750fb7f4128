import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Name, RelPath } from "../../../src/core/path.ts";
import { entryAt } from "../../../src/core/snapshot.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { Feed } from "../../../src/session/feed.ts";
import { Follower } from "../../../src/session/follow.ts";
import type { RoundObserver } from "../../../src/session/round_observer.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import type { SourceEvent } from "../../../src/session/watched_root.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

/** A watched source and a target that follows it, in memory. */
async function start(
  reach: "recursive" | "children" | "none",
  limit = Infinity,
  observers: readonly RoundObserver[] = [],
): Promise<{
  fs: MemoryFileSystem;
  feed: Feed;
  follower: Follower;
  events: SourceEvent[];
  place: { there: boolean };
  advance: (ms: number) => Promise<void>;
  stop: () => Promise<void>;
}> {
  const clock = new FakeClock();
  const fs = MemoryFileSystem.from(
    { "s/a": "1", "s/d/e/f": "2", "t/": null },
    { traits: { modes: true, symlinks: true, owners: true, watches: reach } },
  );
  fs.watches.limit = limit;
  const events: SourceEvent[] = [];
  const end = new AbortController();
  const { signal } = end;
  const place = { there: true };
  const source = await LocalEndpoint.open(fs, "s");
  const feed = await Feed.open(source, {
    scan: PLAIN_SCAN,
    place: {
      isThere: () => place.there,
      open: () => LocalEndpoint.open(fs, "s"),
    },
    clock,
    rescanMs: 60_000,
    signal,
    onEvent: (event) => void events.push(event),
  });
  const follower = new Follower(feed, {
    checksum: false,
    symlinks: "copy",
    deletes: true,
    clock,
    guards: () => Promise.resolve([]),
    observers,
    repairMs: 0,
    staysOnFailure: false,
    onSynced: () => {},
    onHalted: () => {},
    onWarning: () => {},
  });
  const target = await LocalEndpoint.open(fs, "t", { durable: false });
  const running = [feed.run(), follower.follow(target, signal)];
  return {
    fs,
    feed,
    follower,
    events,
    place,
    async advance(ms): Promise<void> {
      for (let i = 0; i < 5; i++) {
        for (let turn = 0; turn < 8; turn++) await settle();
        await clock.advance(ms / 5);
      }
      for (let turn = 0; turn < 8; turn++) await settle();
    },
    async stop(): Promise<void> {
      end.abort();
      await Promise.all(running);
      feed.close();
      await target.close({ kind: "done", message: "" });
      await feed.source.close({ kind: "done", message: "" });
      assertEquals(fs.watches.active, 0);
    },
  };
}

for (const reach of ["recursive", "children", "none"] as const) {
  Deno.test(`a target follows a source of which watches see: ${reach}`, async () => {
    const { fs, follower, advance, stop, events } = await start(reach);
    await advance(10);
    assertEquals(fs.dump("t"), fs.dump("s"));
    const root = await fs.openRoot("s/d");
    await root.createDirectory("new" as Name);
    const made = await root.openDirectory("new" as Name);
    await made.createDirectory("deep" as Name);
    const e = await root.openDirectory("e" as Name);
    await e.removeFile("f" as Name);
    for (let i = 0; i < 30; i++) await advance(200);
    assertEquals(fs.dump("t"), fs.dump("s"));
    // Directories that are new are watched as well.
    const deep = await made.openDirectory("deep" as Name);
    await deep.createSymlink("l" as Name, "x", 1e12);
    for (let i = 0; i < 30; i++) await advance(200);
    assertEquals(fs.dump("t"), fs.dump("s"));
    assert(follower.rounds >= 3);
    assertEquals(events.length, reach === "none" ? 1 : 0);
    if (reach === "children") assertEquals(fs.watches.active, 5);
    for (const directory of [root, made, e, deep]) directory.close();
    await stop();
  });
}

Deno.test("H06: a file that is saved by way of a backup is never missing at the target", async () => {
  const { fs, advance, stop } = await start("recursive");
  await advance(100);
  const root = await fs.openRoot("s");
  const there = await fs.openRoot("t");
  const names = async (): Promise<string[]> =>
    (await there.list()).entries.map(({ name }) => name as string).sort();
  await root.rename("a" as Name, root, "a~" as Name);
  for (let i = 0; i < 9; i++) {
    await advance(20);
    assertEquals(await names(), ["a", "d"]);
  }
  const content = new TextEncoder().encode("saved");
  const metadata = { mode: 0o644, mtime: 1e12 };
  await root.createFile("a" as Name, content, metadata);
  await advance(300);
  assertEquals(await names(), ["a", "a~", "d"]);
  assertEquals(fs.dump("t"), fs.dump("s"));
  // Who does not come back was renamed.
  await root.rename("a" as Name, root, "a.bak" as Name);
  await advance(600);
  assertEquals(await names(), ["a.bak", "a~", "d"]);
  root.close();
  there.close();
  await stop();
});

/** Writes down what was moved, created and deleted. */
function teller(told: string[]): RoundObserver {
  return {
    staging(): void {},
    passing(): void {},
    applied({ moves, achieved }): Promise<void> {
      for (const { from, to } of moves) told.push(`${from} -> ${to}`);
      for (const { path, old, new: wanted } of achieved) {
        if (old === undefined) told.push(`+ ${path}`);
        if (wanted === undefined) told.push(`- ${path}`);
      }
      return Promise.resolve();
    },
  };
}

Deno.test("what was moved is told of, though another move of the same round has failed", async () => {
  const told: string[] = [];
  const { fs, advance, stop } = await start("recursive", Infinity, [
    teller(told),
  ]);
  await advance(100);
  told.length = 0;
  const root = await fs.openRoot("s");
  fs.failCall({ method: "link", name: "a", code: "no-space" });
  await root.rename("d" as Name, root, "x" as Name);
  await root.rename("a" as Name, root, "b" as Name);
  await advance(500);
  assertEquals(fs.dump("t"), fs.dump("s"));
  assertEquals(told, ["d -> x", "+ b", "- a"]);
  root.close();
  await stop();
});

Deno.test("a directory is moved, though the event of its old path was lost", async () => {
  const told: string[] = [];
  const { fs, advance, stop } = await start("recursive", Infinity, [
    teller(told),
  ]);
  await advance(100);
  told.length = 0;
  fs.watches.passes = (event) => event.kind !== "changed" || event.path !== "d";
  const root = await fs.openRoot("s");
  await root.createDirectory("new" as Name);
  const made = await root.openDirectory("new" as Name);
  await root.rename("d" as Name, made, "d" as Name);
  await advance(500);
  assertEquals(fs.dump("t"), fs.dump("s"));
  assertEquals(told.sort(), ["+ new", "d -> new/d"]);
  made.close();
  root.close();
  await stop();
});

Deno.test("a watch that can't see all says so once, and the rest is looked at", async () => {
  const { fs, advance, stop, events } = await start("children", 2);
  await advance(10);
  const e = await fs.openRoot("s/d/e");
  await e.removeFile("f" as Name);
  e.close();
  for (let i = 0; i < 30; i++) await advance(200);
  assertEquals(fs.dump("t"), fs.dump("s"));
  assertEquals(events.map(({ kind }) => kind), ["warning"]);
  await stop();
});

Deno.test("nothing is told of a source that is gone, until it is back", async () => {
  const { fs, feed, place, advance, stop, events } = await start("recursive");
  await advance(10);
  const { number } = feed.version!;
  place.there = false;
  const root = await fs.openRoot("s");
  await root.removeFile("a" as Name);
  for (let i = 0; i < 20; i++) await advance(500);
  assertEquals(feed.version!.number, number);
  assertEquals(Object.keys(fs.dump("t")).sort(), ["a", "d/e/f"]);
  place.there = true;
  for (let i = 0; i < 20; i++) await advance(100);
  assertEquals(entryAt(feed.version!.snapshot.root, "a" as never), undefined);
  assertEquals(fs.dump("t"), fs.dump("s"));
  assertEquals(events.map(({ kind }) => kind), ["source-lost", "source-back"]);
  root.close();
  await stop();
});

Deno.test("Several targets follow one source, each in its own time", async () => {
  const clock = new FakeClock();
  const fs = MemoryFileSystem.from(
    { "s/a": "1", "s/d/e": "2", "t0/": null, "t1/": null, "t2/x": "extra" },
    {
      traits: {
        modes: true,
        symlinks: true,
        owners: true,
        watches: "recursive",
      },
    },
  );
  const end = new AbortController();
  const source = await LocalEndpoint.open(fs, "s");
  let scans = 0;
  const scan = source.scan.bind(source);
  source.scan = (...args) => {
    scans++;
    return scan(...args);
  };
  const feed = await Feed.open(source, {
    scan: PLAIN_SCAN,
    place: { isThere: () => true, open: () => LocalEndpoint.open(fs, "s") },
    clock,
    rescanMs: 0,
    signal: end.signal,
    onEvent: () => {},
  });
  // The second stands still in its rounds until it is let go on.
  const gate = Promise.withResolvers<readonly []>();
  const targets = await Promise.all([0, 1, 2].map(async (i) => {
    const follower = new Follower(feed, {
      checksum: false,
      symlinks: "copy",
      deletes: true,
      clock,
      guards: () => i === 1 ? gate.promise : Promise.resolve([]),
      repairMs: 0,
      staysOnFailure: false,
      onSynced: () => {},
      onHalted: () => {},
      onWarning: () => {},
    });
    const target = await LocalEndpoint.open(fs, `t${i}`, { durable: false });
    return { follower, target };
  }));
  const advance = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      for (let turn = 0; turn < 8; turn++) await settle();
      await clock.advance(10);
    }
  };
  const running = [
    feed.run(),
    ...targets.map(({ follower, target }) =>
      follower.follow(target, end.signal)
    ),
  ];
  await advance();
  const root = await fs.openRoot("s");
  for (const name of ["new", "newer"] as Name[]) {
    await root.createSymlink(name, "x", 1e12);
    await advance();
    for (const place of ["t0", "t2"]) {
      assertEquals(fs.dump(place), fs.dump("s"));
    }
  }
  assertEquals(targets.map(({ follower }) => follower.rounds), [3, 0, 3]);
  gate.resolve([]);
  await advance();
  assertEquals(fs.dump("t1"), fs.dump("s"));
  // It has missed nothing, though the first of its two rounds was old news.
  assertEquals(targets[1]!.follower.rounds, 2);
  assertEquals(scans, 1);
  end.abort();
  await Promise.all(running);
  feed.close();
  for (const { target } of targets) {
    await target.close({ kind: "done", message: "" });
  }
  await feed.source.close({ kind: "done", message: "" });
  assertEquals(fs.watches.active, 0);
});

Deno.test("settled() answers with a version that has what was there before", async () => {
  const { fs, feed, follower, place, advance, stop } = await start("none");
  const never = new AbortController().signal;
  await advance(1_000);
  assertEquals(follower.reached, feed.version!.number);

  // Nothing has told of it, and the next scan is far away.
  const s = await fs.openRoot("s");
  await s.createDirectory("new" as Name);
  s.close();
  const before = feed.version!.number;
  const settling = feed.settled(never);
  await advance(500);
  assertEquals(await settling, before + 1);
  assert(entryAt(feed.version!.snapshot.root, "new" as RelPath) !== undefined);
  assertEquals(follower.reached, before + 1);

  // Where nothing is new, it is the version of now.
  const again = feed.settled(never);
  await advance(500);
  assertEquals(await again, before + 1);

  // Of a source that is gone nothing can be said.
  place.there = false;
  const lost = feed.settled(never);
  await advance(3_000);
  assertEquals(await lost, undefined);
  await stop();
});

/** Writes `name` down when `endpoint` is closed. */
function noteClose(
  endpoint: LocalEndpoint,
  name: string,
  closed: string[],
): LocalEndpoint {
  const close = endpoint.close.bind(endpoint);
  endpoint.close = (outcome) => {
    closed.push(name);
    return close(outcome);
  };
  return endpoint;
}

Deno.test("what a source was is closed, though the watch of what it is now does not start", async () => {
  const clock = new FakeClock();
  const fs = MemoryFileSystem.from({ "s/a": "1" });
  const closed: string[] = [];
  const end = new AbortController();
  let isThere = true;
  let opened = 0;
  const feed = await Feed.open(
    noteClose(await LocalEndpoint.open(fs, "s"), "first", closed),
    {
      scan: PLAIN_SCAN,
      place: {
        isThere: () => isThere,
        async open(): Promise<LocalEndpoint> {
          const name = ["second", "third"][opened++]!;
          const next = await LocalEndpoint.open(fs, "s");
          if (name === "second") {
            const watch = next.watch.bind(next);
            next.watch = (options) => {
              const made = watch(options);
              made.start = () => Promise.reject(new TypeError("no watch"));
              return made;
            };
          }
          return noteClose(next, name, closed);
        },
      },
      clock,
      rescanMs: 0,
      signal: end.signal,
      onEvent: () => {},
    },
  );
  const running = feed.run();
  const advance = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      for (let turn = 0; turn < 4; turn++) await settle();
      await clock.advance(100);
    }
  };
  await advance();
  isThere = false;
  await advance();
  assertEquals(closed, []);
  isThere = true;
  await advance();
  assertEquals(opened, 2);
  assertEquals(closed, ["first", "second"]);
  end.abort();
  await running;
  feed.close();
  await feed.source.close({ kind: "done", message: "" });
  assertEquals(closed, ["first", "second", "third"]);
  assertEquals(clock.timers, 0);
  assertEquals(fs.watches.active, 0);
});

Deno.test("a watch that does not start leaves nothing behind", async () => {
  const clock = new FakeClock();
  const fs = MemoryFileSystem.from({ "s/a": "1" });
  const source = await LocalEndpoint.open(fs, "s");
  await source.close({ kind: "done", message: "" });
  await assertRejects(
    () =>
      Feed.open(source, {
        scan: PLAIN_SCAN,
        place: { isThere: () => true, open: () => LocalEndpoint.open(fs, "s") },
        clock,
        rescanMs: 0,
        signal: new AbortController().signal,
        onEvent: () => {},
      }),
    TypeError,
  );
  assertEquals(clock.timers, 0);
});

Deno.test("what is much is looked at when somebody has time for it, or after a second", async () => {
  let gate: PromiseWithResolvers<void> | undefined;
  const observer: RoundObserver = {
    staging(): void {},
    passing(): void {},
    async applied(): Promise<void> {
      await gate?.promise;
    },
  };
  const { fs, feed, advance, stop } = await start("recursive", Infinity, [
    observer,
  ]);
  await advance(10);
  const root = await fs.openRoot("s");
  const directory = await fs.openRoot("s/d");
  const many = async (name: string): Promise<void> => {
    for (let i = 0; i < 150; i++) {
      await directory.createSymlink(`${name} ${i}` as Name, "x", 1e12);
    }
  };
  const isSeen = (name: string): boolean => {
    const { root } = feed.version!.snapshot;
    return entryAt(root, `d/${name} 0` as RelPath) !== undefined;
  };

  gate = Promise.withResolvers<void>();
  await root.removeFile("a" as Name);
  await advance(50);
  await many("first");
  await advance(500);
  assert(!isSeen("first"));
  gate.resolve();
  await advance(50);
  assert(isSeen("first"));

  gate = Promise.withResolvers<void>();
  await root.createSymlink("l" as Name, "x", 1e12);
  await advance(50);
  await many("second");
  await advance(500);
  assert(!isSeen("second"));
  await advance(1_000);
  assert(isSeen("second"));
  gate.resolve();
  await advance(500);
  assertEquals(fs.dump("t"), fs.dump("s"));
  root.close();
  directory.close();
  await stop();
});

Deno.test("a directory in which very much has changed is listed at once", async () => {
  const { fs, advance, stop } = await start("recursive");
  await advance(10);
  const calls = { list: 0, lookup: 0 };
  fs.fault = (method, path): undefined => {
    if (method === "list" && path === "s/d") calls.list++;
    if (method === "lookup" && path.startsWith("s/d/l")) calls.lookup++;
  };
  const directory = await fs.openRoot("s/d");
  for (let i = 0; i < 150; i++) {
    await directory.createSymlink(`l${i}` as Name, "x", 1e12);
  }
  await advance(200);
  assertEquals(fs.dump("t"), fs.dump("s"));
  assertEquals(calls, { list: 1, lookup: 0 });
  directory.close();
  await stop();
});

Deno.test("while much is dirty, no version is carried out that is outdated by it", async () => {
  const gate = Promise.withResolvers<void>();
  let isHeld = false;
  const rounds: number[] = [];
  const observer: RoundObserver = {
    staging(): void {},
    passing(): void {},
    async applied({ achieved }): Promise<void> {
      rounds.push([...achieved].length);
      if (isHeld) await gate.promise;
    },
  };
  const { fs, feed, advance, stop } = await start("recursive", Infinity, [
    observer,
  ]);
  await advance(10);
  const root = await fs.openRoot("s");
  const directory = await fs.openRoot("s/d");

  isHeld = true;
  await root.createSymlink("first" as Name, "x", 1e12);
  await advance(50);
  rounds.length = 0;
  // While that is carried out, a version is made of this one …
  const { number } = feed.version!;
  await root.createSymlink("second" as Name, "x", 1e12);
  await advance(50);
  assertEquals(feed.version!.number, number + 1);
  // … but by the time that somebody comes for it, there is much more.
  for (let i = 0; i < 150; i++) {
    await directory.createSymlink(`l${i}` as Name, "x", 1e12);
  }
  await advance(50);
  assertEquals(feed.version!.number, number + 1);
  gate.resolve();
  await advance(100);
  assertEquals(rounds, [1 + 150 + 2]);
  assertEquals(fs.dump("t"), fs.dump("s"));
  root.close();
  directory.close();
  await stop();
});

/** A feed that has looked once, and whose next look, at so much, takes until `stop`. */
async function startSlow(
  much: "paths" | "everything" | "unknown",
): Promise<{
  feed: Feed;
  clock: FakeClock;
  advance: (ms: number) => Promise<void>;
  stop: () => Promise<void>;
}> {
  const clock = new FakeClock();
  let gate: PromiseWithResolvers<void> | undefined;
  const fs = MemoryFileSystem.from({ "s/": null }, {
    latency: () => gate?.promise ?? Promise.resolve(),
  });
  const open = (): Promise<LocalEndpoint> => LocalEndpoint.open(fs, "s");
  const end = new AbortController();
  const feed = await Feed.open(await open(), {
    scan: PLAIN_SCAN,
    place: { isThere: () => true, open },
    clock,
    rescanMs: 0,
    signal: end.signal,
    onEvent: () => {},
  });
  const running = feed.run();
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn++) await settle();
  };
  const advance = async (ms: number): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await turns();
      await clock.advance(ms / 5);
    }
    await turns();
  };
  // The first look waits for nobody.
  await advance(50);
  assertEquals(feed.version?.number, 1);

  const root = await fs.openRoot("s");
  if (much === "everything") feed.relook("everything");
  else if (much === "unknown") fs.watches.overflow();
  else {
    for (let i = 0; i < 150; i++) {
      await root.createSymlink(`l${i}` as Name, "x", 1e12);
    }
  }
  root.close();
  gate = Promise.withResolvers<void>();
  return {
    feed,
    clock,
    advance,
    async stop(): Promise<void> {
      gate?.resolve();
      gate = undefined;
      end.abort();
      await running;
      feed.close();
      await feed.source.close({ kind: "done", message: "" });
      assertEquals(clock.timers, 0);
    },
  };
}

Deno.test("nobody waits for more than a second for a look that takes longer", async () => {
  const { feed, advance, stop } = await startSlow("paths");
  let isThrough = false;
  const asking = feed.recent(new AbortController().signal)
    .then(() => isThrough = true);
  await advance(900);
  assert(!isThrough);
  await advance(100);
  assert(isThrough);
  assertEquals(feed.version?.number, 1);
  await asking;
  await stop();
});

for (const much of ["everything", "unknown"] as const) {
  Deno.test(`nobody waits for a look at everything (${much})`, async () => {
    const { feed, advance, stop } = await startSlow(much);
    const end = new AbortController();
    const { signal } = end;
    let through = 0;
    const ask = (): Promise<unknown> =>
      feed.recent(signal).then(() => through++);
    const asking = [ask()];
    // This somebody does wait for, so it is under way by then.
    asking.push(feed.refresh(signal));
    await advance(100);
    asking.push(ask());
    for (let turn = 0; turn < 40; turn++) await settle();
    assertEquals(through, 2);
    end.abort();
    await Promise.all(asking);
    await stop();
  });
}

Deno.test("who is stopped while much is looked at begins no round", async () => {
  const { feed, clock, advance, stop } = await startSlow("paths");
  let begun = 0;
  const follower = new Follower(feed, {
    checksum: false,
    symlinks: "copy",
    deletes: true,
    clock,
    guards: () => Promise.resolve([]),
    repairMs: 0,
    staysOnFailure: false,
    onEvent: () => void begun++,
    onSynced: () => {},
    onHalted: () => {},
    onWarning: () => {},
  });
  const fs = MemoryFileSystem.from({ "t/": null });
  const target = await LocalEndpoint.open(fs, "t", { durable: false });
  const end = new AbortController();
  // Because somebody waits for it, all that is dirty is looked at by then.
  const asking = feed.recent(new AbortController().signal);
  await advance(100);
  const following = follower.follow(target, end.signal);
  await advance(100);
  end.abort();
  await following;
  assertEquals(begun, 0);
  await target.close({ kind: "done", message: "" });
  await stop();
  await asking;
});
