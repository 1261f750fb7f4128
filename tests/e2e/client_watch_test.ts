/** Clients of a hub that go on: changes as they happen, hubs that go away, settings that change. */
import { assert, assertEquals } from "@std/assert";
import { exists, namesIn } from "../support/disk_tree.ts";
import { HubClients } from "../support/hub_clients.ts";
import { test } from "../support/needs.ts";
import { type Program, run } from "../support/program.ts";
import { until } from "../support/until.ts";

const NEEDS = ["linux"] as const;

function holds(
  clients: HubClients,
  name: string,
  path: string,
  text: string,
): Promise<true> {
  return until(
    `${path} of ${name} is "${text}"`,
    () =>
      exists(clients.at(name, path)) && clients.read(name, path) === text
        ? true
        : undefined,
  );
}

function count(program: Program, name: string): number {
  return program.events.filter(({ event }) => event === name).length;
}

test(
  "what changes at one client comes to the others while they go on",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", d: { x: "x" } });
    await using a = await clients.hold("a");
    await using b = await clients.hold("b");
    await holds(clients, "b", "d/x", "x");
    clients.write("b", "two", "2");
    await holds(clients, "a", "two", "2");
    Deno.removeSync(clients.at("a", "one"));
    Deno.renameSync(clients.at("a", "d"), clients.at("a", "e"));
    await until(
      "b has followed",
      () => namesIn(clients.at("b")).join() === "e,two",
    );
    for (const client of [a, b]) {
      assertEquals((await client.end()).code, 0, client.stderr);
    }
    await clients.assertEqual();
  },
);

test(
  "a directory that holds most of a tree is renamed at one client and at the others, and not deleted",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    const files = (first: number, end: number): Record<string, string> =>
      Object.fromEntries(
        Array.from(
          { length: end - first },
          (_, i) => [`f${first + i}`, `content ${first + i}`],
        ),
      );
    clients.fill("a", { old: files(0, 150), ...files(150, 160) });
    await using a = await clients.hold("a");
    await using b = await clients.hold("b");
    await until("b has all", () => namesIn(clients.at("b")).length === 11);
    Deno.renameSync(clients.at("a", "old"), clients.at("a", "new"));
    await until("b has the new name, and not the old one", () => {
      const names = namesIn(clients.at("b"));
      return names.includes("new") && !names.includes("old");
    });
    assertEquals(namesIn(clients.at("b", "new")).length, 150);
    assertEquals([count(a, "halted"), count(b, "halted")], [0, 0]);
    Deno.removeSync(clients.at("a", "new"), { recursive: true });
    await a.event("halted");
    assertEquals(namesIn(clients.at("b", "new")).length, 150);
    assertEquals((await b.end()).code, 0);
  },
);

test(
  "H10: a client that goes on sees a change by one name of a file at all its names",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", d: { x: "x" } });
    Deno.linkSync(clients.at("a", "one"), clients.at("a", "d", "before"));
    await using a = await clients.hold("a");
    await using b = await clients.hold("b");
    await holds(clients, "b", "d/before", "1");
    clients.write("a", "one", "by the first name");
    await holds(clients, "b", "d/before", "by the first name");
    Deno.linkSync(clients.at("a", "one"), clients.at("a", "d", "since"));
    await holds(clients, "b", "d/since", "by the first name");
    clients.write("a", "d/since", "by the last name");
    for (const path of ["one", "d/before", "d/since"]) {
      await holds(clients, "b", path, "by the last name");
    }
    for (const client of [a, b]) {
      assertEquals((await client.end()).code, 0, client.stderr);
    }
    await clients.assertEqual();
  },
);

test(
  "a client waits for its hub, says so, and catches up when it is back",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.write("a", "before", "1");
    await using a = await clients.hold("a");
    await clients.stopHub("SIGKILL");
    clients.write("a", "offline", "2");
    await a.event("retrying");
    const said = await until("the client says that it is offline", async () => {
      const { events } = await clients.command("a", ["status"]);
      return events.findLast(({ event, state }) =>
        event === "status" && state === "offline"
      );
    });
    assertEquals([said["connected"], said["running"]], [false, true]);
    // One that begins while there is no hub waits for it, too.
    await using b = clients.start("b");
    await b.event("retrying");
    await clients.serve();
    await holds(clients, "b", "offline", "2");
    await until("the client says that it is connected", async () => {
      const { events } = await clients.command("a", ["status"]);
      const { connected, state } = events.at(-1)!;
      return connected === true && state === "connected";
    });
    assertEquals((await a.end()).code, 0, a.stderr);
    await clients.assertEqual();
  },
);

test("a conflict while clients go on is kept and listed", NEEDS, async () => {
  await using clients = await HubClients.begin({ a: {}, b: {} });
  clients.write("a", "t.txt", "before");
  await clients.round("a", "b");
  clients.write("a", "t.txt", "from a", 1_700_000_000);
  clients.write("b", "t.txt", "from b", 1_700_000_100);
  await using a = await clients.hold("a");
  await using b = await clients.hold("b");
  await holds(clients, "a", "t.txt", "from b");
  await until("a has the copy", () => namesIn(clients.at("a")).length === 2);
  const listed = await until("the hub lists it", async () => {
    const { events } = await clients.command("a", ["conflicts", "list"]);
    return events.find(({ event }) => event === "hub-conflict");
  });
  assertEquals([listed["side"], listed["client_name"]], ["hub", "b"]);
  await clients.command(
    "b",
    ["conflicts", "resolve", String(listed["id"])],
    ["--take", "hub"],
  );
  await holds(clients, "a", "t.txt", "from a");
  await holds(clients, "b", "t.txt", "from a");
  await until(
    "the copies are gone",
    () =>
      [a, b].length === namesIn(clients.at("a")).length +
          namesIn(clients.at("b")).length,
  );
});

