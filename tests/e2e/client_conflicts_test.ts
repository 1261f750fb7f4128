/** Conflicts between clients of a hub, as processes: each policy, and what people decide. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ClientPolicy } from "../../src/cli/config/client_policy.ts";
import { namesIn } from "../support/disk_tree.ts";
import { HubClients } from "../support/hub_clients.ts";
import { test } from "../support/needs.ts";
import type { JsonEvent } from "../support/program.ts";

const NEEDS = ["linux"] as const;
const OLD = 1_700_000_000;

/** Client b has edited t.txt last, and comes second; a is at the hub already. */
async function edited(
  policy: ClientPolicy,
  [before, atA, atB]: readonly [string, string, string],
): Promise<HubClients> {
  const clients = await HubClients.begin({ a: { policy }, b: { policy } });
  try {
    clients.write("a", "t.txt", before, OLD);
    await clients.round("a", "b");
    clients.write("a", "t.txt", atA, OLD + 10);
    clients.write("b", "t.txt", atB, OLD + 20);
    await clients.round("a");
    return clients;
  } catch (error) {
    await clients[Symbol.asyncDispose]();
    throw error;
  }
}

/** The texts of all files of a client, by a name without the time in it. */
function texts(clients: HubClients, name: string): Record<string, string> {
  return Object.fromEntries(
    namesIn(clients.at(name)).map((file) => [
      file.replace(/-\d{8}T\d{6}Z/, ""),
      clients.read(name, file),
    ]),
  );
}

async function listed(
  clients: HubClients,
  args: readonly string[] = [],
): Promise<JsonEvent[]> {
  const { events } = await clients.command("a", ["conflicts", "list"], args);
  return events.filter(({ event }) => event === "hub-conflict");
}

const BOTH: readonly [string, string, string] = ["before", "from a", "from b"];

/** What each policy leaves at all clients, and whose version is kept aside. */
const POLICIES: readonly (readonly [
  ClientPolicy,
  Record<string, string>,
  readonly string[],
])[] = [
  ["newest", { "t.txt": "from b", "t.conflict-hub.txt": "from a" }, ["hub"]],
  [
    "prefer-hub",
    { "t.txt": "from a", "t.conflict-b.txt": "from b" },
    ["client"],
  ],
  [
    "prefer-client",
    { "t.txt": "from b", "t.conflict-hub.txt": "from a" },
    ["hub"],
  ],
  [
    "keep-both",
    { "t.conflict-b.txt": "from b", "t.conflict-hub.txt": "from a" },
    ["client", "hub"],
  ],
];

for (const [policy, tree, sides] of POLICIES) {
  test(
    `policy ${policy} keeps the version that loses, and lists it at the hub`,
    NEEDS,
    async () => {
      await using clients = await edited(policy, BOTH);
      await clients.round("b", "a");
      await clients.assertEqual();
      assertEquals(texts(clients, "a"), tree);
      const conflicts = await listed(clients);
      assertEquals(conflicts.map(({ side }) => side), [...sides]);
      for (const conflict of conflicts) {
        assertEquals(conflict["path"], "t.txt");
        assertEquals(conflict["client_name"], "b");
        assertStringIncludes(String(conflict["copy"]), "t.conflict-");
      }
    },
  );
}

test(
  "policy merge takes both edits of a text, and copies nothing",
  NEEDS,
  async () => {
    const edits = ["1\n2\n3\n4\n", "A\n2\n3\n4\n", "1\n2\n3\nB\n"] as const;
    await using clients = await edited("merge", edits);
    await clients.round("b", "a");
    await clients.assertEqual();
    assertEquals(texts(clients, "a"), { "t.txt": "A\n2\n3\nB\n" });
    assertEquals(await listed(clients), []);
    const [decided] = await listed(clients, ["--all"]);
    assertEquals(decided!["resolution"], "current");
    const atHub = await clients.digestsAtHub();
    assertEquals(atHub.has(String(decided!["digest"])), true);
  },
);

test(
  "policy merge falls back to newest where both edits touch",
  NEEDS,
  async () => {
    const edits = ["1\n2\n", "1A\n2\n", "1B\n2\n"] as const;
    await using clients = await edited("merge", edits);
    await clients.round("b", "a");
    await clients.assertEqual();
    assertEquals(texts(clients, "a"), {
      "t.txt": "1B\n2\n",
      "t.conflict-hub.txt": "1A\n2\n",
    });
  },
);

for (
  const [take, text] of [["client", "from b"], ["hub", "from a"]] as const
) {
  test(
    `policy manual waits, and takes the version of the ${take} when that is said`,
    NEEDS,
    async () => {
      await using clients = await edited("manual", BOTH);
      for (let i = 0; i < 2; i++) {
        const ended = await clients.once("b");
        assertEquals(ended.code, 3, ended.stderr);
        assertEquals(ended.events.at(-1)!["open"], 1);
      }
      assertEquals(texts(clients, "b"), { "t.txt": "from b" });
      const [conflict, ...others] = await listed(clients);
      assertEquals(others, []);
      const resolved = await clients.command(
        "a",
        ["conflicts", "resolve", String(conflict!["id"])],
        ["--take", take],
      );
      assertEquals(resolved.code, 0, resolved.stderr);
      await clients.round("b", "a");
      await clients.assertEqual();
      assertEquals(texts(clients, "a"), { "t.txt": text });
      assertEquals(await listed(clients), []);
    },
  );
}

