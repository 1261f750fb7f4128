/**
 * `deno task bench:hub`: a hub on loopback and in memory. How long many small files
 * take from one client to the hub and on to a second one, beside Unison where it
 * is installed; and what 200 clients cost that only are there.
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "@std/cli/parse-args";
import { hasCommand } from "../support/command.ts";
import { serve } from "../support/hub_program.ts";
import { visitHub } from "../support/hub_visitor.ts";
import { assertSameTree } from "../support/oracle.ts";
import { PROGRAM } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { machineFacts, measure, median, peakOf } from "./measure.ts";

const USAGE = `Usage: deno task bench:hub [OPTION…]

  --runs N    runs of each; the median counts [default 3]
  --files N   files of 4 KiB [default 20000]
  --idle N    clients that are there [default 200]`;

const FILE_BYTES = 4_096;
const FILES_PER_DIRECTORY = 200;

/** How long the clients idle while the hub's time is taken. */
const IDLE_MS = 10_000;

/** The goals: of the hub's memory, and of one core. */
const MAX_IDLE_MB = 300;
const MAX_IDLE_SHARE = 0.02;

/** Clock ticks of /proc in a second, on every Linux of today. */
const TICKS = 100;

interface Passage {
  /** Seconds from the first client to the hub, and from there to the second. */
  readonly there: number;
  readonly back: number;
}

function makeFiles(directory: string, count: number): void {
  const random = new Random(1);
  for (let i = 0; i < count; i++) {
    const below = `${directory}/d${Math.floor(i / FILES_PER_DIRECTORY)}`;
    if (i % FILES_PER_DIRECTORY === 0) Deno.mkdirSync(below);
    Deno.writeFileSync(`${below}/f${i}`, random.bytes(FILE_BYTES));
  }
}

/** Two clients, one after the other, with a hub that was empty. */
async function lockstep(source: string, signal: AbortSignal): Promise<Passage> {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const engine = `${hub.url.replace("http", "ws")}/engine`;
  const second = temp.directory("second");
  // Of the two roots the one that was changed last decides.
  Deno.utimeSync(second, 1, 1);
  const run = async (from: string, state: string): Promise<number> => {
    const words = [...PROGRAM, "sync", "--two-way", "--quiet"];
    const more = ["--from", from, "--to", engine];
    const place = ["--state-dir", temp.at(state)];
    return (await measure([...words, ...more, ...place], signal)).seconds;
  };
  const there = await run(source, "state-1");
  const back = await run(second, "state-2");
  await assertSameTree(source, second);
  return { there, back };
}

/** The same by way of a third directory, which both are in step with. */
async function unison(source: string, signal: AbortSignal): Promise<Passage> {
  await using temp = new TempDir();
  const middle = temp.directory("middle");
  const second = temp.directory("second");
  const words = ["env", `UNISON=${temp.directory("unison")}`, "unison"];
  const options = ["-batch", "-auto", "-silent", "-times"];
  const run = async (from: string, to: string): Promise<number> =>
    (await measure([...words, from, to, ...options], signal)).seconds;
  const there = await run(source, middle);
  const back = await run(middle, second);
  return { there, back };
}

/** What a hub takes while clients are there and nothing happens. */
async function idle(clients: number): Promise<void> {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const numbers = Array.from({ length: clients }, (_, i) => i);
  const visitors = await Promise.all(numbers.map((i) => visitHub(hub.url, i)));
  const before = ticksOf(hub.pid);
  const since = performance.now();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const seconds = (performance.now() - since) / 1_000;
  const share = (ticksOf(hub.pid) - before) / TICKS / seconds;
  const megabytes = peakOf(hub.pid) / 1e6;
  for (const { session } of visitors) session.close();
  print(
    `${clients} idle clients: peak memory`,
    `${megabytes.toFixed(0)} MB`,
    megabytes <= MAX_IDLE_MB,
  );
  print(
    `${clients} idle clients: share of one core`,
    `${(share * 100).toFixed(2)} %`,
    share <= MAX_IDLE_SHARE,
  );
}

/** Time that a process has had so far, in clock ticks. */
function ticksOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function print(work: string, value: string, isGood?: boolean): void {
  const verdict = isGood === undefined ? "" : isGood ? "ok" : "miss";
  console.log(`${work.padEnd(54)}${value.padStart(12)}  ${verdict}`);
}

async function main(): Promise<void> {
  const args = parseArgs(Deno.args, {
    string: ["runs", "files", "idle"],
    boolean: ["help"],
    default: { runs: "3", files: "20000", idle: "200" },
  });
  if (args.help) return console.log(USAGE);
  const [runs, files, clients] = [args.runs, args.files, args.idle].map(Number);
  const stop = new AbortController();
  await using temp = new TempDir();
  const facts = await machineFacts(PROGRAM, temp.path);
  for (const [name, fact] of Object.entries(facts)) {
    console.log(`${name.padEnd(10)} ${fact}`);
  }
  const source = temp.directory("source");
  makeFiles(source, files!);
  const programs = [["lockstep", lockstep], ["unison", unison]] as const;
  for (const [name, pass] of programs) {
    if (name === "unison" && !hasCommand(name)) {
      console.log("unison is not installed");
      continue;
    }
    const passages: Passage[] = [];
    for (let run = 0; run < runs!; run++) {
      passages.push(await pass(source, stop.signal));
    }
    const there = median(passages.map((passage) => passage.there));
    const back = median(passages.map((passage) => passage.back));
    const what = `${files} files of 4 KiB, ${name}`;
    print(`${what}: client to hub`, `${there.toFixed(2)} s`);
    print(`${what}: hub to second client`, `${back.toFixed(2)} s`);
  }
  await idle(clients!);
}

await main();
