/** `sync --dry-run` tells everything and does nothing. */
import { assert, assertEquals } from "@std/assert";
import { makeAwkwardTree } from "../support/awkward_tree.ts";
import { assertEnded, summaryOf } from "../support/carriers.ts";
import { exists, link, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { type Ended, listen, run, sync } from "../support/program.ts";
import { Scene } from "../support/scene.ts";
import { changesIn, underStrace } from "../support/strace.ts";
import { TempDir } from "../support/temp.ts";

/** A source and a target that differ in all ways. */
class Differing extends Scene {
  constructor() {
    super();
    writeTree(this.source, {
      "new": { file: "12345", empty: {} },
      same: "same",
      longer: "1234567",
      kind: "a file",
    });
    writeTree(this.target, {
      same: "same",
      longer: "123",
      kind: { inner: "1" },
      extra: { deep: { file: "1" } },
    });
    for (const root of [this.source, this.target]) {
      Deno.utimeSync(`${root}/same`, 1_000, 1_000);
    }
    Deno.utimeSync(`${this.source}/same`, 2_000, 2_000);
  }
}

/** The actions of a dry run, as "action path reason". */
function actionsOf({ events }: Ended): string[] {
  return events.filter(({ event }) => event === "action")
    .map(({ action, path, reason }) => `${action} ${path || "."} ${reason}`);
}

const EXPECTED = [
  "replace kind kind",
  "delete kind/inner extra",
  "replace longer size",
  "create new new",
  "create new/empty new",
  "create new/file new",
  "replace same newer",
  "delete extra extra",
  "delete extra/deep extra",
  "delete extra/deep/file extra",
];

Deno.test("J13: --dry-run writes nothing: not at the target, not at the source, not in the state directory", async () => {
  await using scene = new Differing();
  const before = listTree(scene.temp.path);
  const { source, target, env } = scene;
  const ended = await sync(source, target, ["--dry-run"], { env });
  assertEnded(ended);
  assertEquals(
    actionsOf(ended).filter((line) => line !== "touch . time"),
    EXPECTED,
  );
  assertUntouched(scene.temp.path, before);
  assert(!exists(env.XDG_STATE_HOME));
});

test(
  "J13: --dry-run makes no call that changes anything",
  ["strace"],
  async () => {
    await using scene = new Differing();
    const { source, target, env, temp } = scene;
    const missing = temp.at("missing");
    await using receiver = await listen(target);
    for (const to of [target, missing, receiver.url]) {
      const log = temp.at("log");
      const under = underStrace(log);
      const ended = await sync(source, to, ["--dry-run"], { env, under });
      assertEnded(ended);
      assertEquals(changesIn(log, temp.path), [], to);
    }
    // What it looks for is there when there is something to find.
    const log = temp.at("log");
    assertEnded(
      await sync(source, missing, [], { env, under: underStrace(log) }),
    );
    assert(changesIn(log, temp.path).length > 10);
  },
);

Deno.test("J13: a run does what the dry run before it said", async () => {
  await using scene = new Differing();
  const { source, target, env } = scene;
  const planned = await sync(source, target, ["-n"], { env });
  const done = await sync(source, target, [], { env });
  assertEnded(done);
  const totals = planned.events.find(({ event }) => event === "planned");
  const { created, replaced, touched, deleted, moved, files, bytes } =
    summaryOf(done);
  const { event: _, time: __, round: ___, ...said } = totals!;
  assertEquals(
    said,
    { created, replaced, touched, deleted, moved, files, bytes } as typeof said,
  );
  await assertSameTree(source, target);
  const after = await sync(source, target, ["-n"], { env });
  assertEquals(actionsOf(after), []);
});

Deno.test("--dry-run takes a target that is missing for an empty one, and does not make it", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { d: { f: "1" } });
  const ended = await sync(source, temp.at("a", "b"), ["--dry-run"]);
  assertEnded(ended);
  assertEquals(actionsOf(ended), [
    "create . new",
    "create d new",
    "create d/f new",
  ]);
  assertEquals(namesIn(temp.path), ["source"]);
});

