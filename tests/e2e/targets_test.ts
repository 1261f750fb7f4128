import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exists } from "../support/disk_tree.ts";
import { parseLogLine } from "../support/log_line.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  type Ended,
  listen,
  Program,
  type Receiver,
  run,
} from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** A source with files of all sizes, and places for targets. */
class World implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly source = this.temp.at("source");
  readonly #programs: AsyncDisposable[] = [];

  constructor() {
    Deno.mkdirSync(this.temp.at("source/dir/sub"), { recursive: true });
    this.write("file", "one");
    this.write("dir/two", "two");
    const random = new Uint8Array(1_000_000);
    for (let at = 0; at < random.length; at += 50_000) {
      crypto.getRandomValues(random.subarray(at, at + 50_000));
    }
    Deno.writeFileSync(this.temp.at("source/dir/sub/large"), random);
  }

  write(path: string, text: string): void {
    Deno.writeTextFileSync(this.temp.at(`source/${path}`), text);
  }

  /** A listener that goes on, writing to the place `name`. */
  async listener(
    name: string,
    args: readonly string[] = [],
  ): Promise<Receiver> {
    const receiver = await listen(this.temp.at(name), [
      "--keep-listening",
      ...args,
    ]);
    this.#programs.push(receiver);
    return receiver;
  }

  start(targets: readonly string[], args: readonly string[] = []): Program {
    const program = new Program(this.#words(targets, ["--json", ...args]));
    this.#programs.push(program);
    return program;
  }

  run(
    targets: readonly string[],
    args: readonly string[] = [],
  ): Promise<Ended> {
    return run(this.#words(targets, args));
  }

  async same(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      await assertSameTree(this.source, this.temp.at(name));
    }
  }

  /** Waits until these places are equal to the source. */
  async equal(...names: readonly string[]): Promise<void> {
    await until(`${names} to be equal`, async () => {
      try {
        await this.same(...names);
        return true;
      } catch {
        return false;
      }
    });
  }

  #words(targets: readonly string[], args: readonly string[]): string[] {
    const to = targets.flatMap((target) => ["--to", target]);
    return ["sync", "--from", this.source, ...to, ...args];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}

test(
  "sync mirrors to two listeners and a directory at a time, and tells them apart",
  [
    "rsync",
  ],
  async () => {
    await using world = new World();
    const one = await world.listener("one");
    const two = await world.listener("two");
    const three = world.temp.at("three");
    const targets = [one.url, two.url, three];
    const log = world.temp.at("log");
    await using sync = world.start(targets, ["--log-file", log]);
    const { code, events, stderr } = await sync.ended;
    assertEquals([code, stderr], [0, ""]);
    await world.same("one", "two", "three");
    const logged = Deno.readTextFileSync(log).trim().split("\n")
      .map((line) => parseLogLine(line)?.target);
    assertEquals(new Set(logged), new Set(targets));
    for (const name of ["started", "done"]) {
      const named = events.filter(({ event }) => event === name);
      assertEquals(new Set(named.map(({ to }) => to)), new Set(targets));
    }
    const { targets: count, done, exit } = events.at(-1)!;
    assertEquals([events.at(-1)?.event, count, done, exit], [
      "finished",
      3,
      3,
      0,
    ]);

    const again = await world.run(targets);
    assertEquals(again.code, 0);
    assertStringIncludes(again.stdout, `${three}: Nothing to do`);
    assertStringIncludes(again.stdout, "3 of 3 targets done");
  },
);

test(
  "A target that is dead, slow, refusing or halted keeps no other one waiting",
  [
    "rsync",
  ],
  async () => {
    await using world = new World();
    const good = await world.listener("good");
    const slow = await world.listener("slow");
    const strict = await world.listener("strict", ["--token", "t".repeat(20)]);
    await using proxy = new TcpProxy(slow.port, () => ({
      toServer: { stallAfter: 20_000 },
    }));
    const dead = `ws://127.0.0.1:${freePort()}`;
    const place = world.temp.at("place");
    const full = world.temp.at("full");
    Deno.mkdirSync(full);
    for (let i = 0; i < 5; i++) {
      Deno.writeTextFileSync(`${full}/extra${i}`, "x");
    }
    await using sync = world.start(
      [dead, proxy.url, strict.url, full, good.url, place],
      ["--max-delete", "2"],
    );
    await sync.event("done", { to: good.url });
    await sync.event("done", { to: place });
    await sync.event("failed", { to: strict.url, exit: 5 });
    await sync.event("failed", { to: full, exit: 4 });
    await world.same("good", "place");
    // The others have not been given up.
    assert(
      !sync.events.some(({ event, to }) =>
        (event === "done" || event === "failed") &&
        (to === dead || to === proxy.url)
      ),
    );
    assert(exists(`${full}/extra0`));
    sync.kill("SIGINT");
    assertEquals((await sync.ended).code, 130);
  },
);

test(
  "The exit code of several targets is that of the worst",
  ["rsync"],
  async () => {
    await using world = new World();
    const strict = await world.listener("strict", ["--token", "t".repeat(20)]);
    const dead = `ws://127.0.0.1:${freePort()}`;
    const full = world.temp.at("full");
    Deno.mkdirSync(full);
    for (let i = 0; i < 5; i++) {
      Deno.writeTextFileSync(
        `${full}/extra${i}`,
        "x",
      );
    }
    const place = world.temp.at("place");
    const args = ["--retry-for", "0", "--max-delete", "2"];
    const table: [string[], number][] = [
      [[place, strict.url], 5],
      [[place, strict.url, dead], 6],
      [[dead, full, strict.url, place], 4],
    ];
    for (const [targets, exit] of table) {
      const { code, stdout } = await world.run(targets, args);
      assertEquals(code, exit, `${targets}`);
      assertStringIncludes(stdout, `1 of ${targets.length} targets done`);
      await world.same("place");
    }
  },
);

