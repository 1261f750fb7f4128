/**
 * `deno task test`: all tests, in lanes beside each other, and then the scorecard
 * of what they have shown, and how much they went through. With arguments (files, flags of `deno test`) only what
 * they ask for, in one run and without a scorecard. LOCKSTEP_SCORECARD=full also
 * names what is not covered, and why.
 */
import { fromFileUrl } from "@std/path";
import { TextLineStream } from "@std/streams";
import { ROWS, SECTIONS } from "../faults/rows.ts";
import { type LaneEnd, LaneOutput, summaryOf } from "./lanes.ts";
import { readProof } from "./proof.ts";
import { renderTotals } from "./proof_table.ts";
import { parseReport, renderScorecard, type TestResult } from "./scorecard.ts";
import { TempDir } from "./temp.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/**
 * Tests of processes wait for them most of the time, so their files run beside
 * each other; the others keep one core busy. Some of those measure the memory or
 * set the mask of their process: they run one after the other.
 */
const LANES: readonly (readonly string[])[] = [
  ["--parallel", "tests/e2e"],
  ["--ignore=tests/e2e", "tests"],
];

if (import.meta.main) {
  // The tests get the same signals, and end in their own way.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => {});
  }
  Deno.exit(
    Deno.args.length === 0 ? await testAndScore() : await runTests(Deno.args),
  );
}

/**
 * Checks the types, runs all tests, and prints what has failed, the scorecard, and
 * a summary as the last line: the exit code.
 */
async function testAndScore(): Promise<number> {
  const start = performance.now();
  const checked = await deno(["check", "--quiet", "main.ts", "src", "tests"]);
  if (checked !== 0) return checked;
  await using temp = new TempDir();
  if (!Deno.env.has("LOCKSTEP_PROOF")) {
    Deno.env.set("LOCKSTEP_PROOF", temp.at("proof"));
  }
  const report = (lane: number): string => temp.at(`${lane}.xml`);
  const ends = await Promise.all(
    LANES.map((args, lane) => runLane([...args, "--junit-path", report(lane)])),
  );
  print(ends.flatMap(({ failures }) => failures));
  for (const [lane, { code, counts }] of ends.entries()) {
    if (counts !== undefined) continue;
    print([`deno test ${LANES[lane]!.join(" ")} broke down: exit ${code}`]);
  }
  // Of a lane that broke down it is not known what it has shown.
  if (ends.every(({ counts }) => counts !== undefined)) {
    const results = LANES.flatMap((_, lane) => resultsIn(report(lane)));
    const full = Deno.env.get("LOCKSTEP_SCORECARD") === "full";
    const options = { sections: SECTIONS, full };
    print(["", ...renderScorecard(ROWS, results, options), ""]);
    print([renderTotals(readProof(proofText()))]);
  }
  const summary = summaryOf(ends, (performance.now() - start) / 1000);
  print([summary]);
  return summary.startsWith("ok") ? 0 : 1;
}

/** Runs `deno test` beside others. Types were checked before. */
async function runLane(args: readonly string[]): Promise<LaneEnd> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--quiet", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = new LaneOutput((line) => print([line]));
  const lines = child.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) output.line(line);
  return output.end((await child.status).code);
}

/** What the tests have noted so far. */
function proofText(): string {
  const path = Deno.env.get("LOCKSTEP_PROOF")!;
  return exists(path) ? Deno.readTextFileSync(path) : "";
}

function resultsIn(report: string): TestResult[] {
  return parseReport(Deno.readTextFileSync(report));
}

function print(lines: readonly string[]): void {
  const text = lines.map((line) => `${line}\n`).join("");
  const bytes = new TextEncoder().encode(text);
  // A pipe may take less than all at once.
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

async function runTests(args: readonly string[]): Promise<number> {
  const paths = args.some((arg) => exists(arg)) ? [] : ["tests"];
  return await deno(["test", "-A", "--quiet", ...args, ...paths]);
}

/** Runs Deno as if it had been called: its exit code. */
async function deno(args: readonly string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return code;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
