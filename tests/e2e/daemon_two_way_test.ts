import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { TwoWayState } from "../../src/cli/commands/two_way_state.ts";
import { DaemonWorld } from "../support/daemon_world.ts";
import { exists } from "../support/disk_tree.ts";
import { HubClients } from "../support/hub_clients.ts";
import { test } from "../support/needs.ts";
import { listen } from "../support/program.ts";
import { until } from "../support/until.ts";

const ATTACH = ["workspace", "attach", "--workspace", "notes", "--remote"];

test(
  "workspaces of two daemons are kept equal by a hub, and a mirror beside one follows",
  ["linux", "rsync"],
  async () => {
    await using hub = await HubClients.begin({});
    await using one = new DaemonWorld();
    await using two = new DaemonWorld();
    await one.start();
    await two.start();
    const [a, b] = [await one.add("notes"), await two.add("notes")];
    Deno.writeTextFileSync(`${a}/mine`, "1");
    Deno.writeTextFileSync(`${b}/theirs`, "2");
    const mirror = one.temp.at("mirror");
    await one.attach("notes", "mirror", mirror);
    for (const [world, to] of [[one, hub.url], [two, `${hub.url}/engine`]]) {
      const { code, stderr } = await (world as DaemonWorld).run(
        ...[...ATTACH, "hub", "--to", to as string],
      );
      assertEquals(code, 0, stderr);
    }
    await one.flush("notes");
    await two.flush("notes");
    await one.same(a, b);
    await one.same(a, mirror);

    // Changes in both directions, and a deletion, reach all three.
    Deno.writeTextFileSync(`${b}/later`, "3");
    Deno.removeSync(`${b}/mine`);
    await two.flush("notes");
    await until("the deletion", () => !exists(`${mirror}/mine`));
    await one.same(a, b);
    await one.same(b, mirror);
    Deno.mkdirSync(`${a}/d`);
    Deno.writeTextFileSync(`${a}/d/new`, "4");
    await one.flush("notes");
    await two.same(a, b);

    const info = await one.when(
      "the hub to be quiet",
      "notes",
      ({ remotes }) =>
        remotes.every(({ state, lagMs }) =>
          state === "watching" && lagMs === 0
        ),
    );
    const remote = info.remotes.find(({ name }) => name === "hub")!;
    assertEquals([remote.problems, remote.conflicts], [0, 0]);
    assertEquals(remote.receivedFiles > 0 && remote.sentFiles > 0, true);

    // The hub goes away and comes back; what happened meanwhile is made good.
    await hub.stopHub("SIGKILL");
    Deno.writeTextFileSync(`${a}/alone`, "5");
    const late = await one.ask("POST", "workspaces/notes/flush", {
      remote: "hub",
      timeoutMs: 500,
    });
    assertEquals(late.body.remotes[0].exit, 6, JSON.stringify(late.body));
    await hub.serve();
    await one.flush("notes");
    await two.flush("notes");
    await two.same(a, b);
  },
);

test(
  "a workspace and a two-way listener get what the other has, and a conflict is told",
  ["linux", "rsync"],
  async () => {
    await using world = new DaemonWorld();
    await world.start();
    const notes = await world.add("notes");
    const theirs = world.temp.directory("theirs");
    Deno.writeTextFileSync(`${theirs}/file`, "another");
    Deno.writeTextFileSync(`${theirs}/more`, "more");
    await using listener = await listen(theirs, [
      "--keep-listening",
      "--two-way",
    ]);
    const attach = [...ATTACH, "peer", "--to", listener.url, "--two-way"];
    assertEquals((await world.run(...attach, "--conflict", "manual")).code, 0);
    const flush = await world.run("workspace", "flush", "--workspace", "notes");
    assertEquals(flush.code, 3, flush.stdout);
    assertStringIncludes(flush.stdout, "1 conflict left to people");
    assertEquals(Deno.readTextFileSync(`${notes}/more`), "more");
    assertEquals(Deno.readTextFileSync(`${notes}/file`), "notes");

    // One person decides, and both sides are equal.
    Deno.writeTextFileSync(`${notes}/file`, "another");
    await world.flush("notes");
    await world.same(notes, theirs);
    assertEquals((await world.info("notes")).remotes[0]!.conflicts, 0);
  },
);

test(
  "what makes no sense for a two-way remote is refused",
  ["linux"],
  async () => {
    await using world = new DaemonWorld();
    await world.start();
    await world.add("notes");
    await world.run(...ATTACH, "hub", "--to", "http://127.0.0.1:1");
    const table: [args: string[], says: string][] = [
      [["--to", "http://127.0.0.1:2"], "one hub or other two-way remote"],
      [["--to", "disk", "--two-way"], "one hub or other two-way remote"],
      [["--to", "http://127.0.0.1:2", "--no-delete"], "come back for ever"],
      [["--to", "http://127.0.0.1:2", "--trash", "t"], "--trash"],
      [["--to", "http://127.0.0.1:2/?x=1"], "no query"],
      [["--to", "ws://127.0.0.1:2", "--conflict", "manual"], "needs --two-way"],
    ];
    for (const [args, says] of table) {
      const { code, stderr } = await world.run(...ATTACH, "more", ...args);
      assertEquals(code, 2, `${args}`);
      assertStringIncludes(stderr, says);
    }
    assertEquals((await world.info("notes")).remotes.length, 1);
  },
);

