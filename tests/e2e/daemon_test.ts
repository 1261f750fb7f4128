import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../support/command.ts";
import { DaemonWorld, isAlive } from "../support/daemon_world.ts";
import { exists } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen } from "../support/program.ts";
import { until } from "../support/until.ts";

test(
  "a workspace is mirrored to a listener and a directory, from add to flush",
  [
    "rsync",
    "linux",
  ],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    await using receiver = await listen(temp.at("nas"), [
      "--keep-listening",
      "--token",
      "t".repeat(20),
    ]);
    const source = temp.directory("photos");
    Deno.writeTextFileSync(`${source}/sea.jpg`, "waves");
    Deno.writeTextFileSync(`${source}/draft.tmp`, "x");

    const absent = await world.run("workspace", "list");
    assertEquals(absent.code, 6);
    assertStringIncludes(absent.stderr, "lockstep daemon start");

    const table: [args: string[], code: number][] = [
      [["daemon", "start"], 0],
      [
        ["workspace", "add", "--name", "photos", "--path", "photos"].concat(
          ["--exclude", "*.tmp"],
        ),
        0,
      ],
      [["workspace", "add", "--name", "photos", "--path", "nas"], 1],
      [["workspace", "add", "--name", "other", "--path", "photos"], 2],
      [["workspace", "add", "--name", "a/b", "--path", "nas"], 2],
      [["workspace", "add", "--name", "none", "--path", "nowhere"], 1],
      [
        ["workspace", "attach", "--workspace", "photos", "--remote", "nas"]
          .concat(["--to", receiver.url, "--token", "t".repeat(20)]),
        0,
      ],
      [
        ["workspace", "attach", "--workspace", "photos", "--remote", "disk"]
          .concat(["--to", "disk", "--trash", "trash", "--max-delete", "50%"]),
        0,
      ],
      [
        ["workspace", "attach", "--workspace", "photos", "--remote", "in"]
          .concat(["--to", "photos/in"]),
        2,
      ],
      [
        ["workspace", "attach", "--workspace", "photos", "--remote", "odd"]
          .concat(["--to", "odd", "--max-delete", "many"]),
        2,
      ],
      [["workspace", "detach", "--workspace", "photos", "--remote", "x"], 1],
      [["workspace", "flush", "--workspace", "photos"], 0],
    ];
    for (const [args, code] of table) {
      const ended = await world.run(...args);
      assertEquals(ended.code, code, `${args}: ${ended.stderr}`);
    }
    assert(!exists(temp.at("nas/draft.tmp")));
    Deno.removeSync(`${source}/draft.tmp`);
    Deno.writeTextFileSync(`${source}/land.jpg`, "hills");
    await world.flush("photos");
    await assertSameTree(source, temp.at("nas"));
    await assertSameTree(source, temp.at("disk"));

    const { stdout } = await world.run("workspace", "list");
    assert(/^photos +nas +watching .* 2 +10 B$/m.test(stdout), stdout);
    assert(/^ +disk +watching /m.test(stdout), stdout);
    const info = await world.run("workspace", "info", "--name", "photos");
    assertStringIncludes(info.stdout, "--exclude *.tmp");
    assertStringIncludes(info.stdout, "--max-delete 50%");
    assert(!info.stdout.includes("t".repeat(20)));

    // What is detached gets nothing more; the others are not disturbed.
    const { pid } = await world.info("photos");
    for (const name of ["cmdline", "environ"]) {
      const shown = Deno.readTextFileSync(`/proc/${pid}/${name}`);
      assert(!shown.includes("t".repeat(20)), name);
    }
    const detach = ["--workspace", "photos", "--remote", "disk"];
    assertEquals((await world.run("workspace", "detach", ...detach)).code, 0);
    Deno.writeTextFileSync(`${source}/later`, "1");
    await world.flush("photos");
    await assertSameTree(source, temp.at("nas"));
    assert(!exists(temp.at("disk/later")));
    assertEquals((await world.info("photos")).pid, pid);

    assertEquals((await world.run("daemon", "stop")).code, 0);
    assert(!isAlive(pid!));
    assert(!exists(world.socket));
    // It is remembered.
    assertEquals((await world.run("daemon", "start")).code, 0);
    Deno.writeTextFileSync(`${source}/after`, "2");
    await world.flush("photos");
    await assertSameTree(source, temp.at("nas"));
    const remove = await world.run("workspace", "remove", "--name", "photos");
    assertEquals(remove.code, 0);
    assertStringIncludes(
      (await world.run("workspace", "list")).stdout,
      "There are no workspaces",
    );
  },
);

