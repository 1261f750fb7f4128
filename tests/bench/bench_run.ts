/** How a bench is called, and what it says first. */
// deno-lint-ignore-file no-console
import { parseArgs } from "@std/cli/parse-args";

/** What the command line of a bench asks for. */
export interface BenchOptions {
  /** Little data: shows that the bench works. */
  readonly quick: boolean;
  readonly json: boolean;
  /** What the name of a row shall hold; empty: all of them. */
  readonly only: string;
  /** Runs of each row; undefined: as many as usual. */
  readonly runs: number | undefined;
}

/**
 * Reads the command line; where it asks for help, prints `usage` and answers nothing.
 * @throws {RangeError} If there would be no run.
 */
export function benchOptions(usage: string): BenchOptions | undefined {
  const { help, quick, json, only, runs } = parseArgs(Deno.args, {
    boolean: ["quick", "json", "help"],
    string: ["runs", "only"],
  });
  if (help) {
    console.log(usage);
    return undefined;
  }
  if (runs !== undefined && !(Number(runs) >= 1)) {
    throw new RangeError("--runs takes a number from 1");
  }
  return {
    quick: quick === true,
    json: json === true,
    only: String(only ?? ""),
    runs: runs === undefined ? undefined : Number(runs),
  };
}

/** Prints what the numbers depend on. */
export function printFacts(facts: Readonly<Record<string, unknown>>): void {
  for (const [name, fact] of Object.entries(facts)) {
    console.log(`${name.padEnd(10)} ${fact}`);
  }
}

/**
 * Runs a bench and ends the process; at a SIGINT, what it has started is stopped
 * by the signal, and it ends with 130.
 */
export async function runBench(
  main: (signal: AbortSignal) => Promise<void>,
): Promise<never> {
  const interrupted = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    Deno.exitCode = 130;
    interrupted.abort(new Error("interrupted"));
  });
  try {
    await main(interrupted.signal);
  } catch (error) {
    if (Deno.exitCode !== 130) throw error;
  }
  Deno.exit();
}