test("a directory that is gone, or another one, empties no hub", [
  "linux",
  "rsync",
], async () => {
  await using hub = await HubClients.begin({});
  await using world = new DaemonWorld();
  await world.start();
  const notes = await world.add("notes");
  await world.attach("notes", "hub", hub.url);
  await world.attach("notes", "copy", world.temp.at("copy"));
  await world.flush("notes");

  Deno.renameSync(notes, world.temp.at("aside"));
  await world.when("it to be lost", "notes", ({ source }) => source === "lost");
  Deno.mkdirSync(notes);
  await world.ask("POST", "workspaces/notes/resume");
  const { remotes } = await world.when(
    "both to halt",
    "notes",
    (info) => info.remotes.every(({ state }) => state === "halted"),
  );
  for (const { error } of remotes) {
    assertStringIncludes(error!, "another directory");
  }
  const { body } = await world.ask("POST", "workspaces/notes/flush");
  for (const { exit } of body.remotes) assertEquals(exit, 4);
  const kept = await fetch(`${hub.url}/download/file`);
  assertEquals(await kept.text(), "notes");

  // Who puts it back goes on where it was.
  Deno.removeSync(notes);
  Deno.renameSync(world.temp.at("aside"), notes);
  await world.ask("POST", "workspaces/notes/resume");
  Deno.writeTextFileSync(`${notes}/again`, "1");
  await world.when(
    "both to watch",
    "notes",
    (info) => info.remotes.every(({ state }) => state === "watching"),
  );
  await world.flush("notes");
  await world.same(notes, world.temp.at("copy"));
});

test(
  "a workspace that goes on keeps to a policy of its hub that is changed meanwhile",
  ["linux"],
  async () => {
    await using hub = await HubClients.begin({});
    await using world = new DaemonWorld();
    await world.start();
    const notes = await world.add("notes");
    await world.attach("notes", "hub", hub.url);
    await world.flush("notes");
    const rules = world.temp.at("rules");
    Deno.writeTextFileSync(rules, "*.log\n");
    const set = ["policy", "set", rules, "--server", hub.url];
    const { code, stderr } = await world.run(...set);
    assertEquals(code, 0, stderr);

    Deno.writeTextFileSync(`${notes}/new.log`, "n");
    Deno.writeTextFileSync(`${notes}/new`, "n");
    await until("the rest at the hub", async () => {
      const answer = await fetch(`${hub.url}/download/new`);
      await answer.body?.cancel();
      return answer.ok;
    });
    await world.flush("notes");
    const answer = await fetch(`${hub.url}/download/new.log`);
    await answer.body?.cancel();
    assertEquals(answer.status, 404);
  },
);

test(
  "a directory is one client of a hub, whoever syncs it; a pause leaves nothing half",
  ["linux", "rsync"],
  async () => {
    await using hub = await HubClients.begin({});
    await using world = new DaemonWorld();
    await world.start();
    const notes = await world.add("notes");
    await world.attach("notes", "hub", hub.url, { bwlimit: "1M" });
    await world.flush("notes");
    hub.configure("other");
    const config = Deno.readTextFileSync(hub.config("other"));
    const directory = `"${notes}"`;
    Deno.writeTextFileSync(
      hub.config("other"),
      config.replace(/^sync_directory:.*$/m, `sync_directory: ${directory}`),
    );
    const start = ["start", "--once", "--config", hub.config("other")];
    const second = await world.run(...start);
    assertEquals(second.code, 1, second.stderr);
    assertStringIncludes(second.stderr, "kept in step by another");

    const content = new Uint8Array(3_000_000).map((_, i) => (i * i) >> 7);
    Deno.writeFileSync(`${notes}/large`, content);
    await world.when(
      "the transfer",
      "notes",
      ({ remotes }) => remotes[0]!.state === "syncing",
    );
    await world.ask("POST", "workspaces/notes/pause", { remote: "hub" });
    const flush = { remote: "hub", timeoutMs: 5_000 };
    const paused = await world.ask("POST", "workspaces/notes/flush", flush);
    assertEquals(paused.body.remotes[0].error, "it is paused");
    // Now the directory is free.
    const alone = await world.run(...start);
    assertEquals(alone.code, 0, alone.stderr);
    await world.ask("POST", "workspaces/notes/resume", { remote: "hub" });
    await world.flush("notes");
    const got = await (await fetch(`${hub.url}/download/large`)).bytes();
    assertEquals(got.length, content.length);
  },
);

test(
  "K05: a workspace that finds another sync of its directory leaves alone what that remembers",
  ["linux"],
  async () => {
    await using hub = await HubClients.begin({});
    await using world = new DaemonWorld();
    await world.start();
    const notes = await world.add("notes");
    const stateDir = join(world.env["XDG_STATE_HOME"]!, "lockstep");
    const state = TwoWayState.open({ stateDir, readOnly: false }, () => {});
    const lock = await state.lock(notes);
    try {
      await world.attach("notes", "hub", hub.url);
      const { remotes: [remote] } = await world.when(
        "it to be refused",
        "notes",
        ({ remotes }) => remotes[0]?.error !== undefined,
      );
      assertStringIncludes(remote!.error!, "another two-way sync");
      assertEquals(exists(state.fileFor(notes, "root")), false);
    } finally {
      lock.release();
    }
    await world.ask("POST", "workspaces/notes/resume", { remote: "hub" });
    await world.when(
      "it to watch",
      "notes",
      ({ remotes }) => remotes[0]?.state === "watching",
    );
    assertEquals(exists(state.fileFor(notes, "root")), true);
  },
);