test("the control interface answers curl", ["curl", "linux"], async () => {
  await using world = new DaemonWorld();
  await world.start();
  const path = world.temp.directory("w");
  const curl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await command("curl", [
      ...["--silent", "--show-error", "--unix-socket", world.socket],
      ...args,
    ]);
    assertEquals(code, 0, stderr);
    return stdout;
  };
  const url = "http://localhost/v1/workspaces";
  const added = await curl(url, "-d", JSON.stringify({ name: "w", path }));
  assertEquals(JSON.parse(added).path, path);
  const to = world.temp.at("copy");
  const remote = JSON.stringify({ name: "copy", to });
  await curl(`${url}/w/remotes`, "-d", remote);
  const flushed = await curl("-X", "POST", `${url}/w/flush`);
  assertEquals(JSON.parse(flushed), { remotes: [{ remote: "copy", exit: 0 }] });
  const missing = JSON.parse(await curl(`${url}/none`));
  assertEquals([missing.status, missing.code], [404, "not-found"]);
  const wrong = JSON.parse(await curl(url, "-d", '{"name": "x"'));
  assertEquals([wrong.status, wrong.code], [400, "usage"]);
  assertEquals(JSON.parse(await curl("-X", "DELETE", `${url}/w`)), {
    removed: "w",
  });
});

test("remotes come and go, rest and go on, without disturbing the others", [
  "rsync",
  "signals",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  await world.start();
  const source = await world.add("w");
  await world.attach("w", "one", temp.at("one"));
  await world.flush("w");
  const { pid } = await world.info("w");
  await world.attach("w", "two", temp.at("two"), { "no-delete": true });
  await world.ask("POST", "workspaces/w/pause", { remote: "one" });
  Deno.writeTextFileSync(`${source}/new`, "1");
  await world.flush("w");
  assert(exists(temp.at("two/new")) && !exists(temp.at("one/new")));
  const rests = await world.info("w");
  assertEquals(rests.remotes.map(({ state }) => state), ["paused", "watching"]);
  await world.ask("POST", "workspaces/w/resume", { remote: "one" });
  await world.flush("w");
  await assertSameTree(source, temp.at("one"));
  assertEquals((await world.info("w")).pid, pid);

  // A workspace that rests has no process, also after a restart of the daemon.
  await world.ask("POST", "workspaces/w/pause");
  await world.when("it rests", "w", (info) => info.pid === undefined);
  await until("the process to be gone", () => !isAlive(pid!));
  const { body } = await world.ask("POST", "workspaces/w/flush");
  assertEquals(body.remotes[0].error, "the workspace is paused");
  assertEquals((await world.run("daemon", "stop")).code, 0);
  await world.start();
  assertEquals((await world.info("w")).state, "paused");
  Deno.removeSync(`${source}/new`);
  await world.ask("POST", "workspaces/w/resume");
  await world.flush("w");
  await assertSameTree(source, temp.at("one"));
  assert(exists(temp.at("two/new")));
});

test("two workspaces are not mirrored to one place", ["linux"], async () => {
  await using world = new DaemonWorld();
  await world.start();
  await world.add("a");
  await world.add("b");
  await world.attach("a", "x", world.temp.at("place"));
  for (const name of ["place", "place/below", "."]) {
    const to = world.temp.at(name);
    const path = "workspaces/b/remotes";
    const { status } = await world.ask("POST", path, { name: "x", to });
    assertEquals(status, 400, to);
  }
});

test("a remote that is down for a while gets all when it is back", [
  "rsync",
  "signals",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  await world.start();
  const source = await world.add("w");
  const first = await listen(temp.at("nas"), ["--keep-listening"]);
  const { port, url } = first;
  await world.attach("w", "nas", url);
  await world.attach("w", "disk", temp.at("disk"));
  await world.flush("w");
  await first[Symbol.asyncDispose]();
  Deno.writeTextFileSync(`${source}/meanwhile`, "1");
  const down = await world.when(
    "it to be missed",
    "w",
    ({ remotes }) => remotes[0]?.state === "connecting" && remotes[0].lagMs > 0,
  );
  assert(down.remotes[0]!.error !== undefined);
  const { body } = await world.ask("POST", "workspaces/w/flush", {
    timeoutMs: 100,
  });
  const exits = body.remotes.map((r: { exit: number }) => r.exit);
  assertEquals(exits, [6, 0]);
  const flush = ["flush", "--workspace", "w", "--timeout", "100ms"];
  assertEquals((await world.run("workspace", ...flush)).code, 6);
  await using _ = await listen(temp.at("nas"), [
    "--keep-listening",
    ...["--port", String(port)],
  ]);
  await world.flush("w");
  await assertSameTree(source, temp.at("nas"));
  assertEquals((await world.info("w")).remotes[0]!.lagMs, 0);
});

