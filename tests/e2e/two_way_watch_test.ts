/** `sync --two-way --watch`, between directories, with a listener and with a hub. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { serve } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  type Ended,
  listen,
  type Program,
  type Receiver,
  startSync,
} from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { writeTree } from "../support/disk_tree.ts";

const SCHEDULES = Number(Deno.env.get("LOCKSTEP_STORMS") ?? 10);
const SEED = Deno.env.get("LOCKSTEP_SEED");

const SIDES = ["alpha", "beta"] as const;
type SideName = typeof SIDES[number];

/** What `count` says once it has said the same for a second: what was done is told later. */
async function settled(count: () => number): Promise<number> {
  let last = count();
  let since = performance.now();
  await until("silence", () => {
    const now = count();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since > 1_000;
  });
  return last;
}

/** Two directories that are kept equal by processes; its owner disposes of it. */
class TwoWatched implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly alpha = this.temp.directory("alpha");
  readonly beta = this.temp.directory("beta");
  readonly proxy = new TcpProxy(1);
  receiver: Receiver | undefined;
  sender!: Program;

  /** Resolves when the first round is through. */
  async start(isRemote: boolean, args: readonly string[] = []): Promise<void> {
    if (isRemote) await this.listen();
    const target = isRemote ? this.proxy.url : this.beta;
    this.sender = startSync(
      this.alpha,
      target,
      ["--two-way", "--watch", ...args],
      this.state("here"),
    );
    await this.sender.event("synced");
  }

  async listen(): Promise<void> {
    const args = ["--two-way"];
    this.receiver = await listen(this.beta, args, this.state("there"));
    this.proxy.serverPort = this.receiver.port;
  }

  async killListener(): Promise<void> {
    this.receiver!.kill("SIGKILL");
    await this.receiver!.ended;
  }

  async equal(): Promise<void> {
    let last: unknown;
    await until("both sides to be equal", async () => {
      try {
        await assertSameTree(this.alpha, this.beta);
        await assertSameTree(this.beta, this.alpha);
        return true;
      } catch (error) {
        last = error;
        return false;
      }
    }).catch((error) => {
      throw new Error(
        `${error.message}\n${last}\n${this.sender.stdout}\n${this.sender.stderr}\n${this.receiver?.stderr}`,
      );
    });
  }

  /** Ends the sender in the usual way; both ends are to end well. */
  async stop(): Promise<void> {
    this.sender.kill("SIGINT");
    for (const program of [this.sender, this.receiver]) {
      const ended: Ended | undefined = await program?.ended;
      if (ended !== undefined) {
        assertEquals([ended.code, ended.stderr], [0, ""], ended.stdout);
      }
    }
  }

  state(name: string): { env: Record<string, string> } {
    return { env: { XDG_STATE_HOME: this.temp.at(`state-${name}`) } };
  }

  at(side: SideName, path: string): string {
    return join(this[side], path);
  }

  /** What all files of both sides hold. */
  contents(): Set<string> {
    const found = new Set<string>();
    const look = (path: string): void => {
      for (const { name, isDirectory } of Deno.readDirSync(path)) {
        const at = join(path, name);
        if (isDirectory) look(at);
        else found.add(Deno.readTextFileSync(at));
      }
    };
    look(this.alpha);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender?.[Symbol.asyncDispose]();
    await this.receiver?.[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}

for (const isRemote of [false, true]) {
  const how = isRemote ? "with a listener" : "between directories";

  test(`H11: a two-way watch ${how} carries edits of both sides, and no echo`, [
    "rsync",
    "signals",
  ], async () => {
    await using sides = new TwoWatched();
    writeTree(sides.alpha, { a: "a", d: { x: "x" }, gone: "gone" });
    writeTree(sides.beta, { b: "b" });
    await sides.start(isRemote);
    await sides.equal();
    writeTree(sides.alpha, { new: { deep: { f: "1" } }, a: "edited" });
    writeTree(sides.beta, { d: { y: "y" } });
    Deno.removeSync(sides.at("beta", "gone"));
    Deno.renameSync(sides.at("beta", "b"), sides.at("beta", "moved"));
    await sides.equal();
    assertEquals(Deno.readTextFileSync(sides.at("alpha", "moved")), "b");
    assertEquals(Deno.readTextFileSync(sides.at("beta", "a")), "edited");
    // One more file, after which there must not have been any other round.
    const rounds = (): number =>
      sides.sender.events.filter(({ event }) => event === "synced").length;
    await until("the rounds to be told", () => rounds() > 1);
    const before = await settled(rounds);
    Deno.writeTextFileSync(sides.at("alpha", "last"), "last");
    await sides.equal();
    await until("the round to be told", () => rounds() > before);
    assertEquals(rounds(), before + 1);
    await sides.stop();
    assertEquals([...Deno.readDirSync(sides.alpha)].some(isOwn), false);
  });
}

test("a two-way watch outlives cut connections and a killed listener", [
  "rsync",
  "signals",
], async () => {
  await using sides = new TwoWatched();
  writeTree(sides.alpha, { a: "a", b: "b" });
  await sides.start(true);
  sides.proxy.cut();
  Deno.writeTextFileSync(sides.at("beta", "cut"), "while it was cut");
  await sides.equal();
  await sides.killListener();
  Deno.writeTextFileSync(sides.at("alpha", "a"), "while it was dead");
  Deno.removeSync(sides.at("beta", "b"));
  await sides.listen();
  await sides.equal();
  assertEquals([...sides.contents()].sort(), [
    "while it was cut",
    "while it was dead",
  ]);
  await sides.stop();
});

test(
  "a two-way watch halts where a side has lost everything, and ends with exit code 4",
  [
    "signals",
  ],
  async () => {
    await using sides = new TwoWatched();
    writeTree(sides.alpha, { a: "a", b: "b" });
    await sides.start(true);
    await sides.equal();
    for (const name of ["a", "b"]) Deno.removeSync(sides.at("beta", name));
    await sides.sender.event("halted");
    assertEquals(Deno.readTextFileSync(sides.at("alpha", "a")), "a");
    sides.sender.kill("SIGINT");
    assertEquals((await sides.sender.ended).code, 4);
  },
);

test(
  "two directories keep in step through a hub, which tells each of the other",
  [
    "rsync",
    "signals",
  ],
  async () => {
    await using sides = new TwoWatched();
    await using hub = await serve(sides.temp.at("hub"));
    const url = `${hub.url.replace("http", "ws")}/engine`;
    writeTree(sides.alpha, { a: "a", d: { x: "x" } });
    const start = (side: SideName): Program =>
      startSync(sides[side], url, [
        ...["--two-way", "--watch", "--token", hub.key],
      ], sides.state(side));
    await using one = start("alpha");
    await one.event("synced");
    await using two = start("beta");
    sides.sender = two;
    await two.event("synced");
    await sides.equal();
    Deno.writeTextFileSync(sides.at("alpha", "d/x"), "edited");
    Deno.writeTextFileSync(sides.at("beta", "new"), "new");
    await sides.equal();
    Deno.removeSync(sides.at("alpha", "new"));
    await sides.equal();
    assertEquals([...sides.contents()].sort(), ["a", "edited"]);
    for (const program of [one, two]) {
      program.kill("SIGINT");
      const { code, stdout, stderr } = await program.ended;
      assertEquals(code, 0, `${stdout}\n${stderr}`);
    }
  },
);

test(`${SCHEDULES} storms on both sides end equal, with every version kept`, [
  "rsync",
  "signals",
], async () => {
  const chance = new Random(seedOr(Date.now() % 1e9));
  const seeds = SEED === undefined
    ? Array.from({ length: SCHEDULES }, () => chance.below(1e9))
    : [Number(SEED)];
  await using sides = new TwoWatched();
  writeTree(sides.alpha, { d: { "n0": "first" } });
  await sides.start(true, ["--rescan", "2s"]);
  for (const seed of seeds) {
    const log: string[] = [];
    try {
      await storm(sides, seed, log);
      note("N11", "storms", 1);
    } catch (error) {
      throw new Error(`LOCKSTEP_SEED=${seed}\n${log.join("\n")}`, {
        cause: error,
      });
    }
  }
  await sides.stop();
});

/** Bursts of edits of few paths; a version goes only where its side replaced it. */
async function storm(
  sides: TwoWatched,
  seed: number,
  log: string[],
): Promise<void> {
  const random = new Random(seed);
  for (let burst = 0; burst < 2; burst++) {
    const kept = new Set<string>();
    for (let step = 0; step < 8; step++) {
      const side = random.pick(SIDES);
      const name = random.pick(["n0", "n1", "d/n0", "d/n1", "e/n0"]);
      const path = sides.at(side, name);
      const before = read(path);
      if (random.below(5) === 0 && before !== undefined) {
        log.push(`${side} deletes ${name}`);
        Deno.removeSync(path);
      } else {
        const text = `${seed} ${burst} ${step} ${"x".repeat(random.below(3))}`;
        log.push(`${side} writes ${name}: ${text}`);
        Deno.mkdirSync(join(path, ".."), { recursive: true });
        Deno.writeTextFileSync(path, text);
        kept.add(text);
      }
      // What this side had there it has replaced itself.
      if (before !== undefined) kept.delete(before);
      if (random.below(8) === 0) {
        log.push("cut");
        sides.proxy.cut();
      }
      if (random.below(12) === 0) {
        log.push("kill the listener");
        await sides.killListener();
        await sides.listen();
      }
    }
    await sides.equal();
    const there = sides.contents();
    for (const text of kept) assert(there.has(text), `lost: ${text}`);
  }
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isOwn({ name }: Deno.DirEntry): boolean {
  return name === ".lockstep";
}