test(
  "sync --watch follows to each target at its own pace, and through its loss",
  [
    "rsync",
  ],
  async () => {
    await using world = new World();
    const one = await world.listener("one");
    const two = await world.listener("two");
    await using proxy = new TcpProxy(two.port);
    const three = world.temp.at("three");
    const targets = [one.url, proxy.url, three];
    await using sync = world.start(targets, ["--watch"]);
    for (const to of targets) await sync.event("synced", { to });
    await world.same("one", "two", "three");

    for (let i = 0; i < 5; i++) {
      world.write(`new${i}`, `${i}`);
      world.write("dir/sub/large", `${i}`.repeat(500_000 + i));
      await world.equal("one", "two", "three");
    }
    Deno.renameSync(world.temp.at("source/dir"), world.temp.at("source/moved"));
    await world.equal("one", "two", "three");

    // One is lost: the others go on, and it catches up when it is back.
    const { serverPort } = proxy;
    proxy.serverPort = freePort();
    proxy.cut();
    await sync.event("retrying", { to: proxy.url });
    world.write("meanwhile", "1");
    Deno.removeSync(world.temp.at("source/new0"));
    await world.equal("one", "three");
    assert(!exists(world.temp.at("two/meanwhile")));
    proxy.serverPort = serverPort;
    await world.equal("two");

    sync.kill("SIGINT");
    const { code, stderr } = await sync.ended;
    assertEquals([code, stderr], [0, ""]);
  },
);

test("sync --watch goes on where a target refuses, and tells so in the end", [
  "rsync",
], async () => {
  await using world = new World();
  const strict = await world.listener("strict", ["--token", "t".repeat(20)]);
  const place = world.temp.at("place");
  await using sync = world.start([strict.url, place], ["--watch"]);
  await sync.event("synced", { to: place });
  await sync.event("failed", { to: strict.url, exit: 5 });
  world.write("later", "1");
  await world.equal("place");
  sync.kill("SIGINT");
  assertEquals((await sync.ended).code, 5);
});

test("sync --watch survives that its source is away, for each target", [
  "rsync",
], async () => {
  await using world = new World();
  const one = await world.listener("one");
  const place = world.temp.at("place");
  await using sync = world.start([one.url, place], ["--watch"]);
  for (const to of [one.url, place]) await sync.event("synced", { to });
  Deno.renameSync(world.source, world.temp.at("away"));
  await sync.event("source-lost");
  Deno.renameSync(world.temp.at("away"), world.source);
  await sync.event("source-back");
  world.write("dir/sub/large", "x".repeat(300_000));
  await world.equal("one", "place");
  assert(exists(world.temp.at("one/dir/two")));
});

test("sync --interval keeps several targets equal", ["rsync"], async () => {
  await using world = new World();
  const one = await world.listener("one");
  const place = world.temp.at("place");
  await using sync = world.start([one.url, place], ["--interval", "50"]);
  for (const to of [one.url, place]) await sync.event("synced", { to });
  world.write("later", "1");
  Deno.removeSync(world.temp.at("source/file"));
  await world.equal("one", "place");
  sync.kill("SIGINT");
  assertEquals((await sync.ended).code, 0);
});

test("A dry run comes to one target after the other, and changes none", [
  "rsync",
], async () => {
  await using world = new World();
  const one = await world.listener("one");
  const place = world.temp.at("place");
  const { code, stdout } = await world.run([one.url, place], ["--dry-run"]);
  assertEquals(code, 0);
  for (const to of [one.url, place]) {
    assertStringIncludes(stdout, `${to}: Would do: `);
  }
  assert(!exists(place));
  assertEquals([...Deno.readDirSync(world.temp.at("one"))], []);
});

test(
  "Targets that share a directory, and what is for one target, are refused",
  [],
  async () => {
    await using world = new World();
    const place = world.temp.at("place");
    const inside = `${place}/inside`;
    const table: [string[], string[], string][] = [
      [[place, place], [], "is given twice"],
      [[place, inside], [], `${inside} lies inside --to ${place}`],
      [[inside, place], [], `${inside} lies inside --to ${place}`],
      [[place, `${world.source}/x`], [], "lies inside --from"],
      [
        [place, world.temp.at("b")],
        ["--dry-run", "--plan", "p"],
        "--plan is for",
      ],
      [[place, world.temp.at("b")], ["--trash", "t"], "--trash is for one"],
      [
        [place, world.temp.at("b")],
        ["--token", "t".repeat(20)],
        "--token is for",
      ],
      [[place, world.temp.at("b")], ["--compress", "on"], "--compress is for"],
      [["ws://127.0.0.1:1", place], ["--trash", "t"], "--trash is for one"],
      [
        [world.temp.at("b"), place],
        ["--log-file", `${world.temp.at("b")}/log`],
        "--log-file",
      ],
    ];
    for (const [targets, args, message] of table) {
      const { code, stderr } = await world.run(targets, args);
      assertEquals(code, 2, `${targets} ${args}: ${stderr}`);
      assertStringIncludes(stderr, message);
    }
    assert(!exists(place));
  },
);

/** A port that nobody listens on. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