Deno.test("a listener hears that a sender only looked, and goes on listening", async () => {
  await using scene = new Differing();
  const { source, target, env } = scene;
  await using receiver = await listen(target);
  const before = listTree(target);
  for (let i = 0; i < 2; i++) {
    const ended = await sync(source, receiver.url, ["--dry-run"], { env });
    assertEnded(ended);
    assertEquals(
      actionsOf(ended).filter((line) => line !== "touch . time"),
      EXPECTED,
    );
    await receiver.event("ended", { outcome: "planned" });
  }
  assertUntouched(target, before);
  assertEnded(await sync(source, receiver.url, [], { env }));
  assertEnded(await receiver.ended);
  await assertSameTree(source, target);
});

Deno.test("the plan for people says old and new values, and ends with the totals", async () => {
  await using scene = new Differing();
  const { source, target, env } = scene;
  const args = ["sync", "--from", source, "--to", target, "--dry-run"];
  const { code, stdout } = await run(args, { env });
  assertEquals(code, 0);
  const lines = stdout.split("\n");
  for (
    const line of [
      "replace  longer  (size: 3 -> 7 bytes)",
      "replace  kind  (kind: directory -> file)",
      "create   new/  (new)",
      "create   new/file  (new)",
      "delete   extra/deep/  (extra)",
      "replace  same  (newer: 1970-01-01 00:16:40.000Z -> 1970-01-01 00:33:20.000Z)",
    ]
  ) assert(lines.includes(line), `${line} is not in:\n${stdout}`);
  assert(lines.at(-1)?.startsWith("Would do: 3 created, 3 replaced, "), stdout);
});

test(
  "modes, links and checksums have reasons of their own",
  ["modes"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { mode: "", content: "1", l: link("a"), time: "" });
    writeTree(target, { mode: "", content: "2", l: link("b"), time: "" });
    for (const root of [source, target]) {
      for (const name of ["mode", "content"]) {
        Deno.utimeSync(`${root}/${name}`, 1_000, 1_000);
      }
    }
    Deno.utimeSync(`${source}/time`, 2_000, 2_000);
    Deno.chmodSync(`${source}/mode`, 0o600);
    Deno.chmodSync(source, 0o700);
    const ended = await sync(source, target, ["--dry-run", "--checksum"]);
    assertEnded(ended);
    assertEquals(actionsOf(ended), [
      "replace content content",
      "replace l target",
      "touch mode mode",
      "touch time time",
      "touch . mode",
    ]);
  },
);

test(
  "names of all kinds are shown so that they can't be mistaken",
  ["modes"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    makeAwkwardTree(source, { seed: 13, wide: 5 });
    writeTree(source, { "line\nbreak": "", "\u202eexe.txt": "", " blank": "" });
    const to = temp.at("target");
    const { stdout } = await run(["sync", "--from", source, "--to", to, "-n"]);
    for (
      const shown of ['"line\\nbreak"', '"\\u202eexe.txt"', '" blank"']
    ) {
      assert(stdout.includes(`create   ${shown}  (new)`), shown);
    }
    const json = await sync(source, to, ["-n"]);
    const paths = new Set(actionsOf(json).map((line) => line.split(" ")[1]));
    assert(paths.size > 10);
    assertEquals(
      json.events.filter(({ event, path }) =>
        event === "action" && path === "line\nbreak"
      ).length,
      1,
    );
  },
);

Deno.test("--dry-run names what would be left out, and what would halt, and ends with 0", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(target, { a: "", b: "" });
  const ended = await sync(source, target, ["-n", "--max-delete", "1"]);
  assertEnded(ended);
  const warning = ended.events.find(({ event }) => event === "warning");
  assert(
    String(warning?.message).startsWith("This would halt: 2 of 2 entries"),
  );
});
