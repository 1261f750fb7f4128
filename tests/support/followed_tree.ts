/** A watched source and the target that follows it, in one memory with a clock of its own. */
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { Directory } from "../../src/fs/file_system.ts";
import { Feed } from "../../src/session/feed.ts";
import { Follower } from "../../src/session/follow.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { PLAIN_SCAN } from "./plain_scan.ts";

/** Entries are dated by this many milliseconds. */
const TICK_MS = 10;

const BEGAN = 1_600_000_000_000;

/** Trees `s` and `t`. Its owner stops it. */
export interface FollowedTree {
  readonly fs: MemoryFileSystem;
  readonly source: Directory;
  readonly target: Directory;
  /** Lets so many milliseconds pass. */
  advance(ms: number): Promise<void>;
  /** How many rounds were told of. */
  rounds(): number;
  /** What was wrong, by path and code, since it began. */
  readonly problems: readonly string[];
  /** The target is lost, and another connection follows. */
  reconnect(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Begins to watch a tree that holds `files`, by path and content. `onOpen` hears of
 * each endpoint of the target.
 */
export async function follow(
  files: Record<string, string>,
  onOpen: (target: LocalEndpoint) => void = () => {},
): Promise<FollowedTree> {
  const clock = new FakeClock();
  const timeOfDay = (): number => BEGAN + clock.now();
  const below = Object.entries(files).map((
    [path, text],
  ) => [`s/${path}`, text]);
  const fs = MemoryFileSystem.from(
    { "s/": null, "t/": null, ...Object.fromEntries(below) },
    {
      now: () => Math.floor(timeOfDay() / TICK_MS) * TICK_MS,
      traits: {
        modes: true,
        symlinks: true,
        owners: true,
        watches: "recursive",
      },
    },
  );
  const end = new AbortController();
  const { signal } = end;
  const feed = await Feed.open(await LocalEndpoint.open(fs, "s"), {
    scan: PLAIN_SCAN,
    place: { isThere: () => true, open: () => LocalEndpoint.open(fs, "s") },
    clock,
    rescanMs: 0,
    signal,
    onEvent: () => {},
  });
  const problems: string[] = [];
  const follower = new Follower(feed, {
    checksum: false,
    symlinks: "copy",
    deletes: true,
    clock,
    onEvent(event): void {
      if (event.kind !== "problem") return;
      const { path, code } = event.problem;
      problems.push(`${path}: ${code}`);
    },
    timeOfDay,
    guards: () => Promise.resolve([]),
    repairMs: 0,
    staysOnFailure: true,
    onSynced: () => {},
    onHalted: () => {},
    onWarning: () => {},
  });
  const feeding = feed.run();
  const connect = async (): Promise<() => Promise<void>> => {
    const endpoint = await LocalEndpoint.open(fs, "t", { durable: false });
    onOpen(endpoint);
    const lost = new AbortController();
    const following = follower.follow(endpoint, lost.signal);
    return async (): Promise<void> => {
      lost.abort();
      await following.catch(() => {});
      await endpoint.close({ kind: "interrupted", message: "" });
    };
  };
  let lose = await connect();
  const source = await fs.openRoot("s");
  const target = await fs.openRoot("t");
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 12; turn++) await settle();
  };
  return {
    fs,
    source,
    target,
    async advance(ms): Promise<void> {
      for (let i = 0; i < ms; i++) {
        await turns();
        await clock.advance(1);
      }
      await turns();
    },
    rounds: () => follower.rounds,
    problems,
    async reconnect(): Promise<void> {
      await lose();
      lose = await connect();
    },
    async stop(): Promise<void> {
      end.abort();
      await lose();
      await feeding;
      feed.close();
      source.close();
      target.close();
      await feed.source.close({ kind: "done", message: "" });
    },
  };
}
