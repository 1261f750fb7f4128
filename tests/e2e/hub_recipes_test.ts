/** Between a hub and its clients only what is new travels. */
import { assert } from "@std/assert";
import { HubClients } from "../support/hub_clients.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const MIB = 1024 * 1024;
const SMALL_FILES = 40;

/** Bytes of a run beside content: hello, scan, changes, recipes, HTTP. */
const RUN_BYTES = 40_000;

/** What an edit may cost: a signature and a block, or chunks at its place. */
const EDIT_BYTES = 20_000;

const random = new Random(2024);
const LARGE = random.bytes(16 * MIB);
const FRESH = random.bytes(MIB);

/** A hub, and clients that each reach it through a proxy which counts. */
class World implements AsyncDisposable {
  readonly clients: HubClients;
  readonly proxies: Readonly<Record<string, TcpProxy>>;

  private constructor(clients: HubClients, names: readonly string[]) {
    this.clients = clients;
    const port = clients.hub!.port;
    this.proxies = Object.fromEntries(
      names.map((name) => [name, new TcpProxy(port)]),
    );
    for (const [name, { url }] of Object.entries(this.proxies)) {
      clients.configure(name, { server: url.replace("ws:", "http:") });
    }
  }

  static async begin(...names: readonly string[]): Promise<World> {
    return new World(await HubClients.begin({}), names);
  }

  /** Syncs once: the bytes that went both ways. */
  async sync(name: string): Promise<number> {
    const { counts } = this.proxies[name]!;
    const before = counts.toServer + counts.toClient;
    await this.clients.round(name);
    return counts.toServer + counts.toClient - before;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of Object.values(this.proxies)) {
      await proxy[Symbol.asyncDispose]();
    }
    await this.clients[Symbol.asyncDispose]();
  }
}

interface Step {
  readonly name: string;
  readonly change: (at: (path: string) => string) => void;
  /** Bytes both ways, from the client to the hub, and so to the next one. */
  readonly most: number;
}

const STEPS: readonly Step[] = [
  {
    name: "a file edited in three places",
    change: (at): void => {
      const bytes = LARGE.slice();
      for (let i = 1; i <= 3; i++) {
        bytes.set(FRESH.subarray(0, 64), i * 4 * MIB);
      }
      Deno.writeFileSync(at("large"), bytes);
    },
    most: RUN_BYTES + 3 * EDIT_BYTES,
  },
  {
    name: "a file appended to",
    change: (at): void =>
      Deno.writeFileSync(at("large"), FRESH, { append: true }),
    most: RUN_BYTES + MIB + EDIT_BYTES,
  },
  {
    name: "a file renamed",
    change: (at): void => Deno.renameSync(at("large"), at("renamed")),
    most: RUN_BYTES,
  },
  {
    name: "a file moved and edited",
    change: (at): void => {
      Deno.mkdirSync(at("deep"));
      Deno.renameSync(at("renamed"), at("deep/moved"));
      using file = Deno.openSync(at("deep/moved"), { write: true });
      file.seekSync(5 * MIB, Deno.SeekMode.Start);
      file.writeSync(FRESH.subarray(100, 150));
    },
    most: RUN_BYTES + EDIT_BYTES,
  },
  {
    name: "a file copied",
    change: (at): void => Deno.copyFileSync(at("deep/moved"), at("copy")),
    most: RUN_BYTES,
  },
  {
    name: "a directory renamed",
    change: (at): void => Deno.renameSync(at("many"), at("deep/many of them")),
    most: RUN_BYTES,
  },
  {
    name: "a directory copied",
    change: (at): void => {
      Deno.mkdirSync(at("again"));
      for (const { name } of Deno.readDirSync(at("deep/many of them"))) {
        Deno.copyFileSync(at(`deep/many of them/${name}`), at(`again/${name}`));
      }
    },
    most: RUN_BYTES,
  },
  {
    name: "two small files renamed",
    change: (at): void => {
      Deno.renameSync(at("again/1"), at("one"));
      Deno.renameSync(at("again/2"), at("two"));
    },
    most: 10_000,
  },
];

Deno.test("I22: what is edited, renamed, moved or copied brings a hub and its clients hardly more than the news", async () => {
  await using world = await World.begin("a", "b");
  const { clients } = world;
  const many = Object.fromEntries(
    Array.from(
      { length: SMALL_FILES },
      (_, i) => [`${i}`, random.bytes(5_000)],
    ),
  );
  // So much stays that no guard asks.
  const rest = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`${i}`, `${i}`]),
  );
  clients.fill("a", { large: LARGE, many, rest });
  assert(await world.sync("a") > LARGE.length);
  assert(await world.sync("b") > LARGE.length);
  for (const [i, { name, change, most }] of STEPS.entries()) {
    // Each client is the one that changes something, in turn.
    const [from, to] = i % 2 === 0 ? ["a", "b"] as const : ["b", "a"] as const;
    change((path) => clients.at(from, path));
    const up = await world.sync(from);
    const down = await world.sync(to);
    console.log(name, up, down);
    await clients.assertEqual();
    assert(up <= most, `${name}: ${up} bytes to the hub, not ${most}`);
    assert(down <= most, `${name}: ${down} bytes from the hub, not ${most}`);
  }
});
