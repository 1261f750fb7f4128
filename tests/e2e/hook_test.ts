/** `--on-change`: commands that are run after changes, at either end. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { parseLogLine } from "../support/log_line.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, Program, startSync, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** What a hook was told. */
interface Told {
  readonly version: number;
  readonly round: number;
  readonly root: string;
  readonly digest: string | null;
  readonly changes: readonly {
    readonly op: string;
    readonly path: string;
    readonly kind: string;
    readonly from?: string;
    readonly size?: number;
  }[];
  readonly totals: { readonly created: number; readonly bytes: number };
  readonly truncated: boolean;
}

/** A hook that keeps each manifest in a file of its own, whole or not at all. */
function keeper(temp: TempDir): { command: string; told(): Told[] } {
  const kept = temp.directory("kept");
  const command = `cd '${kept}' && n=$(ls | wc -l) && cat > ../part && ` +
    `mv ../part $(printf %03d $n)`;
  return {
    command,
    told: () =>
      [...Deno.readDirSync(kept)].map(({ name }) => name).sort()
        .map((name) => JSON.parse(Deno.readTextFileSync(`${kept}/${name}`))),
  };
}

test(
  "a hook hears of changes at either end, with the same digest",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    await using other = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    writeTree(source, { "odd\n\"name'": "one", dir: { b: "two" } });
    const here = keeper(temp);
    const there = keeper(other);
    await using receiver = await listen(target, ["--on-change", there.command]);
    const ended = await sync(source, receiver.url, [
      "--on-change",
      here.command,
    ]);
    assertEnded(ended);
    assertEnded(await receiver.ended);
    const done = ended.events.findLast(({ event }) => event === "done");
    for (const [{ told }, root] of [[here, source], [there, target]] as const) {
      const [only, ...more] = told();
      assertEquals(more, []);
      assertEquals(only!.version, 1);
      assertEquals([only!.root, only!.round], [root, 1]);
      assertEquals(only!.digest, done?.digest);
      assertEquals(only!.truncated, false);
      assertEquals([only!.totals.created, only!.totals.bytes], [3, 6]);
      const changes = only!.changes.map(({ op, path, kind, size }) =>
        [op, path, kind, size].join(" ")
      );
      assertEquals(changes.sort(), [
        "create dir directory ",
        "create dir/b file 3",
        "create odd\n\"name' file 3",
        "touch  directory ",
      ]);
    }
  },
);

test("a hook of a loop hears of each change set, and of none that is empty", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.at("target");
  writeTree(source, { a: "one" });
  const { command, told } = keeper(temp);
  const args = ["--interval", "20", "--on-change", command];
  await using sender = startSync(source, target, args);
  await until("the first", () => told().length === 1);
  await sender.event("synced", { round: 4 });
  Deno.removeSync(`${target}/a`);
  await until("the second", () => told().length === 2);
  sender.kill("SIGTERM");
  assertEnded(await sender.ended);
  const changes = told().map(({ changes }) =>
    changes.filter(({ path }) => path !== "").map(({ op }) => op)
  );
  assertEquals(changes, [["create"], ["restore"]]);
});

for (const to of ["a listener", "a directory"]) {
  test(
    `the hook and the log of a watch hear of each round once: what was moved, changed and put back, to ${to}`,
    ["signals", "bash"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.at("target");
      const log = temp.at("log");
      writeTree(source, { a: "one", dir: { b: "two", c: "three" } });
      const { command, told } = keeper(temp);
      await using receiver = to === "a listener"
        ? await listen(target)
        : undefined;
      await using sender = startSync(source, receiver?.url ?? target, [
        ...["--watch", "--repair", "100ms", "--no-state"],
        ...["--on-change", command, "--log-file", log],
      ]);
      const steps: readonly (readonly [() => unknown, readonly string[]])[] = [
        [() => {}, ["create a", "create dir", "create dir/b", "create dir/c"]],
        [
          () => Deno.renameSync(`${source}/a`, `${source}/a2`),
          ["move a -> a2"],
        ],
        [
          () => Deno.renameSync(`${source}/dir`, `${source}/d2`),
          ["move dir -> d2"],
        ],
        [() => Deno.writeTextFileSync(`${source}/a2`, "more"), ["modify a2"]],
        [() => Deno.removeSync(`${source}/d2/b`), ["delete d2/b"]],
        // Not at the source, but at the target.
        [() => Deno.removeSync(`${target}/d2/c`), ["restore d2/c"]],
      ];
      for (const [i, [act]] of steps.entries()) {
        act();
        await until(`what comes of step ${i}`, () => told().length > i);
      }
      const rounds = sender.events.filter(({ event }) => event === "synced");
      sender.kill("SIGINT");
      assertEnded(await sender.ended);
      if (receiver !== undefined) assertEnded(await receiver.ended);
      await assertSameTree(source, target);
      const sets = told();
      assertEquals(
        sets.map(({ changes }) =>
          changes.filter(({ op }) => op !== "touch")
            .map(({ op, path, from }) =>
              from === undefined ? `${op} ${path}` : `${op} ${from} -> ${path}`
            )
        ),
        steps.map(([, changes]) => [...changes]),
      );
      assertEquals(sets.map(({ round }) => round), steps.map((_, i) => i + 1));
      assertEquals(
        sets.map(({ digest }) => digest),
        rounds.map(({ digest }) => digest as string),
      );
      const lines = Deno.readTextFileSync(log).trimEnd().split("\n")
        .map((line) => parseLogLine(line)!)
        .filter(({ name }) => name !== "touch")
        .map(({ name, path, from }) =>
          from === undefined ? `${name} ${path}` : `${name} ${from} -> ${path}`
        );
      assertEquals(lines, steps.flatMap(([, changes]) => changes));
    },
  );
}

