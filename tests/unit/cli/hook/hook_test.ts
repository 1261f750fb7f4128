import { assert, assertEquals } from "@std/assert";
import { ChangeHook } from "../../../../src/cli/hook/hook.ts";
import { eachLine } from "../../../../src/cli/hook/each_line.ts";
import {
  type ChangeSet,
  Manifest,
  MAX_LISTED_CHANGES,
} from "../../../../src/cli/hook/manifest.ts";
import { NO_CHANGES } from "../../../../src/core/change.ts";
import type { Operation } from "../../../../src/core/operation.ts";
import { systemClock } from "../../../../src/session/system_clock.ts";
import { exists } from "../../../support/disk_tree.ts";
import { test } from "../../../support/needs.ts";
import { TempDir } from "../../../support/temp.ts";
import { file, path } from "../../../support/trees.ts";
import { until } from "../../../support/until.ts";

const NEVER = new AbortController().signal;

function operation(name: string): Operation {
  return {
    name: "create",
    path: path(name),
    kind: "file",
    file: file({ size: 7 }),
    digest: undefined,
    carried: true,
  };
}

function setOf(round: number, created = 1): ChangeSet {
  const totals = { ...NO_CHANGES, created };
  return { round, root: "/tree", digest: "3f2a", totals };
}

interface Manifested {
  readonly round: number;
  readonly changes: readonly { readonly path: string }[];
}

function hookOf(
  command: string,
  { timeoutMs = 60_000 } = {},
): { hook: ChangeHook; output: string[]; faults: string[] } {
  const output: string[] = [];
  const faults: string[] = [];
  const hook = new ChangeHook({
    command,
    timeoutMs,
    clock: systemClock,
    onOutput: (line) => output.push(line),
    onFault: (message) => faults.push(message),
  });
  return { hook, output, faults };
}

Deno.test("a manifest lists what was done, and counts it", () => {
  const manifest = new Manifest();
  manifest.add(setOf(1), [operation('a"\n')]);
  manifest.add(setOf(2, 4), [operation("b")]);
  assertEquals(JSON.parse([...manifest.parts()].join("")), {
    version: 1,
    round: 2,
    root: "/tree",
    digest: "3f2a",
    changes: [
      { op: "create", path: 'a"\n', kind: "file", size: 7 },
      { op: "create", path: "b", kind: "file", size: 7 },
    ],
    totals: { ...NO_CHANGES, created: 5 },
    truncated: false,
  });
});

Deno.test("a manifest lists only so many, and says so", () => {
  const manifest = new Manifest();
  const many = Array.from({ length: MAX_LISTED_CHANGES }, () => operation("a"));
  manifest.add(setOf(1, MAX_LISTED_CHANGES), many);
  const whole = JSON.parse([...manifest.parts()].join(""));
  assertEquals([whole.changes.length, whole.truncated], [many.length, false]);
  manifest.add(setOf(2), [operation("b")]);
  const cut = JSON.parse([...manifest.parts()].join(""));
  assertEquals([cut.changes.length, cut.truncated], [many.length, true]);
  assertEquals(cut.totals.created, many.length + 1);
});

Deno.test("eachLine() hands on lines, cuts long ones, and replaces what is no text", async () => {
  const lines: string[] = [];
  const parts = ["on", "e\ntwo\r\n\n", "x".repeat(5_000), "\nlast"];
  const bytes = parts.map((part) => new TextEncoder().encode(part));
  const stream = ReadableStream.from([...bytes, new Uint8Array([0xff])]);
  await eachLine(stream, (line) => lines.push(line), NEVER);
  assertEquals(lines, [
    ...["one", "two", "", "x".repeat(4_096), "x".repeat(904), "last\ufffd"],
  ]);
});

