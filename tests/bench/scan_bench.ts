/**
 * What ignore rules cost a scan: 200,000 files in 1,000 directories, looked at
 * with 100 rules and without, by turns.
 *
 *     deno run -A tests/bench/scan_bench.ts [--quick]
 */
import { join } from "@std/path";
import {
  type IgnoreOptions,
  NO_IGNORE,
  type ScanOptions,
} from "../../src/core/snapshot.ts";
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import { scan } from "../../src/fs/scan.ts";
import { TempDir } from "../support/temp.ts";
import { median } from "./measure.ts";
import { makeWorkload, workloads } from "./workload.ts";

const RUNS = 7;

/** Highest time with rules / without. */
const GOAL = 1.3;

/** As a large project has them; all have to be looked at, and none matches. */
const RULES: IgnoreOptions = {
  rules: [
    ...numbered(40, (i) => `name-${i}`),
    ...numbered(30, (i) => `*.ext${i}`),
    ...numbered(10, (i) => `/top-${i}/build`),
    ...numbered(10, (i) => `directory ${i}/*.tmp${i}`),
    ...numbered(5, (i) => `**/deep-${i}/out`),
    ...["*~", "#*#", ".*.sw?", "[Tt]humbs.db", "core.[0-9]*"],
  ],
  files: [".gitignore", ".syncignore"],
};

if (import.meta.main) await main(Deno.args.includes("--quick"));

async function main(quick: boolean): Promise<void> {
  await using temp = new TempDir();
  const root = temp.directory("tree");
  const workload = workloads(quick).find(({ id }) => id === "files-100b")!;
  makeWorkload(root, workload);
  Deno.writeTextFileSync(join(root, ".gitignore"), "node_modules/\n");
  const plain: number[] = [];
  const ruled: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const one = await timeScan(root, NO_IGNORE);
    const other = await timeScan(root, RULES);
    // The first run of each is that in which the code gets compiled.
    if (run === 0) continue;
    plain.push(one);
    ruled.push(other);
  }
  const ratio = median(ruled) / median(plain);
  const each = (times: number[]): string =>
    `${(1e6 * median(times) / workload.files).toFixed(2)} µs each`;
  print(`scan of ${workload.title}: ${each(plain)}`);
  print(`the same with ${RULES.rules.length} rules: ${each(ruled)}`);
  print(`ratio ${ratio.toFixed(2)}, goal ${GOAL}`);
  if (ratio > GOAL && !quick) Deno.exitCode = 1;
}

/** Seconds. */
async function timeScan(root: string, ignore: IgnoreOptions): Promise<number> {
  const directory = await new DenoFileSystem().openRoot(root);
  const options: ScanOptions = {
    checksum: false,
    symlinks: "copy",
    modes: true,
    ignore,
  };
  try {
    const since = performance.now();
    await scan(directory, options);
    return (performance.now() - since) / 1_000;
  } finally {
    directory.close();
  }
}

function numbered(count: number, make: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
