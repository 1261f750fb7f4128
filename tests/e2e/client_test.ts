/** Clients of a hub, as processes: what they carry to each other, and when they stop. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exists, namesIn } from "../support/disk_tree.ts";
import { command } from "../support/command.ts";
import { HubClients } from "../support/hub_clients.ts";
import { serve } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const NEEDS = ["linux"] as const;

test(
  "init writes a configuration with which start and status work",
  NEEDS,
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"));
    const env = { XDG_STATE_HOME: temp.at("state"), LOCKSTEP_API_KEY: hub.key };
    const [config, dir] = [temp.at("my.yaml"), temp.at("notes")];
    const args = ["--name", "my laptop", "--sync-dir", dir];
    const server = ["--server", hub.url, "--config", config, "--json"];
    const made = await run(["init", ...args, ...server], { env });
    assertEquals(made.code, 0, made.stderr);
    const { name, registered } = made.events.at(-1)!;
    assertEquals([name, registered], ["my laptop", true]);
    assertEquals(Deno.statSync(config).mode! & 0o777, 0o600);

    const again = await run(["init", ...args, ...server], { env });
    assertEquals(again.code, 2);
    assertStringIncludes(again.stderr, "--force replaces it");

    // The key is in the file, not in the environment.
    const own = { XDG_STATE_HOME: temp.at("state") };
    Deno.writeTextFileSync(`${dir}/a.txt`, "a");
    const use = ["--config", config, "--json"];
    const started = await run(["start", "--once", ...use], { env: own });
    assertEquals(started.code, 0, started.stderr);
    assertEquals(started.events[0]!["to"], hub.url);
    const status = await run(["status", ...use], { env: own });
    assertEquals(status.code, 0, status.stdout + status.stderr);
    const said = status.events.at(-1)!;
    const { client, connected, running, pending, conflicts } = said;
    assertEquals(
      { client, connected, running, pending, conflicts },
      {
        client: "my laptop",
        connected: true,
        running: false,
        pending: 0,
        conflicts: 0,
      },
    );
    assertEquals(said["root_digest"], said["hub_root_digest"]);
    assert(typeof said["last_sync"] === "string");

    Deno.writeTextFileSync(`${dir}/b.txt`, "b");
    const behind = await run(["status", ...use], { env: own });
    assertEquals(behind.code, 3);
    // The file, and the time of the directory that holds it.
    assertEquals(behind.events.at(-1)!["pending"], 2);
    hub.kill("SIGTERM");
    await hub.ended;
    const off = await run(["status", ...use], { env: own });
    assertEquals(off.code, 6, off.stdout);
    assertEquals(off.events.at(-1)!["connected"], false);
    const late = await run(["start", "--once", "--retry-for", "0", ...use], {
      env: own,
    });
    assertEquals(late.code, 6);
    assertEquals((await run(["status", ...use], { env: own })).code, 6);
  },
);

test(
  "clients carry creations, edits, deletions, renames and modes to each other",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", d: { x: "x", y: "y" }, gone: "soon" });
    clients.fill("b", { two: "2", empty: {} });
    await clients.round("a", "b", "a");
    await clients.assertEqual();
    // Both are offline now.
    clients.write("a", "one", "edited at a");
    Deno.removeSync(clients.at("a", "gone"));
    Deno.renameSync(clients.at("b", "d"), clients.at("b", "renamed"));
    Deno.chmodSync(clients.at("b", "two"), 0o755);
    await clients.round("a", "b", "a");
    await clients.assertEqual();
    assertEquals(namesIn(clients.at("a")), ["empty", "one", "renamed", "two"]);
    assertEquals(clients.read("b", "one"), "edited at a");
    assertEquals(Deno.statSync(clients.at("a", "two")).mode! & 0o777, 0o755);
    const [ended] = await clients.round("a");
    const done = ended!.events.at(-1)!;
    assertEquals([done["conflicts"], done["problems"]], [0, 0]);
  },
);

test(
  "what was deleted while a client was offline does not come back, unless somebody edited it",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", {
      gone: "1",
      edited: "2",
      d: { gone: "3", edited: "4" },
    });
    await clients.round("a", "b");
    Deno.removeSync(clients.at("a", "gone"));
    Deno.removeSync(clients.at("a", "edited"));
    Deno.removeSync(clients.at("a", "d"), { recursive: true });
    clients.write("b", "edited", "edit beats deletion");
    clients.write("b", "d/edited", "edit beats deletion");
    // Both say the same: that is no conflict.
    clients.write("a", "equal", "equal");
    clients.write("b", "equal", "equal");
    const all = await clients.round("a", "b", "a");
    await clients.assertEqual();
    assertEquals(namesIn(clients.at("a")), ["d", "edited", "equal"]);
    assertEquals(namesIn(clients.at("a", "d")), ["edited"]);
    for (const { events } of all) assertEquals(events.at(-1)!["conflicts"], 0);
  },
);

test("G22: what is ignored from now on is deleted nowhere", NEEDS, async () => {
  await using clients = await HubClients.begin({ a: {}, b: {} });
  clients.fill("a", { "a.log": "log", "b.tmp": "tmp", kept: "kept" });
  await clients.round("a", "b");
  clients.configure("a", { ignore: ["*.log"] });
  clients.write("b", ".syncignore", "*.tmp\n");
  await clients.round("a", "b", "a");
  const names = [".syncignore", "a.log", "b.tmp", "kept"];
  assertEquals(namesIn(clients.at("a")), names);
  assertEquals(namesIn(clients.at("b")), names);
  // What is ignored here stays here, whatever becomes of it there.
  Deno.removeSync(clients.at("b", "a.log"));
  Deno.removeSync(clients.at("b", "b.tmp"));
  await clients.round("b", "a", "b");
  assertEquals(namesIn(clients.at("a")), names);
});

test(
  "the configuration and the key stay here, also where they lie in the directory",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {} });
    Deno.renameSync(clients.config("a"), clients.at("a", "my.yaml"));
    clients.write("a", "other.yaml", "goes");
    const config = ["--config", clients.at("a", "my.yaml")];
    const ended = await run(
      ["start", "--once", ...config],
      clients.options("a"),
    );
    assertEquals(ended.code, 0, ended.stderr);
    const { records } = await (await fetch(`${clients.url}/files`)).json();
    assertEquals(
      records.map(({ path }: { path: string }) => path).filter(Boolean),
      ["other.yaml"],
    );
  },
);

test(
  "J01, J02: a client whose directory is gone, emptied or another one stops, and asks",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", two: "2" });
    await clients.round("a", "b");
    const root = clients.at("a");
    const refuse = async (message: string): Promise<void> => {
      const ended = await clients.once("a");
      assertEquals(ended.code, 4, ended.stdout + ended.stderr);
      assertStringIncludes(ended.stderr, message);
      const status = await clients.command("a", ["status"]);
      assertEquals(status.events.at(-1)!["running"], false);
    };
    Deno.renameSync(root, `${root}-away`);
    await refuse("is gone");
    Deno.mkdirSync(root);
    await refuse("is another directory");
    Deno.removeSync(root);
    Deno.renameSync(`${root}-away`, root);
    Deno.renameSync(`${root}/one`, clients.temp.at("one"));
    Deno.renameSync(`${root}/two`, clients.temp.at("two"));
    await refuse("has lost all of its entries");
    await clients.round("b");
    assertEquals(namesIn(clients.at("b")), ["one", "two"]);
    const allowed = await clients.once("a", ["--yes"]);
    assertEquals(allowed.code, 0, allowed.stderr);
    assertEquals((await clients.once("b", ["--yes"])).code, 0);
    assertEquals(namesIn(clients.at("b")), []);
  },
);

test(
  "a directory that is another one is taken for a new one with --yes, and nothing is deleted",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", two: "2" });
    await clients.round("a", "b");
    Deno.renameSync(clients.at("a"), `${clients.at("a")}-away`);
    Deno.mkdirSync(clients.at("a"));
    clients.write("a", "three", "3");
    const ended = await clients.once("a", ["--yes"]);
    assertEquals(ended.code, 0, ended.stderr);
    await clients.round("b");
    await clients.assertEqual();
    assertEquals(namesIn(clients.at("a")), ["one", "three", "two"]);
  },
);

test("history and undo know clients by their names", NEEDS, async () => {
  await using clients = await HubClients.begin({ "my laptop": {} });
  clients.write("my laptop", "kept", "kept");
  await clients.round("my laptop");
  clients.write("my laptop", "kept", "broken");
  await clients.round("my laptop");
  const server = ["--server", clients.url, "--json"];
  const { events } = await run(["history", "kept", ...server]);
  assertEquals(events.map((it) => it["client_name"]), [
    "my laptop",
    "my laptop",
  ]);
  const undone = await run(["undo", "--client", "my laptop", ...server]);
  assertEquals(undone.code, 0, undone.stderr);
  await clients.round("my laptop");
  assertEquals(clients.read("my laptop", "kept"), "kept");
});

test(
  "C16: the same identity at two machines is refused while both are connected, and merges like a backup else",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", shared: "old" });
    await clients.round("a");
    // The whole machine is copied, with what it remembers; inodes stay with a bind.
    const state = clients.temp.at("state-a");
    await command("cp", ["-a", state, clients.temp.at("state-copy")]);
    const copy = { XDG_STATE_HOME: clients.temp.at("state-copy") };
    await using held = await clients.hold("a");
    const second = await clients.once("a", [], copy);
    assertEquals(second.code, 5, second.stdout);
    assertStringIncludes(second.stderr, "Identity in use");
    await held.end();
    // One after the other they are like one client that was put back.
    clients.write("a", "one", "2");
    await clients.round("a");
    const later = await clients.once("a", [], copy);
    assertEquals(later.code, 0, later.stderr);
    await clients.round("a", "b");
    await clients.assertEqual();
    assertEquals(clients.read("b", "one"), "2");
  },
);

test("H14: a second start of the same client is refused", NEEDS, async () => {
  await using clients = await HubClients.begin({ a: {} });
  await using held = await clients.hold("a");
  const second = await clients.once("a");
  assertEquals(second.code, 1, second.stdout);
  assertStringIncludes(second.stderr, "by another lockstep start already");
  const status = await clients.command("a", ["status"]);
  assertEquals(status.events.at(-1)!["running"], true);
  await held.end();
  await clients.round("a");
  assert(!exists(clients.at("a", ".lockstep")));
});
