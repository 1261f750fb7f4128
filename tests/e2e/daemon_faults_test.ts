/** What a daemon has to survive: killed and frozen processes, itself among them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../support/command.ts";
import { DaemonWorld, isAlive } from "../support/daemon_world.ts";
import { exists } from "../support/disk_tree.ts";
import { mounted } from "../support/mounted.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { until } from "../support/until.ts";

const SCALE = Deno.env.get("LOCKSTEP_SCALE") === undefined ? 10 : 50;

test(
  "E12: a process that is killed or frozen is back, and its neighbour never noticed",
  [
    "rsync",
    "linux",
  ],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    await world.start(["--stall-after", "4s", "--max-failures", "10"]);
    const source = await world.add("w");
    await world.attach("w", "disk", temp.at("disk"));
    await world.add("neighbour");
    await world.attach("neighbour", "disk", temp.at("other"));
    await world.flush("neighbour");
    const { pid: beside } = await world.info("neighbour");
    for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
      await world.flush("w");
      const { pid } = await world.info("w");
      Deno.kill(pid!, signal);
      Deno.writeTextFileSync(`${source}/${signal}`, "1");
      await world.same(source, temp.at("disk"));
      const after = await world.when(
        "it to be back",
        "w",
        (info) => info.state === "running" && info.pid !== pid,
      );
      assert(!isAlive(pid!));
      assert(after.failures > 0);
    }
    // A flush that its process does not live to see is answered by the next one.
    const { pid } = await world.info("w");
    Deno.kill(pid!, "SIGSTOP");
    Deno.writeTextFileSync(`${source}/last`, "1");
    await world.flush("w");
    await assertSameTree(source, temp.at("disk"));
    assertEquals((await world.info("neighbour")).pid, beside);
  },
);

test("E12: a process that fails at every start is given up, with the reason", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const daemon = await world.start([], {
    LOCKSTEP_WORKER_FAULT: "change:1:kill",
  });
  await world.add("w");
  await world.attach("w", "disk", world.temp.at("disk"));
  const failed = await world.when(
    "it to be given up",
    "w",
    (info) => info.state === "failed",
  );
  assertEquals([failed.failures, failed.pid], [3, undefined]);
  assertStringIncludes(failed.error!, "SIGKILL");
  assertStringIncludes(failed.log!.join("\n"), "before a resume");
  const { body } = await world.ask("POST", "workspaces/w/flush");
  assertEquals(body.remotes[0].exit, 1);
  assertStringIncludes(body.remotes[0].error, "SIGKILL");
  const info = await world.run("workspace", "info");
  assertStringIncludes(info.stdout, "failed");
  // A resume is a new start: it may fail as often again.
  await world.ask("POST", "workspaces/w/resume");
  await world.when(
    "it to be given up again",
    "w",
    (info) => info.state === "failed" && info.failures === 3,
  );
  daemon.kill("SIGTERM");
  assertEquals((await daemon.ended).code, 0);
});

test(
  "E12: when the daemon is killed its processes end, and the next one goes on",
  [
    "rsync",
    "linux",
  ],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    const daemon = await world.start();
    const source = await world.mirrored("w");
    const { pid } = await world.info("w");
    daemon.kill("SIGKILL");
    await daemon.ended;
    await until("the orphan to be gone", () => !isAlive(pid!));
    assert(exists(world.socket));
    Deno.writeTextFileSync(`${source}/orphaned`, "1");
    assert(!exists(temp.at("disk/orphaned")));
    await world.start();
    await world.flush("w");
    await assertSameTree(source, temp.at("disk"));
  },
);

test("E12: a process that outlives its daemon, frozen, is waited for", [
  "rsync",
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  const daemon = await world.start();
  const source = await world.mirrored("w");
  const { pid: frozen } = await world.info("w");
  Deno.kill(frozen!, "SIGSTOP");
  daemon.kill("SIGKILL");
  // Its output is held open by the process that is frozen.
  await until("the daemon to be gone", () => !isAlive(daemon.pid));
  Deno.writeTextFileSync(`${source}/new`, "1");
  await world.start();
  const waits = await world.when(
    "it to wait",
    "w",
    (info) => info.error?.includes("another process") === true,
  );
  assertEquals(waits.source, "lost");
  assert(!exists(temp.at("disk/new")));
  Deno.kill(frozen!, "SIGCONT");
  await world.same(source, temp.at("disk"));
  assert(!isAlive(frozen!));
});

test("E12: a daemon that was frozen does not take its processes for dead", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const daemon = await world.start(["--stall-after", "3s"]);
  await world.add("w");
  await world.flush("w");
  const { pid } = await world.when(
    "it to run",
    "w",
    (info) => info.state === "running",
  );
  daemon.kill("SIGSTOP");
  // Frozen for longer than a process may be silent.
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  daemon.kill("SIGCONT");
  await world.flush("w");
  const after = await world.info("w");
  assertEquals([after.pid, after.failures], [pid, 0]);
});

test("K05: of two daemons that are started at one moment, one runs", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const starts = [1, 2, 3].map(() => world.run("daemon", "start", "--json"));
  const ended = await Promise.all(starts);
  const pids = new Set(ended.map(({ code, events, stderr }) => {
    assertEquals(code, 0, stderr);
    return events[0]!.pid;
  }));
  assertEquals(pids.size, 1);
  const second = await world.run("daemon", "run");
  const [pid] = pids;
  assertEquals(second.code, 1);
  assertStringIncludes(second.stderr, `running already, as process ${pid}`);

  // What a killed one has left is taken over.
  Deno.kill(pid as number, "SIGKILL");
  await until("it to be gone", () => !isAlive(pid as number));
  assert(exists(world.socket));
  assertEquals((await world.run("daemon", "status")).code, 6);
  assertEquals((await world.run("daemon", "start")).code, 0);
  assertEquals((await world.run("daemon", "status")).code, 0);
});

test("K05: a daemon whose place was taken ends, and touches nothing there", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const daemon = await world.start();
  Deno.removeSync(world.socket);
  Deno.writeTextFileSync(world.socket, "somebody else's");
  const { code, stderr } = await daemon.ended;
  assertEquals(code, 1);
  assertStringIncludes(stderr, "gone, or was replaced");
  assertEquals(Deno.readTextFileSync(world.socket), "somebody else's");
  const next = await world.run("daemon", "run");
  assertEquals(next.code, 1);
  assertStringIncludes(next.stderr, "in the way");
});

test("C20: only its owner gets at the socket, and nobody stops it there", [
  "linux",
  "root",
  "setpriv",
  "curl",
], async () => {
  await using world = new DaemonWorld();
  const daemon = await world.start([], {
    DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
  });
  const mode = (path: string): string =>
    (Deno.lstatSync(path).mode! & 0o777).toString(8);
  assertEquals([mode(world.socket), mode(world.runtime)], ["600", "700"]);
  Deno.chmodSync(world.temp.path, 0o755);
  const stranger = await command("setpriv", [
    ...["--reuid", "65534", "--clear-groups", "curl", "--silent"],
    ...["--unix-socket", world.socket, "http://localhost/v1/daemon"],
  ]);
  assertEquals([stranger.code, stranger.stdout], [7, ""]);

  // Half a request, and one that is far too long, keep nobody waiting.
  using half = await Deno.connect({ transport: "unix", path: world.socket });
  await half.write(
    new TextEncoder().encode("POST /v1/workspaces HTTP/1.1\r\nHo"),
  );
  const long = { name: "x".repeat(2_000_000), path: "/" };
  const { status, body } = await world.ask("POST", "workspaces", long);
  assertEquals([status, body.code], [400, "usage"]);
  using line = await Deno.connect({ transport: "unix", path: world.socket });
  const flood = new Uint8Array(64 * 1024).fill(97);
  await assertRefused(line, flood);
  assertEquals((await world.ask("GET", "daemon")).status, 200);
  assertEquals((await world.run("daemon", "stop")).code, 0);
  assertEquals((await daemon.ended).code, 0);
  assert(!exists(world.socket));
});

test("C20: a place that is not safe is refused, and a link is not followed", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  Deno.chmodSync(world.runtime, 0o755);
  const open = await world.run("daemon", "run");
  assertEquals(open.code, 1);
  assertStringIncludes(open.stderr, "chmod 700");
  Deno.chmodSync(world.runtime, 0o700);
  const victim = world.temp.at("victim");
  Deno.writeTextFileSync(victim, "mine");
  Deno.symlinkSync(victim, world.socket);
  const linked = await world.run("daemon", "run");
  assertEquals(linked.code, 1);
  assertStringIncludes(linked.stderr, "in the way");
  assertEquals(Deno.readTextFileSync(victim), "mine");
  const deep = world.temp.directory("x".repeat(120));
  Deno.chmodSync(deep, 0o700);
  world.env.XDG_RUNTIME_DIR = deep;
  const long = await world.run("daemon", "run");
  assertEquals(long.code, 1);
  assertStringIncludes(long.stderr, "too long");
});

test("H14: two daemons of two settings do not work on one directory", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  await world.start();
  const source = await world.add("w");
  await world.attach("w", "one", temp.at("one"));
  await world.flush("w");
  // The same state, another runtime directory and configuration.
  const runtime = temp.directory("run2");
  Deno.chmodSync(runtime, 0o700);
  const second = await world.program(["daemon", "run"], {
    XDG_RUNTIME_DIR: runtime,
    LOCKSTEP_CONFIG: temp.at("config2"),
  }).ended;
  assertEquals(second.code, 1);
  assertStringIncludes(second.stderr, "Another daemon is running already");
  // The same directory under another name is refused by the one that runs.
  Deno.symlinkSync(source, temp.at("link"));
  const { status, body } = await world.ask("POST", "workspaces", {
    name: "again",
    path: temp.at("link"),
  });
  assertEquals(status, 400, body.detail);
  assertStringIncludes(body.detail, "already");
});

test("a damaged file of workspaces is named, and left as it is", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  Deno.mkdirSync(world.temp.at("config"));
  const workspace = (more: string): string =>
    `{"format":"lockstep-workspaces","version":1,"workspaces":[` +
    `{"name":"w","path":"/w"${more}}]}`;
  const table: [text: string, message: string][] = [
    ["", "no JSON"],
    ['{"format":', "no JSON"],
    ["[]", "the file is no object"],
    ['{"format":"other"}', "format is not"],
    ['{"format":"lockstep-workspaces","version":2}', 'version "2"'],
    [workspace(',"pahts":1'), 'workspaces[0] has a field "pahts"'],
    [workspace(',"remotes":[{"name":"r"}]'), "workspaces[0].remotes[0].to"],
    [
      workspace(',"remotes":[{"name":"r","to":"/r","options":{"max":"1"}}]'),
      '"w": "r": "max" is no option of a remote',
    ],
    [workspace(',"options":{"rescan":"often"}'), '"w": --rescan "often"'],
  ];
  for (const [text, message] of table) {
    Deno.writeTextFileSync(world.config, text, { mode: 0o600 });
    const { code, stderr } = await world.run("daemon", "run");
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
    assertStringIncludes(stderr, "workspaces.json");
    assertEquals(Deno.readTextFileSync(world.config), text);
    assert(!exists(world.socket));
  }
  Deno.chmodSync(world.config, 0o644);
  assertStringIncludes((await world.run("daemon", "run")).stderr, "chmod 600");
});

test("what cannot be remembered is refused, and changes nothing", [
  "mount",
  "rsync",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  Deno.mkdirSync(temp.at("config"));
  await mounted(temp.at("config"), { options: "size=64k" }, async () => {
    await world.start();
    const source = await world.add("w");
    await world.attach("w", "one", temp.at("one"));
    const before = Deno.readTextFileSync(world.config);
    const filler = temp.at("config/filler");
    fill(filler);
    const { status, body } = await world.ask("POST", "workspaces/w/remotes", {
      name: "two",
      to: temp.at("two"),
    });
    assertEquals([status, body.code], [507, "no-space"]);
    assertEquals(Deno.readTextFileSync(world.config), before);
    assertEquals((await world.info("w")).remotes.length, 1);
    Deno.writeTextFileSync(`${source}/new`, "1");
    await world.flush("w");
    assert(exists(temp.at("one/new")) && !exists(temp.at("two")));
    Deno.removeSync(filler);
    await world.attach("w", "two", temp.at("two"));
    await world.flush("w");
    await assertSameTree(source, temp.at("two"));

    // What somebody else has written is not overwritten either.
    Deno.writeTextFileSync(world.config, `${before}\n`);
    const detached = await world.ask("DELETE", "workspaces/w/remotes/two");
    assertStringIncludes(detached.body.detail, "changed by somebody else");
    assertEquals(Deno.readTextFileSync(world.config), `${before}\n`);
  });
});

test(
  "K14: a workspace is not called equal before it is",
  ["rsync", "linux"],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    Deno.mkdirSync(temp.at("state/lockstep"));
    Deno.writeTextFileSync(temp.at("state/lockstep/recipes.db"), "damaged");
    await world.start();
    const source = await world.add("w");
    for (let i = 0; i < 2_000; i++) {
      Deno.writeTextFileSync(`${source}/${i}`, `${i}`);
    }
    await world.attach("w", "disk", temp.at("disk"));
    const seen = new Set<string>();
    await until("it to be equal", async () => {
      const [remote] = (await world.info("w")).remotes;
      seen.add(remote!.state);
      return remote!.state === "watching";
    });
    await assertSameTree(source, temp.at("disk"));
    assert(seen.has("connecting") || seen.has("syncing"));
  },
);

test(`${SCALE} workspaces are in place, each with a process of its own`, [
  "rsync",
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  await world.start();
  const names = Array.from({ length: SCALE }, (_, i) => `w${i}`);
  const sources = await Promise.all(names.map((name) => world.add(name)));
  await Promise.all(
    names.map((name) => world.attach(name, "disk", temp.at(`to-${name}`))),
  );
  for (const [i, name] of names.entries()) {
    const timeoutMs = 120_000;
    const { body } = await world.ask("POST", `workspaces/${name}/flush`, {
      timeoutMs,
    });
    assertEquals(body.remotes, [{ remote: "disk", exit: 0 }]);
    await assertSameTree(sources[i]!, temp.at(`to-${name}`));
  }
  const { body } = await world.ask("GET", "workspaces");
  const pids = new Set(body.workspaces.map((w: { pid: number }) => w.pid));
  assertEquals(pids.size, SCALE);
});

/** Writes until nothing more fits. */
function fill(path: string): void {
  try {
    Deno.writeFileSync(path, new Uint8Array(1024 * 1024));
  } catch {
    // It is full.
  }
}

/** Sends without end, and expects to be cut off or told off. */
async function assertRefused(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  const answer = connection.read(new Uint8Array(1_000)).catch(() => null);
  try {
    for (let i = 0; i < 1_600; i++) await connection.write(bytes);
  } catch {
    // Cut off.
  }
  const count = await answer;
  assert(count === null || count > 0);
}