test(
  "J01: a client whose directory goes away while it goes on deletes nothing, and goes on when it is back",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { one: "1", two: "2" });
    await using a = await clients.hold("a");
    Deno.renameSync(clients.at("a"), `${clients.at("a")}-away`);
    await a.event("source-lost");
    await clients.round("b");
    assertEquals(namesIn(clients.at("b")), ["one", "two"]);
    Deno.renameSync(`${clients.at("a")}-away`, clients.at("a"));
    await a.event("source-back");
    clients.write("a", "three", "3");
    await until("the hub has what is new", async () => {
      const { records } = await (await fetch(`${clients.url}/files`)).json();
      return records.some(({ path }: { path: string }) => path === "three");
    });
  },
);

test(
  "K08: settings that change while a client goes on count at the next start, and are warned of once",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {} });
    await using a = await clients.hold("a");
    const text = Deno.readTextFileSync(clients.config("a"));
    // Half of a save.
    Deno.writeTextFileSync(clients.config("a"), text.slice(0, 25));
    await a.event("warning");
    clients.write("a", "one", "1");
    await until("the old settings hold", async () => {
      const { records } = await (await fetch(`${clients.url}/files`)).json();
      return records.some(({ path }: { path: string }) => path === "one");
    });
    assertEquals(count(a, "warning"), 1);
    const [warning] = a.events.filter(({ event }) => event === "warning");
    assert(/a\.yaml:\d+:\d+: /.test(String(warning!["message"])));
    assertEquals((await a.end()).code, 0);
  },
);

test(
  "a client that goes on takes what people decide about its conflicts",
  NEEDS,
  async () => {
    const policy = "manual";
    await using clients = await HubClients.begin({ a: {}, b: { policy } });
    clients.write("a", "t.txt", "before");
    await clients.round("a", "b");
    clients.write("a", "t.txt", "from a", 1_700_000_000);
    await clients.round("a");
    clients.write("b", "t.txt", "from b", 1_700_000_100);
    await using b = await clients.hold("b");
    await b.event("conflict", { winner: null });
    const { events } = await clients.command("a", ["conflicts", "list"]);
    const { id } = events.find(({ event }) => event === "hub-conflict")!;
    assertEquals(clients.read("b", "t.txt"), "from b");
    const resolve = ["conflicts", "resolve", String(id)];
    await clients.command("a", resolve, ["--take", "hub"]);
    await holds(clients, "b", "t.txt", "from a");
    const ended = await b.end();
    assertEquals(ended.code, 0, ended.stderr);
    assertEquals(namesIn(clients.at("b")), ["t.txt"]);
  },
);

for (const decision of ["approve", "reject"] as const) {
  test(
    `a client that goes on hears when its deletion is decided: ${decision}`,
    NEEDS,
    async () => {
      await using clients = await HubClients.begin({ a: {}, b: {} });
      const many = Object.fromEntries(
        Array.from({ length: 120 }, (_, i) => [`f${i}`, `content ${i}`]),
      );
      clients.fill("a", { many, one: "1" });
      await clients.round("a", "b");
      await using a = await clients.hold("a", ["--allow-delete", "always"]);
      await using b = await clients.hold("b", ["--allow-delete", "always"]);
      Deno.removeSync(clients.at("a", "many"), { recursive: true });
      await a.event("halted");
      assertEquals(namesIn(clients.at("b", "many")).length, 120);
      const words = decision === "approve" ? ["1"] : ["--reject", "1"];
      const args = ["approve", ...words, "--server", clients.url];
      assertEquals((await run(args)).code, 0);
      const left = decision === "approve" ? ["one", "two"] : [
        "many",
        "one",
        "two",
      ];
      // Nothing else holds it up any more.
      clients.write("a", "two", "2");
      for (const name of ["a", "b"]) {
        await until(
          `what was decided at ${name}`,
          () => String(namesIn(clients.at(name))) === String(left),
        );
      }
      if (decision === "reject") {
        await until(
          "all of it to be back",
          () => namesIn(clients.at("a", "many")).length === 120,
        );
      }
      // All is in its place a moment before the round is over.
      await until("the round that ends the halt", () => {
        const kinds = a.events.map(({ event }) => event);
        return kinds.lastIndexOf("synced") > kinds.lastIndexOf("halted");
      });
      assertEquals((await a.end()).code, 0);
      assertEquals((await b.end()).code, 0);
      await clients.assertEqual();
    },
  );
}

test(
  "a client that goes on keeps to a policy that is changed meanwhile",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { "x.log": "x", kept: "1" });
    await clients.round("a", "b");
    await using a = await clients.hold("a");
    const rules = clients.temp.at("rules");
    Deno.writeTextFileSync(rules, "*.log\n");
    const server = ["--server", clients.url];
    assertEquals((await run(["policy", "set", rules, ...server])).code, 0);
    await until(
      "it to connect anew",
      () => a.events.filter(({ event }) => event === "connected").length > 1,
    );
    await until(
      "its first round with the policy",
      () => a.events.filter(({ event }) => event === "synced").length > 1,
    );
    Deno.removeSync(clients.at("a", "x.log"));
    clients.write("a", "new.log", "n");
    clients.write("a", "new", "n");
    await clients.round("b");
    await until("the rest at b", async () => {
      await clients.round("b");
      return namesIn(clients.at("b")).includes("new");
    });
    assertEquals(namesIn(clients.at("b")), ["kept", "new", "x.log"]);
    assertEquals((await a.end()).code, 0);
  },
);