test("a remote that refuses is named, tried again, and disturbs no other", [
  "rsync",
  "signals",
], async () => {
  await using world = new DaemonWorld();
  const { temp } = world;
  await world.start();
  const source = await world.add("w");
  await using strict = await listen(temp.at("strict"), [
    ...["--keep-listening", "--token", "t".repeat(20)],
  ]);
  await world.attach("w", "strict", strict.url);
  await world.attach("w", "disk", temp.at("disk"));
  await world.when(
    "it to fail",
    "w",
    ({ remotes }) =>
      remotes[0]?.state === "failed" && remotes[0].error !== undefined,
  );
  const { body } = await world.ask("POST", "workspaces/w/flush");
  assertEquals(body.remotes.map((r: { exit: number }) => r.exit), [5, 0]);
  await assertSameTree(source, temp.at("disk"));
});

test(
  "a guard halts one remote, and flush says so",
  ["rsync", "signals"],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    await world.start();
    const source = await world.add("w");
    for (let i = 0; i < 5; i++) Deno.writeTextFileSync(`${source}/${i}`, "x");
    await world.attach("w", "careful", temp.at("careful"), {
      "max-delete": "2",
    });
    await world.attach("w", "other", temp.at("other"));
    await world.flush("w");
    for (let i = 0; i < 5; i++) Deno.removeSync(`${source}/${i}`);
    const { body } = await world.ask("POST", "workspaces/w/flush");
    assertEquals(body.remotes.map((r: { exit: number }) => r.exit), [4, 0]);
    const { remotes } = await world.info("w");
    assertEquals(remotes.map(({ state }) => state), ["halted", "watching"]);
    assert(exists(temp.at("careful/0")));
    await assertSameTree(source, temp.at("other"));
  },
);

test(
  "a workspace whose directory goes away waits for it",
  ["rsync", "signals"],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    await world.start();
    const source = await world.mirrored("w");
    Deno.renameSync(source, temp.at("away"));
    const lost = await world.when(
      "it to be lost",
      "w",
      (i) => i.source === "lost",
    );
    assert(lost.error !== undefined);
    const { body } = await world.ask("POST", "workspaces/w/flush");
    assertEquals(body.remotes[0].exit, 1);
    assert(exists(temp.at("disk/file")));
    Deno.renameSync(temp.at("away"), source);
    await world.when("it to be back", "w", (i) => i.source === "watching");
    Deno.writeTextFileSync(`${source}/back`, "1");
    await world.flush("w");
    await assertSameTree(source, temp.at("disk"));

    // An empty directory in its place empties nothing, also if a person insists.
    Deno.removeSync(source, { recursive: true });
    await world.when("it to be lost again", "w", (i) => i.source === "lost");
    Deno.mkdirSync(source);
    await world.ask("POST", "workspaces/w/resume");
    await world.when("the guard", "w", (i) => i.remotes[0]?.state === "halted");
    assert(exists(temp.at("disk/file")));
  },
);

test(
  "what was allowed for the first round of a remote is not allowed again",
  ["signals"],
  async () => {
    await using world = new DaemonWorld();
    const { temp } = world;
    const first = await world.start();
    const source = await world.add("w");
    for (let i = 0; i < 30; i++) Deno.writeTextFileSync(`${source}/${i}`, "x");
    const options = { "allow-delete": "all", "allow-new-root": true } as const;
    await world.attach("w", "disk", temp.at("disk"), options);
    await world.flush("w");
    const halted = async (when: string): Promise<void> => {
      await world.when(
        `the guard, ${when}`,
        "w",
        ({ remotes }) => remotes[0]?.state === "halted",
      );
      assert(exists(temp.at("disk/file")), when);
    };

    // Another directory, and empty, as where a disk was not mounted.
    Deno.renameSync(source, temp.at("away"));
    await world.when("it to be lost", "w", (i) => i.source === "lost");
    Deno.mkdirSync(source);
    await world.ask("POST", "workspaces/w/resume");
    await halted("after a resume");
    await world.ask("POST", "workspaces/w/pause", { remote: "disk" });
    await world.ask("POST", "workspaces/w/resume", { remote: "disk" });
    await halted("after a pause");
    first.kill("SIGKILL");
    await first.ended;
    await world.start();
    await halted("after a restart");
    const [remote] = (await world.info("w")).remotes;
    assertEquals(remote!.options, {});
  },
);