test(
  "a hook gets the manifest, the root, and no token",
  ["signals"],
  async () => {
    const variable = "LOCKSTEP_TOKEN";
    const before = Deno.env.get(variable);
    Deno.env.set(variable, "secret");
    try {
      const { hook, output, faults } = hookOf(
        "cat; env | grep LOCKSTEP_ | sort",
      );
      hook.changed(setOf(1), [operation("a")]);
      await hook.close(NEVER);
      assertEquals(faults, []);
      const text = output.filter((line) => !line.startsWith("LOCKSTEP_"));
      assertEquals(JSON.parse(text.join("\n")).changes.length, 1);
      const env = output.filter((line) => /^LOCKSTEP_(TOKEN|ROOT)/.test(line));
      assertEquals(env, ["LOCKSTEP_ROOT=/tree"]);
    } finally {
      if (before === undefined) Deno.env.delete(variable);
      else Deno.env.set(variable, before);
    }
  },
);

test("what changes while a hook runs is told to the next one, at once", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const { hook, output, faults } = hookOf(
    `tr -d '\\n'; echo; touch '${temp.at("began")}'
    until test -e '${temp.at("go")}'; do sleep 0.01; done`,
  );
  hook.changed(setOf(1), [operation("a")]);
  await until("the first run", () => exists(temp.at("began")));
  hook.changed(setOf(2), [operation("b")]);
  hook.changed(setOf(3), [operation("c")]);
  Deno.writeTextFileSync(temp.at("go"), "");
  await hook.close(NEVER);
  assertEquals(faults, []);
  const told = output.map((line): Manifested => JSON.parse(line))
    .map(({ round, changes }) => [round, ...changes.map(({ path }) => path)]);
  assertEquals(told, [[1, "a"], [3, "b", "c"]]);
});

test("a hook that fails is told of", ["signals"], async () => {
  for (
    const [command, fault] of [
      ["exit 3", "exit code 3"],
      ["kill -9 $$", "it was ended by SIGKILL"],
      ["no-such-command-at-all", "exit code 127"],
    ] as const
  ) {
    const { hook, faults } = hookOf(command);
    hook.changed(setOf(1), [operation("a")]);
    await hook.close(NEVER);
    assertEquals(faults, [`The hook failed: ${fault}`]);
  }
});

test("a hook that does not read holds nothing up", ["signals"], async () => {
  const many = Array.from({ length: 20_000 }, (_, i) => operation(`file-${i}`));
  for (const command of ["true", "exec <&-; echo closed; sleep 0.1"]) {
    const { hook, faults } = hookOf(command);
    hook.changed(setOf(1), many);
    await hook.close(NEVER);
    assertEquals(faults, []);
  }
});

test("a hook that takes too long is stopped, with all that it has started", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const { hook, output, faults } = hookOf(
    `trap '' TERM; sh -c 'echo $$ > "${temp.at("pid")}"; trap "" TERM; ` +
      `while :; do sleep 0.05; done' & wait; echo never`,
    { timeoutMs: 300 },
  );
  hook.changed(setOf(1), [operation("a")]);
  await hook.close(NEVER);
  assertEquals(output, []);
  assertEquals(faults, ["The hook failed: it took longer than 300ms"]);
  const pid = Number(Deno.readTextFileSync(temp.at("pid")));
  await until("its process is gone", () => !isAlive(pid));
});

test(
  "a hook that hangs does not keep a program that has to stop",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const { hook, faults } = hookOf(
      `touch '${temp.at("began")}'; exec sleep 600`,
    );
    hook.changed(setOf(1), [operation("a")]);
    await until("the run", () => exists(temp.at("began")));
    hook.changed(setOf(2), [operation("b")]);
    await hook.close(AbortSignal.abort());
    assertEquals(faults, [
      "The hook failed: it was stopped",
      "The last changes were not told to the hook",
    ]);
  },
);

test("a process that a hook leaves in the background holds nothing up", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const { hook, output, faults } = hookOf(
    `sleep 600 & echo $! > '${temp.at("pid")}'; echo done`,
  );
  hook.changed(setOf(1), [operation("a")]);
  await hook.close(NEVER);
  const pid = Number(Deno.readTextFileSync(temp.at("pid")));
  assert(isAlive(pid));
  Deno.kill(pid, "SIGKILL");
  assertEquals([output, faults], [["done"], []]);
});

/** A process that nobody has waited for yet is a zombie: gone. */
function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
