/** What the workflows and the units for systemd can be told to do is there. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/yaml";
import { TARGETS } from "../../.github/scripts/targets.ts";
import manifest from "../../deno.json" with { type: "json" };
import { parseCommandLine } from "../../src/cli/args.ts";
import { command } from "../support/command.ts";
import { test } from "../support/needs.ts";
import { TempDir } from "../support/temp.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<
    Record<string, {
      readonly if?: string;
      readonly needs?: string | readonly string[];
      readonly "timeout-minutes"?: number;
      readonly permissions?: Readonly<Record<string, string>>;
      readonly steps: readonly Step[];
    }>
  >;
}

const GITHUB = new URL("../../.github/", import.meta.url);
const WORKFLOWS = ["ci.yml", "release.yml"] as const;
const UNITS = ["lockstep-listen@.service", "lockstep-serve.service"];

function textOf(name: string): string {
  return Deno.readTextFileSync(new URL(name, GITHUB));
}

function workflow(name: string): Workflow {
  return parse(textOf(`workflows/${name}`)) as Workflow;
}

Deno.test("every action of a workflow is pinned by its commit, and says its version", () => {
  const lines = WORKFLOWS.flatMap((name) =>
    textOf(`workflows/${name}`).split("\n").filter((line) =>
      /\buses:/.test(line)
    )
  );
  assert(lines.length > 5);
  for (const line of lines) {
    assertMatch(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  }
  // One commit of each action, everywhere.
  const pins = new Set(lines.map((line) => line.split("uses: ")[1]!));
  const actions = new Set([...pins].map((pin) => pin.split("@")[0]));
  assertEquals(pins.size, actions.size);
});

Deno.test("the workflows may do no more than they need, need jobs that exist, and end", () => {
  for (const name of WORKFLOWS) {
    const { permissions, jobs } = workflow(name);
    assertEquals(permissions, { contents: "read" }, name);
    for (const [title, job] of Object.entries(jobs)) {
      assert(job["timeout-minutes"] !== undefined, title);
      for (const needed of [job.needs ?? []].flat()) {
        assert(needed in jobs, `${title} needs ${needed}`);
      }
      const writes = Object.entries(job.permissions ?? {})
        .filter(([, value]) => value === "write").map(([scope]) => scope);
      const allowed: Record<string, string[]> = {
        build: ["id-token", "attestations"],
        publish: ["contents"],
      };
      assertEquals(writes, allowed[title] ?? [], title);
    }
  }
});

Deno.test("the workflows run tasks and scripts that exist, and let no text into a shell", () => {
  for (const name of WORKFLOWS) {
    const steps = Object.values(workflow(name).jobs).flatMap(({ steps }) =>
      steps
    );
    for (const { run = "" } of steps) {
      for (const [, task] of run.matchAll(/deno task ([\w:]+)/g)) {
        assert(task! in manifest.tasks, task);
      }
      for (const [script] of run.matchAll(/\.github\/scripts\/\w+\.ts/g)) {
        assert(Deno.statSync(new URL(`../${script}`, GITHUB)).isFile, script);
      }
      // What others can choose (a tag, a title) comes by the environment.
      for (const [, expression] of run.matchAll(/\$\{\{ *(.*?) *\}\}/g)) {
        assertMatch(expression!, /^runner\./);
      }
    }
  }
});

Deno.test("the soak runs each night, and only then", () => {
  const text = textOf("workflows/ci.yml");
  assertMatch(text, /^ {2}schedule:\n {4}- cron: "\d+ \d+ \* \* \*"$/m);
  const { soak } = workflow("ci.yml").jobs;
  assertEquals(soak!.if, "github.event_name == 'schedule'");
  assert(soak!.steps.some(({ run }) => run === "deno task soak"));
});

Deno.test("a release is published only after its executables were tried on each system", () => {
  const { build, smoke, publish } = workflow("release.yml").jobs;
  assertEquals([publish!.needs].flat(), ["build", "smoke"]);
  assertEquals(smoke!.needs, "build");
  const commands = build!.steps.map(({ run = "", uses = "" }) =>
    `${run}${uses}`
  );
  const order = [
    "task ok",
    "compile --all",
    "task assemble",
    "attest-build",
    "attest-sbom",
    "upload",
  ];
  const places = order.map((part) =>
    commands.findIndex((it) => it.includes(part))
  );
  assertEquals(places, [...places].sort((a, b) => a - b));
  assert(!places.includes(-1), String(places));
  const systems = textOf("workflows/release.yml").match(
    /^ +- (ubuntu|macos|windows)-.*$/gm,
  );
  assertEquals(systems?.length, Object.keys(TARGETS).length);
});

Deno.test("the units for systemd and the container start commands that there are", () => {
  for (const name of UNITS) {
    const line = /^ExecStart=\S+ (.*)$/m.exec(textOf(`install/${name}`))![1]!;
    const words = line.replace(" $LOCKSTEP_OPTIONS", "")
      .replaceAll("${LOCKSTEP_PORT}", "8080").split(" ");
    assertEquals(parseCommandLine(words).kind, words[0]);
  }
  const container = textOf("Containerfile");
  assert(container.includes(TARGETS["x86_64-unknown-linux-gnu"]));
  assertMatch(container, /^USER nonroot/m);
});

test("systemd takes the units as they are", ["systemd-analyze"], async () => {
  await using temp = new TempDir();
  for (const name of UNITS) {
    const path = temp.at(name.replace("@", "@photos"));
    const text = textOf(`install/${name}`).replace(
      "/usr/local/bin/lockstep",
      "/bin/true",
    );
    await Deno.writeTextFile(path, text);
    const { code, stderr } = await command("systemd-analyze", [
      "verify",
      "--man=no",
      path,
    ]);
    const about = stderr.split("\n").filter((line) =>
      line.includes("lockstep")
    );
    assertEquals([code, about], [0, []]);
  }
});
