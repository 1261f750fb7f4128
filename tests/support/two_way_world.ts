/** Two directories in memory, and two-way syncs between them, with faults on request. */
import type { Announced } from "../../src/core/announced.ts";
import type { Clock } from "../../src/core/clock.ts";
import { FileSystemError } from "../../src/errors.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../src/fs/memory_state.ts";
import type { PlainEntry, PlainTree } from "../../src/fs/memory_tree.ts";
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../src/net/memory_transport.ts";
import type { Transport } from "../../src/net/transport.ts";
import {
  decodeAncestor,
  encodeAncestor,
} from "../../src/session/ancestor_codec.ts";
import {
  announcedHeader,
  decodeAnnounced,
  encodeAnnounced,
} from "../../src/session/announced_codec.ts";
import {
  bidirectional,
  type BidirectionalOptions,
} from "../../src/session/bidirectional.ts";
import type { Endpoint } from "../../src/session/endpoint.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import {
  type AncestorRecord,
  type AncestorRecords,
  type FoundRecord,
  PairedAncestry,
  type PairedSide,
  type PairingId,
  type PairingState,
  type Tokens,
} from "../../src/session/pairing.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { RemotePairing } from "../../src/session/remote_pairing.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../src/session/open_session.ts";
import type { TwoWaySummary } from "../../src/session/two_way_events.ts";
import { FakeClock } from "./fake_clock.ts";
import { party } from "./session_pair.ts";

/** Time passes at once: what a sync waits for between its rounds is not here. */
export const HURRIED: Clock = {
  now: (): number => 0,
  after(_ms, fn): () => void {
    const timer = setTimeout(fn, 0);
    return () => clearTimeout(timer);
  },
};

/** Calls that change something on a disk. */
export const CHANGING: ReadonlySet<MemoryMethod> = new Set<MemoryMethod>([
  "createFile",
  "openWritable",
  "createDirectory",
  "createSymlink",
  "setMetadata",
  "setOwnMetadata",
  "rename",
  "moveNew",
  "link",
  "removeFile",
  "removeDirectory",
  "write",
  "truncate",
  "flush",
  "flushFileSystem",
]);

/** Which side a call is made on. */
export type WorldSide = "alpha" | "beta";

/** Makes a call fail; called before each. */
export type WorldFault = (
  side: WorldSide,
  method: MemoryMethod,
  path: string,
) => FileSystemError | undefined;

/** How one sync is run. */
export interface WorldRun extends Partial<BidirectionalOptions> {
  /** Over a connection, with these faults; without, both sides are local. */
  readonly connection?: MemoryTransportOptions;
  /** Puts something around the endpoints. */
  readonly wrap?: (side: WorldSide, endpoint: Endpoint) => Endpoint;
}

/** Both directories, and what is remembered of them. */
export class TwoWayWorld {
  readonly alpha: MemoryFileSystem;
  readonly beta: MemoryFileSystem;
  readonly records = new MemoryRecords(this);
  readonly pairing = new MemoryPairing(this);
  readonly warnings: string[] = [];
  fault: WorldFault | undefined;
  /** Calls that change something, and steps of the memory, so far. */
  steps = 0;
  /** From this step on nothing works, as after a kill. */
  dieAtStep = Infinity;

  constructor(alpha: PlainTree, beta: PlainTree) {
    this.alpha = this.#fileSystem("alpha", alpha);
    this.beta = this.#fileSystem("beta", beta);
  }

  get isDead(): boolean {
    return this.steps >= this.dieAtStep;
  }

  fileSystemOf(side: WorldSide): MemoryFileSystem {
    return this[side];
  }

  /** One whole run, as the command does it. @throws What fails as a whole. */
  async sync(run: WorldRun = {}): Promise<TwoWaySummary> {
    return run.connection === undefined
      ? await this.#syncLocally(run)
      : await this.#syncRemotely(run, run.connection);
  }

  /** The tree of a side, without what is Lockstep's own. */
  dump(side: WorldSide): Map<string, PlainEntry> {
    const entries = Object.entries(this[side].dump())
      .filter(([path]) => !path.startsWith(".lockstep"));
    return new Map(entries.sort(([a], [b]) => a < b ? -1 : 1));
  }

  /** Everything a side holds, also in `.lockstep/kept/`. */
  contents(side: WorldSide): Set<string> {
    const found = new Set<string>();
    for (const [path, entry] of Object.entries(this[side].dump())) {
      if (path.startsWith(".lockstep/") && !path.includes("/kept/")) continue;
      if (typeof entry === "string") found.add(entry);
    }
    return found;
  }

  /** One step of whatever may be interrupted. */
  step(): void {
    if (this.isDead) throw new Error("The process is dead");
    this.steps++;
  }

