/**
 * `deno task test`: all tests, and then the scorecard of what they have shown.
 * With arguments (files, flags of `deno test`) only what they ask for, and no
 * scorecard. LOCKSTEP_SCORECARD=full also names what is not covered, and why.
 */
import { fromFileUrl } from "@std/path";
import { ROWS, SECTIONS } from "../faults/rows.ts";
import { parseReport, renderScorecard } from "./scorecard.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

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

/** Runs all tests, prints the scorecard, and answers the exit code of the tests. */
async function testAndScore(): Promise<number> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const code = await runTests(["--junit-path", report, "tests"]);
    const results = parseReport(await Deno.readTextFile(report));
    const full = Deno.env.get("LOCKSTEP_SCORECARD") === "full";
    const options = { sections: SECTIONS, full };
    // Without any result, nothing was run: what is wrong has been said.
    if (results.length > 0) print(renderScorecard(ROWS, results, options));
    return code;
  } finally {
    await Deno.remove(report);
  }
}

function print(lines: readonly string[]): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`\n${lines.join("\n")}\n`));
}

async function runTests(args: readonly string[]): Promise<number> {
  const paths = args.some((arg) => exists(arg)) ? [] : ["tests"];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--quiet", ...args, ...paths],
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
