/** Directories in memory that sync with one hub, with faults on request. */
import { FileSystemError } from "../../src/errors.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { PlainEntry } from "../../src/fs/memory_tree.ts";
import { openStore } from "../../src/hub/data_directory.ts";
import { HubEndpoint } from "../../src/hub/hub_endpoint.ts";
import { HubTrees } from "../../src/hub/hub_tree.ts";
import { openMemoryStore } from "../../src/hub/sqlite_store.ts";
import type { HubStore } from "../../src/hub/store.ts";
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../src/net/memory_transport.ts";
import type { Transport } from "../../src/net/transport.ts";
import {
  bidirectional,
  type BidirectionalOptions,
} from "../../src/session/bidirectional.ts";
import type { Endpoint } from "../../src/session/endpoint.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { PairedAncestry, type PairedSide } from "../../src/session/pairing.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { RemotePairing } from "../../src/session/remote_pairing.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../src/session/open_session.ts";
import type { TwoWaySummary } from "../../src/session/two_way_events.ts";
import { command } from "./command.ts";
import { FakeClock } from "./fake_clock.ts";
import { party } from "./session_pair.ts";
import { TempDir } from "./temp.ts";
import { CHANGING, HURRIED, MemoryRecords } from "./two_way_world.ts";

/** Makes a call fail; called before each. */
export type HubWorldFault = () => FileSystemError | undefined;

/** How one sync is run. */
export interface HubRun extends Partial<BidirectionalOptions> {
  /** Over a connection, with these faults; without, the hub is here. */
  readonly connection?: MemoryTransportOptions;
  /** Puts something around both endpoints. */
  readonly wrap?: (endpoint: Endpoint) => Endpoint;
}

/** One directory, and what is remembered of it. */
class Client {
  readonly id: string;
  readonly fileSystem = new MemoryFileSystem();
  readonly records: MemoryRecords;

  constructor(world: HubWorld, number: number) {
    this.id = String(number).repeat(32);
    this.records = new MemoryRecords(world);
  }
}

/** Some clients and a hub. Its owner disposes of it. */
export class HubWorld implements AsyncDisposable {
  readonly names: readonly string[];
  readonly #clients = new Map<string, Client>();
  /** Where the hub's data is, if not in memory. */
  readonly #data: TempDir | undefined;
  #store!: HubStore;
  #trees!: HubTrees;
  readonly warnings: string[] = [];
  /** Clients that sync right now. */
  readonly #busy = new Set<string>();
  fault: HubWorldFault | undefined;
  /** Steps of clients so far. */
  steps = 0;
  /** From this step on no client works, as after a kill. */
  dieAtStep = Infinity;

  private constructor(clients: number, data: TempDir | undefined) {
    this.#data = data;
    this.names = Array.from({ length: clients }, (_, i) => "abcde"[i]!);
    for (const [i, name] of this.names.entries()) {
      const client = new Client(this, i + 1);
      client.fileSystem.fault = (method) => {
        if (CHANGING.has(method) && !this.isDead) this.steps++;
        if (!this.isDead) return this.fault?.();
        return new FileSystemError("io", "The process is dead");
      };
      this.#clients.set(name, client);
    }
  }

  /** @param onDisk Whether the hub can start again, and be restored. */
  static async open(
    { clients, onDisk }: {
      readonly clients: number;
      readonly onDisk: boolean;
    },
  ): Promise<HubWorld> {
    const world = new HubWorld(clients, onDisk ? new TempDir() : undefined);
    await world.#open();
    return world;
  }

  get isDead(): boolean {
    return this.steps >= this.dieAtStep;
  }

  get store(): HubStore {
    return this.#store;
  }

  /** Whether the hub can start again, and be restored. */
  get isOnDisk(): boolean {
    return this.#data !== undefined;
  }

  /** Whether a sync of `name` is under way. */
  isBusy(name: string): boolean {
    return this.#busy.has(name);
  }

  fileSystemOf(name: string): MemoryFileSystem {
    return this.#clients.get(name)!.fileSystem;
  }

  step(): void {
    if (this.isDead) throw new Error("The process is dead");
    this.steps++;
  }

  /** The tree of a client, without what is Lockstep's own. */
  dump(name: string): Map<string, PlainEntry> {
    const entries = Object.entries(this.fileSystemOf(name).dump())
      .filter(([path]) => !path.startsWith(".lockstep"));
    return new Map(entries.sort(([a], [b]) => a < b ? -1 : 1));
  }

  /** Everything a client holds, also in `.lockstep/kept/`. */
  contentsAt(name: string): Set<string> {
    const found = new Set<string>();
    for (
      const [path, entry] of Object.entries(this.fileSystemOf(name).dump())
    ) {
      if (path.startsWith(".lockstep/") && !path.includes("/kept/")) continue;
      if (typeof entry === "string") found.add(entry);
    }
    return found;
  }