test(
  "logs are there for the daemon and for each workspace",
  ["signals"],
  async () => {
    await using world = new DaemonWorld();
    await world.start();
    await world.add("w");
    await world.flush("w");
    const { code, stdout } = await world.run("daemon", "logs");
    assertEquals(code, 0);
    assert(/^\S+Z lockstep \S+ runs as process \d+$/m.test(stdout), stdout);
    assertEquals(
      (await world.run("daemon", "logs", "--workspace", "x")).code,
      1,
    );
    const follow = ["daemon", "logs", "-f", "--workspace", "w", "--lines", "1"];
    const tail = world.program(follow);
    await tail.event("log");
    await world.attach("w", "gone", "ws://127.0.0.1:1");
    await until(
      "the new line",
      () => tail.events.some(({ line }) => String(line).includes("gone: ")),
    );
    tail.kill("SIGINT");
    assertEquals((await tail.ended).code, 0);
  },
);

test(
  "workspace list --watch prints again what has changed",
  ["signals"],
  async () => {
    await using world = new DaemonWorld();
    await world.start();
    await world.add("w");
    const list = world.program(["workspace", "list", "--watch"]);
    await list.event("workspace", { name: "w" });
    await world.add("later");
    await list.event("workspace", { name: "later" });
    list.kill("SIGINT");
    assertEquals((await list.ended).code, 0);
  },
);

test("install writes a unit that systemd takes, and uninstall removes it", [
  "linux",
], async () => {
  await using world = new DaemonWorld();
  const installed = await world.run("daemon", "install", "--json");
  assertEquals(installed.code, 0, installed.stderr);
  const [event] = installed.events;
  const path = `${world.env.XDG_CONFIG_HOME}/systemd/user/lockstep.service`;
  assertEquals([event?.event, event?.path], ["installed", path]);
  const unit = Deno.readTextFileSync(path);
  assert(/^ExecStart=".*" "daemon" "run"$/m.test(unit), unit);
  assertStringIncludes(unit, `"LOCKSTEP_CONFIG=${world.config}"`);
  // Where there is no systemd-analyze, it is not asked.
  const { code, stderr } = await command("systemd-analyze", [
    ...["--user", "verify", path],
  ]);
  assert(
    code === 0 || code === 127 || !/lockstep\.service/.test(stderr),
    stderr,
  );
  assertEquals((await world.run("daemon", "uninstall")).code, 0);
  assert(!exists(path));
  assertEquals((await world.run("daemon", "uninstall")).code, 1);
});

test(
  "what was synced last is known after a restart, and no harm is done where it is damaged",
  [
    "linux",
  ],
  async () => {
    await using world = new DaemonWorld();
    const first = await world.start();
    await world.add("w");
    await world.attach("w", "copy", world.temp.at("copy"));
    await world.flush("w");
    await world.ask("POST", "workspaces/w/pause");
    const [before] = (await world.info("w")).remotes;
    first.kill("SIGTERM");
    await first.ended;

    const second = await world.start();
    const [after] = (await world.info("w")).remotes;
    const { digest, syncedAt, files, bytes } = before!;
    assertEquals(
      [after!.digest, after!.syncedAt, after!.files, after!.bytes],
      [digest, syncedAt, files, bytes],
    );
    assert(syncedAt !== undefined);
    second.kill("SIGKILL");
    await second.ended;

    const path = "state/lockstep/daemon/workspaces/w.synced.json";
    const file = world.temp.at(path);
    assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
    Deno.truncateSync(file, 20);
    await world.start();
    assertEquals((await world.info("w")).remotes[0]!.syncedAt, undefined);
    await world.ask("POST", "workspaces/w/resume");
    await world.flush("w");
    assertEquals(
      (await world.run("workspace", "remove", "--name", "w")).code,
      0,
    );
    assert(!exists(file));
  },
);
