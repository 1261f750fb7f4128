/**
 * Takes the guards out of the modules that data and peers depend on, one by one,
 * and runs the tests that should notice: quick ones first, then all that could.
 * Prints what none has noticed. With arguments, only files whose paths hold one
 * of them; with LOCKSTEP_MUTANTS=quick only the quick tests.
 */
import { fromFileUrl } from "@std/path";
import { shell } from "./command.ts";
import { type Mutant, mutantsOf } from "./mutate.ts";
import { note, noteMost } from "./proof.ts";
import { TempDir } from "./temp.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const COPIED = ["deno.json", "deno.lock", "main.ts", "src", "tests", ".github"];
const WORKERS = 2;

/** A test that takes longer has noticed that something does not end. */
const MAX_RUN_MS = 300_000;

const IS_QUICK = Deno.env.get("LOCKSTEP_MUTANTS") === "quick";

/** Files with guards, and the tests that should know of them. */
interface Guarded {
  readonly files: readonly string[];
  readonly quick: readonly string[];
  readonly thorough: readonly string[];
}

const SIDES = [
  "tests/unit/session",
  "tests/property/save_race_test.ts",
  "tests/property/failing_calls_test.ts",
  "tests/e2e/guards_test.ts",
  "tests/e2e/two_way_test.ts",
  "tests/e2e/moving_tree_test.ts",
  "tests/e2e/kill_points_test.ts",
];

const GUARDED: readonly Guarded[] = [
  {
    files: ["src/core/path.ts"],
    quick: ["tests/unit/core/path_test.ts", "tests/property/path_test.ts"],
    thorough: ["tests/unit/core", "tests/wire"],
  },
  {
    files: [
      "src/core/guard.ts",
      "src/core/losses.ts",
      "src/core/two_way_guard.ts",
      "src/session/safeguards.ts",
    ],
    quick: [
      "tests/unit/core/guard_test.ts",
      "tests/unit/core/losses_test.ts",
      "tests/unit/core/two_way_guard_test.ts",
      "tests/unit/session/safeguards_test.ts",
    ],
    thorough: ["tests/simulation/lost_root_test.ts", ...SIDES],
  },
  {
    files: [
      "src/fs/confirm_absent.ts",
      "src/fs/expectation.ts",
      "src/fs/held.ts",
      "src/fs/held_recovery.ts",
      "src/fs/proven_removal.ts",
      "src/fs/transition.ts",
    ],
    quick: [
      "tests/unit/fs/confirm_absent_test.ts",
      "tests/unit/fs/expectation_test.ts",
      "tests/unit/fs/held_test.ts",
      "tests/unit/session/local_endpoint_test.ts",
      "tests/unit/session/mirror_test.ts",
      "tests/property/save_race_test.ts",
    ],
    thorough: SIDES,
  },
  {
    files: namesIn("src/protocol").map((name) => `src/protocol/${name}`),
    quick: [
      "tests/unit/protocol",
      "tests/wire/damaged_frames_test.ts",
      "tests/wire/frozen_frames_test.ts",
      "tests/wire/hostile_frames_test.ts",
      "tests/wire/hostile_packed_test.ts",
      "tests/wire/hostile_recipes_test.ts",
    ],
    thorough: ["tests/wire", "tests/unit/session", "tests/unit/fs"],
  },
  {
    files: ["src/net/gate.ts", "src/net/host.ts", "src/net/token.ts"],
    quick: ["tests/unit/net"],
    thorough: ["tests/e2e/security_test.ts"],
  },
];

interface Task extends Guarded {
  readonly file: string;
  readonly mutant: Mutant;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(parts: readonly string[]): Promise<number> {
  const tasks = GUARDED.flatMap((guarded) =>
    guarded.files
      .filter((file) =>
        parts.length === 0 || parts.some((part) => file.includes(part))
      )
      .flatMap((file) =>
        mutantsOf(Deno.readTextFileSync(ROOT + file))
          .map((mutant): Task => ({ ...guarded, file, mutant }))
      )
  );
  print(`${tasks.length} guards are taken out, one by one`);
  if (!await passesWhole(tasks)) return 1;
  const survivors: string[] = [];
  const waiting = [...tasks];
  let late = 0;
  await Promise.all(Array.from({ length: WORKERS }, async () => {
    await using temp = await copied();
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      const by = await noticedBy(temp, task);
      if (by === "thorough") late++;
      if (by !== undefined) continue;
      const { file, mutant: { line, guard } } = task;
      survivors.push(`${file}:${line}: ${guard.slice(0, 100)}`);
      print(`  not noticed: ${survivors.at(-1)}`);
    }
  }));
  const caught = tasks.length - survivors.length;
  const percent = Math.floor(1_000 * caught / tasks.length) / 10;
  print(
    `${caught} of ${tasks.length} were noticed (${percent}%), ${late} of them by thorough tests only`,
  );
  note("N19", "mutants", tasks.length);
  noteMost("N19", "percent caught", percent);
  return 0;
}

/** Whether the tests pass where nothing is taken out: else they would prove nothing. */
async function passesWhole(tasks: readonly Task[]): Promise<boolean> {
  await using temp = await copied();
  for (
    const { quick, thorough } of new Map(tasks.map((it) => [it.quick, it]))
      .values()
  ) {
    const all = IS_QUICK ? quick : [...quick, ...thorough];
    if (!await fails(temp, all)) continue;
    print(`Nothing is taken out, and still a test fails: ${all}`);
    return false;
  }
  return true;
}

async function copied(): Promise<TempDir> {
  const temp = new TempDir();
  for (const name of COPIED) {
    await shell('cp -a "$1" "$2"', ROOT + name, temp.at(name));
  }
  return temp;
}

/** Which tests fail without the guard, if any does. */
async function noticedBy(
  temp: TempDir,
  { file, mutant, quick, thorough }: Task,
): Promise<"quick" | "thorough" | undefined> {
  await Deno.writeTextFile(temp.at(file), mutant.text);
  try {
    if (await fails(temp, quick)) return "quick";
    if (IS_QUICK) return undefined;
    return await fails(temp, thorough) ? "thorough" : undefined;
  } finally {
    await Deno.copyFile(ROOT + file, temp.at(file));
  }
}

async function fails(
  temp: TempDir,
  tests: readonly string[],
): Promise<boolean> {
  // They go through no more than in any other run, and note nothing.
  const env = Object.fromEntries([
    ...Object.entries(Deno.env.toObject())
      .filter(([name]) => !name.startsWith("LOCKSTEP_")),
    ["LOCKSTEP_FUZZ_FRAMES", "50000"],
  ]);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--quiet", "--fail-fast", ...tests],
    cwd: temp.path,
    env,
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), MAX_RUN_MS);
  const { success } = await child.status;
  clearTimeout(timer);
  return !success;
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(ROOT + folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts")).sort();
}

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
