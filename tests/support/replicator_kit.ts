/** A replicator between two file systems in memory, and the carrier between them. */
import type { Clock } from "../../src/core/clock.ts";
import type { Directory, WatchReach } from "../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { PlainTree } from "../../src/fs/memory_tree.ts";
import {
  decodeMessage,
  encodeMessage,
  type ReplicatorMessage,
} from "../../src/replicator/replicator_message.ts";
import {
  ReplicatorSource,
  type ReplicatorSourceOptions,
} from "../../src/replicator/replicator_source.ts";
import { ReplicatorTarget } from "../../src/replicator/replicator_target.ts";

/** The forms in which messages can travel: each makes a copy that shares nothing. */
export const FORMS: Readonly<
  Record<string, (message: ReplicatorMessage) => unknown>
> = {
  clone: (message) => structuredClone(message),
  json: (message) => JSON.parse(JSON.stringify(message)),
  bytes: (message) => decodeMessage(encodeMessage(message).slice()),
};

/** A clock on which an hour takes a minute and a bit. */
export const FAST_CLOCK: Clock = {
  now: () => performance.now() * 50,
  after(ms, fn): () => void {
    const timer = setTimeout(fn, ms / 50);
    return () => clearTimeout(timer);
  },
};

/** What one request was, when it was handed over. */
export interface Carried {
  readonly request: ReplicatorMessage;
  /** Bytes of the request and of the response. */
  bytes: number;
}

/** What may go wrong with a request; `deliver` hands it to the target. */
export type Carrier = (
  request: unknown,
  deliver: (request: unknown) => Promise<ReplicatorMessage>,
) => Promise<unknown>;

/** How a kit is made. */
export interface KitOptions extends ReplicatorSourceOptions {
  readonly watches?: WatchReach;
  readonly form?: keyof typeof FORMS;
  readonly carrier?: Carrier;
  readonly target?: PlainTree;
}

/** A source at "/a" and a target at "/b"; its owner disposes of it. */
export class ReplicatorKit implements AsyncDisposable {
  readonly from: MemoryFileSystem;
  readonly to: MemoryFileSystem;
  target: ReplicatorTarget;
  readonly source: ReplicatorSource;
  readonly carried: Carried[] = [];
  readonly errors: Error[] = [];

  /** @param tree Below the root of the source. */
  constructor(tree: PlainTree, options: KitOptions = {}) {
    const { watches = "recursive", form = "clone", carrier } = options;
    const traits = { modes: true, symlinks: true, owners: true, watches };
    this.from = MemoryFileSystem.from({ "a/": null, ...below("a", tree) }, {
      traits,
    });
    this.to = MemoryFileSystem.from(below("b", options.target ?? {}));
    this.target = new ReplicatorTarget(this.to, "/b");
    const travel = FORMS[form]!;
    const deliver = async (request: unknown): Promise<ReplicatorMessage> =>
      await this.target.handle(request);
    this.source = new ReplicatorSource(this.from, "/a", async (request) => {
      const carried = { request, bytes: encodeMessage(request).length };
      this.carried.push(carried);
      const copy = travel(request);
      const answer = carrier === undefined
        ? await deliver(copy)
        : await carrier(copy, deliver);
      const response = answer as ReplicatorMessage;
      carried.bytes += response.message.length;
      return travel(response);
    }, {
      settleMs: 0,
      clock: FAST_CLOCK,
      random: () => 0,
      onError: (error) => void this.errors.push(error),
      ...options,
    });
  }

  /** What is below the root of the source. */
  get sourceTree(): PlainTree {
    return this.from.dump("a");
  }

  /**
   * What is below the root of the target, without what waits in the staging area
   * for the next change, or for the end, where the disk has failed.
   */
  get targetTree(): PlainTree {
    const tree = Object.entries(this.to.dump("b"));
    return Object.fromEntries(
      tree.filter(([path]) => !path.startsWith(".lockstep/")),
    );
  }

  /** Acts at the source, and waits for the target: what was done to that. */
  async cost(
    act: (root: Directory) => Promise<void>,
  ): Promise<{
    readonly writes: number;
    readonly mutations: Record<string, number>;
    readonly bytes: number;
  }> {
    const before = structuredClone(this.to.counters);
    const carriedBefore = this.carried.length;
    const root = await this.from.openRoot("/a");
    await act(root);
    root.close();
    await this.source.flush();
    const mutations: Record<string, number> = {};
    for (const [method, count] of Object.entries(this.to.counters.mutations)) {
      const more = count -
        before.mutations[method as keyof typeof before.mutations];
      if (more > 0) mutations[method] = more;
    }
    const carried = this.carried.slice(carriedBefore);
    return {
      writes: this.to.counters.writes - before.writes,
      mutations,
      bytes: carried.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
    await this.target.close();
  }
}

function below(root: string, tree: PlainTree): PlainTree {
  return Object.fromEntries(
    Object.entries(tree).map(([path, entry]) => [`${root}/${path}`, entry]),
  );
}