  #fileSystem(side: WorldSide, tree: PlainTree): MemoryFileSystem {
    const fileSystem = MemoryFileSystem.from(tree);
    fileSystem.fault = (method, path) => {
      if (CHANGING.has(method) && !this.isDead) this.steps++;
      if (this.isDead) return new FileSystemError("io", "The process is dead");
      return this.fault?.(side, method, path);
    };
    return fileSystem;
  }

  async #syncLocally(run: WorldRun): Promise<TwoWaySummary> {
    const alpha = await open(this.alpha);
    try {
      const beta = await open(this.beta);
      let kind: "done" | "failed" = "failed";
      try {
        await alpha.recover();
        await beta.recover();
        const summary = await this.#cycle(run, alpha, beta, this.pairing);
        kind = "done";
        return summary;
      } finally {
        await closed(beta, kind);
      }
    } finally {
      await closed(alpha, "done");
    }
  }

  async #syncRemotely(
    run: WorldRun,
    faults: MemoryTransportOptions,
  ): Promise<TwoWaySummary> {
    const clock = new FakeClock();
    const [near, far] = memoryTransports(faults);
    const options = { clock, twoWay: true };
    const served = this.#serve(awaitHello(far, options), far);
    const alpha = await open(this.alpha);
    try {
      await alpha.recover();
      const session = await openSession(near, party(1), options);
      try {
        const beta = new RemoteEndpoint(session);
        const pairing = new RemotePairing(session);
        const summary = await this.#cycle(run, alpha, beta, pairing);
        await beta.close({ kind: "done", message: "" });
        return summary;
      } finally {
        session.close();
      }
    } finally {
      near.close();
      await served;
      await closed(alpha, "done");
    }
  }

  async #serve(
    hello: ReturnType<typeof awaitHello>,
    far: Transport,
  ): Promise<void> {
    try {
      const pending = await hello;
      const endpoint = await open(this.beta);
      await endpoint.recover();
      const session = await pending.accept(party(2));
      const pairing = this.pairing;
      await serveEndpoint(session, endpoint, { role: "peer", pairing });
    } catch {
      // The other end hears of it, or is the reason for it.
    } finally {
      far.close();
    }
  }

  async #cycle(
    { connection: _, wrap = (_, endpoint) => endpoint, ...options }: WorldRun,
    alpha: Endpoint,
    beta: Endpoint,
    pairing: PairedSide,
  ): Promise<TwoWaySummary> {
    const ancestry = await PairedAncestry.open({
      alphaId: ALPHA_ID,
      beta: pairing,
      records: this.records,
      newToken: () => crypto.randomUUID().replaceAll("-", ""),
      warn: (message) => this.warnings.push(message),
    }, await pairing.look(ALPHA_ID));
    const sides = { alpha: wrap("alpha", alpha), beta: wrap("beta", beta) };
    return await bidirectional(sides, ancestry, {
      policy: "newest",
      labels: { alpha: "alpha", beta: "beta" },
      limits: { maxDelete: undefined, allowDelete: undefined },
      symlinks: "copy",
      clock: HURRIED,
      ...options,
    });
  }
}

const ALPHA_ID = "a".repeat(32);
const BETA_ID = "b".repeat(32);

/** What alpha remembers, in the form in which it is kept on a disk. */
export class MemoryRecords implements AncestorRecords {
  bytes: Uint8Array | undefined;
  #announced: Uint8Array | undefined;
  saves = 0;
  readonly #world: Pick<TwoWayWorld, "step">;

  constructor(world: Pick<TwoWayWorld, "step">) {
    this.#world = world;
  }

  read(): Promise<FoundRecord | undefined> {
    return Promise.try(() => {
      if (this.bytes === undefined) return undefined;
      const record = decodeAncestor(this.bytes);
      const announced = this.#announced === undefined
        ? []
        : decodeAnnounced(this.#announced, record.token);
      return { ...record, announced };
    });
  }

  announce(
    { token }: Parameters<AncestorRecords["announce"]>[0],
    announced: readonly Announced[],
  ): Promise<void> {
    return Promise.try(() => {
      this.#world.step();
      const header = announcedHeader();
      const step = encodeAnnounced(token, announced);
      const bytes = new Uint8Array(header.length + step.length);
      bytes.set(header);
      bytes.set(step, header.length);
      this.#announced = bytes;
    });
  }

  async write(record: AncestorRecord): Promise<void> {
    const pieces = Array.from(encodeAncestor(record), (piece) => piece.slice());
    const bytes = await new Blob(pieces as BlobPart[]).bytes();
    this.#world.step();
    this.bytes = bytes;
    this.saves++;
  }
}

/** What beta remembers. */
export class MemoryPairing implements PairedSide {
  tokens: Tokens | undefined;
  isReplaced = false;
  readonly #world: TwoWayWorld;

  constructor(world: TwoWayWorld) {
    this.#world = world;
  }

  look(): Promise<PairingState> {
    const { tokens, isReplaced } = this;
    return Promise.resolve({ rootId: BETA_ID, isReplaced, tokens });
  }

  commit(_: PairingId, tokens: Tokens): Promise<void> {
    return Promise.try(() => {
      this.#world.step();
      this.tokens = tokens;
    });
  }
}

function open(fileSystem: MemoryFileSystem): Promise<LocalEndpoint> {
  return LocalEndpoint.open(fileSystem, "/", { create: true });
}

async function closed(
  endpoint: LocalEndpoint,
  kind: "done" | "failed",
): Promise<void> {
  try {
    await endpoint.close({ kind, message: "" });
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
  }
}
