/** Between a hub and its clients only what is new travels. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import type { DiskLiteral } from "../support/disk_tree.ts";
import { HubClients } from "../support/hub_clients.ts";
import { run } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";

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

  /** Mirrors the directory of a client to the hub: the bytes that went both ways. */
  async mirror(name: string): Promise<number> {
    const { counts, url } = this.proxies[name]!;
    const before = counts.toServer + counts.toClient;
    const from = this.clients.at(name);
    const ended = await run(
      ["sync", "--from", from, "--to", `${url}/engine`, "--json"],
      this.clients.options(name),
    );
    assertEnded(ended);
    return counts.toServer + counts.toClient - before;
  }

  /** Begins to sync, and kills that when so many bytes have gone in a direction. */
  async break(
    name: string,
    lane: "toServer" | "toClient",
    bytes: number,
    kill?: () => Promise<void>,
  ): Promise<void> {
    const { counts } = this.proxies[name]!;
    const end = counts[lane] + bytes;
    await using client = this.clients.start(name, ["--once"]);
    await until(`${bytes} bytes`, () => counts[lane] >= end);
    await kill?.();
    client.kill("SIGKILL");
    await client.ended;
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

/** Something to change, and so much that stays that no guard asks. */
function tree(): Record<string, DiskLiteral> {
  const many = Object.fromEntries(
    Array.from(
      { length: SMALL_FILES },
      (_, i) => [`${i}`, random.bytes(5_000)],
    ),
  );
  const rest = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`${i}`, `${i}`]),
  );
  return { large: LARGE, many, rest };
}

Deno.test("I22: what is edited, renamed, moved or copied brings a hub and its clients hardly more than the news", async () => {
  await using world = await World.begin("a", "b");
  const { clients } = world;
  clients.fill("a", tree());
  assert(await world.sync("a") > LARGE.length);
  assert(await world.sync("b") > LARGE.length);
  for (const [i, { name, change, most }] of STEPS.entries()) {
    // Each client is the one that changes something, in turn.
    const [from, to] = i % 2 === 0 ? ["a", "b"] as const : ["b", "a"] as const;
    change((path) => clients.at(from, path));
    const up = await world.sync(from);
    const down = await world.sync(to);
    await clients.assertEqual();
    assert(up <= most, `${name}: ${up} bytes to the hub, not ${most}`);
    assert(down <= most, `${name}: ${down} bytes from the hub, not ${most}`);
  }
});

Deno.test("I22: of what is edited, renamed, moved or copied hardly more than the news is mirrored to a hub", async () => {
  await using world = await World.begin("a", "b");
  const { clients } = world;
  clients.fill("a", tree());
  assert(await world.mirror("a") > LARGE.length);
  for (const { name, change, most } of STEPS) {
    change((path) => clients.at("a", path));
    const bytes = await world.mirror("a");
    assert(bytes <= most, `${name}: ${bytes} bytes to the hub, not ${most}`);
  }
  await world.sync("b");
  await clients.assertEqual();
});

/** What may be on its way when somebody dies, and has to come again. */
const SLACK_BYTES = 3 * MIB;

Deno.test("D11: what a killed client has brought to a hub, or had from it, is not sent again", async () => {
  await using world = await World.begin("a", "b");
  const { clients } = world;
  clients.fill("a", { larger: random.bytes(32 * MIB), ...tree() });
  const all = 48 * MIB;
  await world.break("a", "toServer", 20 * MIB);
  const up = await world.sync("a");
  assert(up <= all - 20 * MIB + SLACK_BYTES, `${up} bytes to the hub`);
  await world.break("b", "toClient", 20 * MIB);
  const down = await world.sync("b");
  assert(down <= all - 20 * MIB + SLACK_BYTES, `${down} bytes from the hub`);
  assertEquals(clients.digestsIn("b"), clients.digestsIn("a"));
});

Deno.test("D11: what a killed hub was sent is not sent again, but for the last of it", async () => {
  await using world = await World.begin("a", "b");
  const { clients } = world;
  clients.fill("a", {
    one: random.bytes(30 * MIB),
    two: random.bytes(30 * MIB),
  });
  await world.break(
    "a",
    "toServer",
    50 * MIB,
    () => clients.stopHub("SIGKILL"),
  );
  await clients.serve();
  const bytes = await world.sync("a");
  assert(bytes <= 60 * MIB - 32 * MIB + SLACK_BYTES, `${bytes} bytes again`);
  await world.sync("b");
  assertEquals(clients.digestsIn("b"), clients.digestsIn("a"));
});