test(
  "a resolved conflict takes its copy away; both leaves it; a file takes the place of both",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    const paths = ["client", "hub", "both", "file"] as const;
    for (const path of paths) clients.write("a", path, "before", OLD);
    await clients.round("a", "b");
    for (const path of paths) {
      clients.write("a", path, `a ${path}`, OLD + 10);
      clients.write("b", path, `b ${path}`, OLD + 20);
    }
    await clients.round("a", "b");
    const conflicts = await listed(clients);
    const own = clients.temp.at("own");
    Deno.writeTextFileSync(own, "by hand");
    for (const take of paths) {
      const { id } = conflicts.find(({ path }) => path === take)!;
      const ended = await clients.command(
        "b",
        ["conflicts", "resolve", String(id)],
        ["--take", take === "file" ? own : take],
      );
      assertEquals(ended.code, 0, ended.stderr);
    }
    await clients.round("b", "a");
    await clients.assertEqual();
    assertEquals(texts(clients, "a"), {
      client: "b client",
      hub: "a hub",
      both: "b both",
      "both.conflict-hub": "a both",
      file: "by hand",
    });
    const once = String(conflicts[0]!["id"]);
    const again = await clients.command(
      "b",
      ["conflicts", "resolve", once],
      ["--take", "hub"],
    );
    assertEquals(again.code, 1);
    assertStringIncludes(again.stderr, "resolved already");
  },
);

test(
  "conflicts are resolved in bulk by a pattern, and shown one by one",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { docs: { one: "1", two: "2" }, other: "3" });
    await clients.round("a", "b");
    for (const path of ["docs/one", "docs/two", "other"]) {
      clients.write("a", path, `a ${path}`, OLD);
      clients.write("b", path, `b ${path}`, OLD + 5);
    }
    await clients.round("a", "b");
    const words = ["conflicts", "resolve"];
    const bulk = await clients.command("a", words, [
      ...["--path", "docs/**"],
      ...["--take", "hub"],
    ]);
    assertEquals(bulk.events.at(-1)!["count"], 2, bulk.stderr);
    const [left, ...others] = await listed(clients);
    assertEquals([left!["path"], others.length], ["other", 0]);
    const id = String(left!["id"]);
    const shown = await clients.command("a", ["conflicts", "show", id]);
    assertEquals(shown.events.at(-1)!["size"], "a other".length);
    for (
      const [args, code] of [
        [["resolve", "--take", "hub"], 2],
        [["resolve", id, "--path", "x", "--take", "hub"], 2],
        [["resolve", "x", "--take", "hub"], 2],
        [["resolve", id, "--take", "/nowhere"], 2],
        [["show", "99"], 1],
      ] as const
    ) {
      const ended = await clients.command("a", ["conflicts", ...args]);
      assertEquals(ended.code, code, `${args}: ${ended.stderr}`);
    }
    await clients.round("b", "a");
    await clients.assertEqual();
    assertEquals(clients.read("a", "docs/one"), "a docs/one");
  },
);

test(
  "a file that became a directory elsewhere is kept beside it, and can be taken back",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.fill("a", { x: "file" });
    await clients.round("a", "b");
    clients.write("a", "x", "edited", OLD);
    Deno.removeSync(clients.at("b", "x"));
    clients.fill("b", { x: { inner: "1", d: { deep: "2" } } });
    await clients.round("a", "b", "a");
    await clients.assertEqual();
    assertEquals(namesIn(clients.at("a", "x")), ["d", "inner"]);
    const [conflict] = await listed(clients);
    assertEquals([conflict!["side"], conflict!["kind"]], ["hub", "file"]);
    await clients.command(
      "a",
      ["conflicts", "resolve", String(conflict!["id"])],
      ["--take", "hub"],
    );
    await clients.round("a", "b");
    await clients.assertEqual();
    assertEquals(texts(clients, "a"), { x: "edited" });
  },
);

test(
  "a directory that lost against a file is put back with all that is in it",
  NEEDS,
  async () => {
    const policy = "prefer-hub";
    await using clients = await HubClients.begin({ a: {}, b: { policy } });
    clients.fill("a", { x: "file" });
    await clients.round("a", "b");
    clients.write("a", "x", "edited", OLD);
    Deno.removeSync(clients.at("b", "x"));
    clients.fill("b", { x: { inner: "1", d: { deep: "2" } } });
    await clients.round("a", "b", "a");
    assertEquals(clients.read("b", "x"), "edited");
    const [conflict] = await listed(clients);
    assertEquals([conflict!["side"], conflict!["kind"]], [
      "client",
      "directory",
    ]);
    const ended = await clients.command(
      "a",
      ["conflicts", "resolve", String(conflict!["id"])],
      ["--take", "client"],
    );
    assertEquals(ended.code, 0, ended.stderr);
    await clients.round("a", "b");
    await clients.assertEqual();
    assertEquals(namesIn(clients.at("a")), ["x"]);
    assertEquals(clients.read("a", "x/d/deep"), "2");
  },
);

test(
  "a wrong clock may change who wins, never what is kept",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    clients.write("a", "t.txt", "before", OLD);
    await clients.round("a", "b");
    // The clock of b is years behind.
    clients.write("a", "t.txt", "from a", OLD + 10);
    clients.write("b", "t.txt", "from b", 1_000);
    await clients.round("a", "b", "a");
    await clients.assertEqual();
    assertEquals(texts(clients, "a"), {
      "t.txt": "from a",
      "t.conflict-b.txt": "from b",
    });
  },
);