  /** What the hub holds now; not what only its history has. */
  async contentsAtHub(): Promise<Set<string>> {
    const found = new Set<string>();
    for (const { digest } of await this.store.files({ limit: 1_000_000 })) {
      if (digest === undefined) continue;
      found.add(await new Response(this.store.read(digest)).text());
    }
    return found;
  }

  /** The hub stops and starts; between syncs. */
  async restart(): Promise<void> {
    await this.#store.close();
    await this.#open();
  }

  /** Copies the hub's data aside. */
  async backUp(): Promise<void> {
    await this.#store.close();
    await this.#copy("data", "backup");
    await this.#open();
  }

  /** Puts back what was copied last, if anything was. */
  async restore(): Promise<boolean> {
    const { path } = this.#data!;
    if (![...Deno.readDirSync(path)].some((e) => e.name === "backup")) {
      return false;
    }
    await this.#store.close();
    await this.#copy("backup", "data");
    await this.#open();
    return true;
  }

  /** One whole run, as the command does it. @throws What fails as a whole. */
  async sync(name: string, run: HubRun = {}): Promise<TwoWaySummary> {
    this.#busy.add(name);
    try {
      return await this.#sync(this.#clients.get(name)!, name, run);
    } finally {
      this.#busy.delete(name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.close();
    await this.#data?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    this.#store = this.#data === undefined
      ? openMemoryStore()
      : await openStore(this.#data.at("data"));
    this.#trees = new HubTrees(this.#store);
  }

  async #copy(from: string, to: string): Promise<void> {
    const data = this.#data!;
    await command("rm", ["-rf", data.at(to)]);
    await command("cp", ["-a", data.at(from), data.at(to)]);
  }

  #hub(name: string): HubEndpoint {
    const trees = this.#trees;
    return new HubEndpoint({ store: this.store, trees, client: name });
  }

  async #sync(
    client: Client,
    name: string,
    run: HubRun,
  ): Promise<TwoWaySummary> {
    const alpha = await LocalEndpoint.open(client.fileSystem, "/", {
      create: true,
    });
    try {
      await alpha.recover();
      if (run.connection !== undefined) {
        return await this.#syncRemotely(client, name, alpha, run);
      }
      const beta = this.#hub(name);
      try {
        const { pairings } = this.store;
        return await this.#cycle(client, { alpha, beta }, pairings, run);
      } finally {
        await beta.close();
      }
    } finally {
      await closed(alpha);
    }
  }

  async #syncRemotely(
    client: Client,
    name: string,
    alpha: LocalEndpoint,
    run: HubRun,
  ): Promise<TwoWaySummary> {
    const clock = new FakeClock();
    const [near, far] = memoryTransports(run.connection);
    const served = this.#serve(far, name, clock);
    try {
      const options = { clock, twoWay: true };
      const session = await openSession(near, party(1), options);
      try {
        const beta = new RemoteEndpoint(session);
        const pairing = new RemotePairing(session);
        const sides = { alpha, beta };
        const summary = await this.#cycle(client, sides, pairing, run);
        await beta.close({ kind: "done", message: "" });
        return summary;
      } finally {
        session.close();
      }
    } finally {
      near.close();
      await served;
    }
  }

  async #serve(far: Transport, name: string, clock: FakeClock): Promise<void> {
    try {
      const pending = await awaitHello(far, {
        clock,
        twoWay: true,
        moves: false,
        follows: false,
      });
      const endpoint = this.#hub(name);
      const { traits } = endpoint;
      const session = await pending.accept({ ...party(2), traits });
      const pairing = this.store.pairings;
      await serveEndpoint(session, endpoint, { role: "peer", pairing });
    } catch {
      // The other end hears of it, or is the reason for it.
    } finally {
      far.close();
    }
  }

  async #cycle(
    { id, records }: Client,
    { alpha, beta }: { readonly alpha: Endpoint; readonly beta: Endpoint },
    pairing: PairedSide,
    { connection: _, wrap = (endpoint) => endpoint, ...options }: HubRun,
  ): Promise<TwoWaySummary> {
    const ancestry = await PairedAncestry.open({
      alphaId: id,
      beta: pairing,
      records,
      newToken: () => crypto.randomUUID().replaceAll("-", ""),
      warn: (message) => this.warnings.push(message),
    }, await pairing.look(id));
    const sides = { alpha: wrap(alpha), beta: wrap(beta) };
    return await bidirectional(sides, ancestry, {
      policy: "newest",
      labels: { alpha: "client", beta: "hub" },
      limits: { maxDelete: undefined, allowDelete: { kind: "all" } },
      symlinks: "copy",
      clock: HURRIED,
      ...options,
    });
  }
}

async function closed(endpoint: LocalEndpoint): Promise<void> {
  try {
    await endpoint.close({ kind: "done", message: "" });
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
  }
}
