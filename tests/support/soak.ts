/**
 * `deno task soak`: the long variants of all tests, then guards taken out one by
 * one, then what of the goals was reached. With arguments (files, flags of
 * `deno test`) only these, without the guards. LOCKSTEP_SOAK scales it: 1, as
 * unless said, is an hour or more on two cores, 0.1 some twenty minutes. Each run
 * has other cases, from a seed that it prints; LOCKSTEP_SOAK_SEED repeats one. Every
 * other variable that is set already counts as it is.
 */
import { fromFileUrl } from "@std/path";
import { GOALS } from "../faults/goals.ts";
import { readProof } from "./proof.ts";
import { renderProof } from "./proof_table.ts";
import { TempDir } from "./temp.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Schedules of one seed never meet those of the next. */
const SCHEDULES_OF_A_SEED = 100_000;

/** How many of what, for a scale. */
function sizes(scale: number): Record<string, number> {
  const many = (count: number): number => Math.max(1, Math.ceil(count * scale));
  return {
    LOCKSTEP_DAMAGES: many(10_000),
    LOCKSTEP_FUZZ_FRAMES: many(5_000_000),
    LOCKSTEP_KILLS: many(100),
    LOCKSTEP_KILL_STEP: Math.max(1, Math.round(1 / scale)),
    LOCKSTEP_LIVE_FRAMES: many(100_000),
    LOCKSTEP_LIVE_SCHEDULES: many(225),
    LOCKSTEP_LOST_ROOTS: many(10_000),
    LOCKSTEP_RACE_SECONDS: many(60),
    LOCKSTEP_RECONCILES: many(143_000),
    LOCKSTEP_ROUNDS: many(200),
    LOCKSTEP_RUNS: many(50_000),
    LOCKSTEP_SCALE: scale,
    LOCKSTEP_SCALE_FILES: many(1_000_000),
    LOCKSTEP_SCHEDULES: many(5_000),
    LOCKSTEP_SOAK_MINUTES: 30 * scale,
    LOCKSTEP_STORMS: many(200),
  };
}

if (import.meta.main) Deno.exit(await soak(Deno.args));

async function soak(args: readonly string[]): Promise<number> {
  await using temp = new TempDir();
  const seed = Number(
    Deno.env.get("LOCKSTEP_SOAK_SEED") ?? Date.now() % 10_000,
  );
  const scale = Number(Deno.env.get("LOCKSTEP_SOAK") ?? 1);
  const told = {
    LOCKSTEP_SOAK_SEED: seed,
    LOCKSTEP_FIRST_SCHEDULE: seed * SCHEDULES_OF_A_SEED,
    LOCKSTEP_PROOF: temp.at("proof"),
    ...sizes(scale),
  };
  for (const [name, value] of Object.entries(told)) {
    if (!Deno.env.has(name)) Deno.env.set(name, String(value));
  }
  const proof = Deno.env.get("LOCKSTEP_PROOF")!;
  Deno.writeTextFileSync(proof, "", { append: true });
  const begun = `LOCKSTEP_SOAK_SEED=${seed} LOCKSTEP_SOAK=${scale}`;
  // deno-lint-ignore no-console
  const print = (text: string): void => console.log(text);
  print(begun);
  const tested = await script("test_and_score.ts", args);
  const guarded = args.length > 0 ? 0 : await script("mutants.ts", []);
  const reached = renderProof(GOALS, readProof(Deno.readTextFileSync(proof)));
  print(["", ...reached, `${begun}: exit ${tested || guarded}`].join("\n"));
  return tested || guarded;
}

/** Runs one of the scripts beside this one: its exit code. */
async function script(name: string, args: readonly string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `${ROOT}tests/support/${name}`, ...args],
    cwd: ROOT,
  }).spawn().status;
  return code;
}
