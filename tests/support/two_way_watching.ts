/** Two directories in memory that are kept equal, on a clock that a test moves on. */
import type { PlainTree } from "../../src/fs/memory_tree.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import { CHANGING, type WorldSide } from "./two_way_world.ts";
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../src/net/memory_transport.ts";
import type { Announced } from "../../src/core/announced.ts";
import type { DirectoryEntry } from "../../src/core/entry.ts";
import type { Ancestry } from "../../src/session/ancestry.ts";
import {
  type FollowTwoWayOptions,
  TwoWayFollower,
} from "../../src/session/follow_two_way.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../src/session/open_session.ts";
import type {
  SyncedTwoWay,
  TwoWayEvent,
} from "../../src/session/two_way_events.ts";
import { WatchedEndpoint } from "../../src/session/watched_endpoint.ts";
import type { SourceEvent } from "../../src/session/watched_root.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { MemoryPairing, TwoWayWorld } from "./two_way_world.ts";
import { party } from "./session_pair.ts";

/** What is agreed on, and how often it was saved. */
class CountingAncestry implements Ancestry {
  ancestor: DirectoryEntry | undefined;
  announced: readonly Announced[] = [];
  saves = 0;

  announce(announced: readonly Announced[]): Promise<void> {
    this.announced = announced;
    return Promise.resolve();
  }

  save(ancestor: DirectoryEntry): Promise<void> {
    this.ancestor = ancestor;
    this.announced = [];
    this.saves++;
    return Promise.resolve();
  }
}

/** How a {@link TwoWayWatching} is started. */
export interface TwoWayWatchingOptions extends Partial<FollowTwoWayOptions> {
  /** Beta is at the other end of a connection. */
  readonly isRemote?: boolean;
  readonly faults?: MemoryTransportOptions;
}

/** Both sides, and what follows them; its owner stops it. */
export class TwoWayWatching {
  readonly clock = new FakeClock();
  readonly fs: Readonly<Record<WorldSide, MemoryFileSystem>>;
  readonly ancestry = new CountingAncestry();
  readonly rounds: SyncedTwoWay[] = [];
  readonly events: TwoWayEvent[] = [];
  readonly feedEvents: SourceEvent[] = [];
  readonly halts: string[] = [];
  readonly warnings: string[] = [];
  readonly place = { alpha: true, beta: true };
  /** Calls that have changed something, by side. */
  readonly writes = { alpha: 0, beta: 0 };
  readonly follower: TwoWayFollower;
  readonly #alpha: WatchedEndpoint;
  readonly #options: TwoWayWatchingOptions;
  readonly #end = new AbortController();
  #connection: AbortController | undefined;
  #running: Promise<unknown>[] = [];

  private constructor(
    fs: Record<WorldSide, MemoryFileSystem>,
    alpha: LocalEndpoint,
    options: TwoWayWatchingOptions,
  ) {
    this.fs = fs;
    this.#options = options;
    for (const side of ["alpha", "beta"] as const) {
      fs[side].fault = (method) => {
        if (CHANGING.has(method)) this.writes[side]++;
        return undefined;
      };
    }
    this.#alpha = this.#watched("alpha", alpha);
    this.follower = new TwoWayFollower(this.#alpha, {
      policy: "newest",
      labels: { alpha: "alpha", beta: "beta" },
      limits: { maxDelete: undefined, allowDelete: undefined },
      symlinks: "copy",
      clock: this.clock,
      rescanMs: 60_000,
      onSynced: (round) => void this.rounds.push(round),
      onHalted: ({ message }) => void this.halts.push(message),
      onWarning: (message) => void this.warnings.push(message),
      onEvent: (event) => void this.events.push(event),
      ...options,
    });
  }

  /** Resolves when the first round is through. */
  static async start(
    trees: Readonly<Record<WorldSide, PlainTree>>,
    options: TwoWayWatchingOptions = {},
  ): Promise<TwoWayWatching> {
    const fs = {
      alpha: MemoryFileSystem.from({ ...trees.alpha }),
      beta: MemoryFileSystem.from({ ...trees.beta }),
    };
    const alpha = await LocalEndpoint.open(fs.alpha, "/", { create: true });
    const watching = new TwoWayWatching(fs, alpha, options);
    await watching.connect();
    await watching.pass(100);
    return watching;
  }

  /** Follows to beta, as whoever has connected to it anew. */
  async connect(): Promise<void> {
    const beta = await LocalEndpoint.open(this.fs.beta, "/", { create: true });
    const watched = this.#watched("beta", beta);
    const stop = new AbortController();
    this.#connection = stop;
    const signal = AbortSignal.any([this.#end.signal, stop.signal]);
    if (!this.#options.isRemote) {
      this.#running = [this.#follow(watched, signal)];
      return;
    }
    const [near, far] = memoryTransports(this.#options.faults);
    const { clock } = this;
    const world = new TwoWayWorld({}, {});
    const pairing = new MemoryPairing(world);
    const served = awaitHello(far, { clock, twoWay: true, notices: true })
      .then((pending) => pending.accept(party(2)))
      .then((session) =>
        serveEndpoint(session, watched, { role: "peer", pairing })
      ).catch(() => {});
    const session = await openSession(near, party(1), { clock, twoWay: true });
    const remote = new RemoteEndpoint(session);
    const lost = AbortSignal.any([signal, session.signal]);
    const following = this.#follow(remote, lost).finally(() => near.close());
    this.#running = [following, served];
  }

  /** Cuts the connection, or closes beta; alpha goes on being watched. */
  async disconnect(): Promise<void> {
    this.#connection!.abort();
    for (let i = 0; i < 20; i++) await settle();
    await Promise.all(this.#running);
  }

  /** Time goes by, and all that it brings about. */
  async pass(ms: number): Promise<void> {
    for (let i = 0; i < 5; i++) {
      for (let turn = 0; turn < 12; turn++) await settle();
      await this.clock.advance(ms / 5);
    }
    for (let turn = 0; turn < 12; turn++) await settle();
  }

  /** The tree of a side, without what is Lockstep's own. */
  dump(side: WorldSide): Record<string, unknown> {
    const entries = Object.entries(this.fs[side].dump())
      .filter(([path]) => !path.startsWith(".lockstep"));
    return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
  }

  async stop(): Promise<void> {
    this.#end.abort();
    for (let i = 0; i < 20; i++) await settle();
    await Promise.all(this.#running);
    await this.#alpha.close({ kind: "done", message: "" });
  }

  #watched(side: WorldSide, local: LocalEndpoint): WatchedEndpoint {
    const { clock } = this;
    return new WatchedEndpoint(local, {
      place: {
        isThere: () => this.place[side],
        open: () => LocalEndpoint.open(this.fs[side], "/", { create: true }),
      },
      clock,
      rescanMs: 60_000,
      onEvent: (event) => void this.feedEvents.push(event),
    });
  }

  async #follow(
    beta: WatchedEndpoint | RemoteEndpoint,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.follower.follow(beta, this.ancestry, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      if (beta instanceof WatchedEndpoint) {
        await beta.close({ kind: "done", message: "" });
      }
    }
  }
}