test(
  "what a hook prints goes to standard error, line by line",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { a: "one" });
    const command = "echo out; printf 'err\\033[31m' >&2; " +
      'echo "$LOCKSTEP_ROOT"; echo "token:$LOCKSTEP_TOKEN"';
    await using sender = startSync(source, temp.at("target"), [
      "--on-change",
      command,
    ], { env: { LOCKSTEP_TOKEN: "a-secret-of-some-length" } });
    const ended = await sender.ended;
    assertEnded(ended);
    for (
      const line of [
        "hook: out",
        "hook: err\\u001b[31m",
        `hook: ${temp.at("target")}`,
        "hook: token:",
      ]
    ) assert(ended.stderr.split("\n").includes(line), ended.stderr);
    assert(!ended.stderr.includes("secret"));
    for (const line of ended.stdout.split("\n")) JSON.parse(line);
  },
);

test("a hook that fails, hangs or does not read is a warning at the most", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  for (let i = 0; i < 3_000; i++) {
    writeTree(source, { [`file-with-a-name-${i}`]: "" });
  }
  for (
    const [i, [command, warning]] of ([
      ["exit 7", "The hook failed: exit code 7"],
      ["sleep 600", "The hook failed: it took longer than 200ms"],
      ["true", undefined],
    ] as const).entries()
  ) {
    const target = temp.at(`target-${i}`);
    const ended = await sync(source, target, [
      ...["--on-change", command, "--on-change-timeout", "200ms"],
    ]);
    assertEnded(ended);
    await assertSameTree(source, target);
    const warnings = ended.events.filter(({ event }) => event === "warning");
    assertEquals(
      warnings.map(({ message }) => message),
      warning === undefined ? [] : [warning],
    );
  }
});

test(
  "a hook that hangs holds up neither a loop nor its end",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    writeTree(source, { a: "one" });
    const command = `echo x >> '${temp.at("runs")}'; sleep 600`;
    const args = ["--interval", "20", "--on-change", command];
    await using sender = startSync(source, target, args);
    await until("the first run", () => exists(temp.at("runs")));
    for (const name of ["b", "c"]) {
      writeTree(source, { [name]: name });
      await until(`the file ${name}`, () => exists(`${target}/${name}`));
    }
    sender.kill("SIGTERM");
    const ended = await sender.ended;
    assertEnded(ended);
    assertEquals(Deno.readTextFileSync(temp.at("runs")), "x\n");
    const warnings = ended.events.filter(({ event }) => event === "warning");
    assertEquals(warnings.map(({ message }) => message), [
      "The hook failed: it was stopped",
      "The last changes were not told to the hook",
    ]);
  },
);

test(
  "a listener's hook does not keep a sender waiting",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const go = temp.at("go");
    writeTree(source, { a: "one" });
    const command = `until test -e '${go}'; do sleep 0.01; done; echo went`;
    await using receiver = await listen(temp.at("target"), [
      "--on-change",
      command,
    ]);
    assertEnded(await sync(source, receiver.url));
    await receiver.event("ended");
    Deno.writeTextFileSync(go, "");
    const ended = await receiver.ended;
    assertEnded(ended);
    assert(ended.stderr.includes("hook: went"), ended.stderr);
  },
);

test("an empty command is refused", [], async () => {
  await using program = new Program([
    ...["sync", "-f", "a", "-t", "b", "--on-change", " "],
  ]);
  const ended = await program.ended;
  assertEquals(ended.code, 2);
  assert(ended.stderr.includes("is no command"), ended.stderr);
});
