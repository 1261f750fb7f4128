/**
 * `deno task bench:hub`: a hub on loopback and in memory. How long an edit takes
 * from one client to another one; how long many small files take from one client to
 * the hub and on to a second one, beside Unison and Syncthing where they are
 * installed; and what 200 clients cost that only are there.
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "@std/cli/parse-args";
import { command, hasCommand } from "../support/command.ts";
import { serve } from "../support/hub_program.ts";
import { visitHub } from "../support/hub_visitor.ts";
import { assertSameTree } from "../support/oracle.ts";
import { PROGRAM } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { editLatencies } from "./hub_latency.ts";
import { machineFacts, measure, median, peakOf } from "./measure.ts";
import { passBySyncthing } from "./syncthing.ts";

const USAGE = `Usage: deno task bench:hub [OPTION…]

  --runs N    runs of each; the median counts [default 3]
  --files N   files of 4 KiB [default 20000]
  --edits N   edits whose way is timed [default 100]
  --idle N    clients that are there [default 200]`;

const FILE_BYTES = 4_096;
const FILES_PER_DIRECTORY = 200;

/** Files among which one is edited. */
const EDITED_FILES = 6_000;

/** The goals for an edit, in milliseconds: the median, and all but one of a hundred. */
const EDIT_P50_MS = 25;
const EDIT_P99_MS = 150;

/** The goals beside others: of one hop of Unison, and both hops of Syncthing's one. */
const UNISON_SHARE = 1;
const SYNCTHING_SHARE = 0.5;

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

function engineOf(url: string): string {
  return `${url.replace("http", "ws")}/engine`;
}

/** Two clients, one after the other, with a hub that was empty. */
async function lockstep(source: string, signal: AbortSignal): Promise<Passage> {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const engine = engineOf(hub.url);
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

/** From one instance to another one: there is no hub in between. */
async function syncthing(source: string): Promise<number> {
  await using temp = new TempDir();
  const [first, second] = [temp.directory("first"), temp.directory("second")];
  await copyTree(source, first);
  const files = countFiles(source);
  return await passBySyncthing(temp.at("home"), [first, second], files);
}

async function copyTree(from: string, to: string): Promise<void> {
  const { code } = await command("cp", ["-a", `${from}/.`, to]);
  if (code !== 0) throw new Error(`cp: exit ${code}`);
}

function countFiles(directory: string): number {
  let count = 0;
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    count += isFile ? 1 : countFiles(`${directory}/${name}`);
  }
  return count;
}

async function timeEdits(count: number): Promise<void> {
  const times = await editLatencies(EDITED_FILES, count);
  const at = (q: number): number =>
    times[Math.min(times.length - 1, Math.floor(q * times.length))]!;
  const what = `an edit of one of ${EDITED_FILES} files`;
  const [p50, p99] = [at(0.5), at(0.99)];
  print(`${what}: p50`, `${p50.toFixed(1)} ms`, p50 <= EDIT_P50_MS);
  print(`${what}: p99`, `${p99.toFixed(1)} ms`, p99 <= EDIT_P99_MS);
}

/** What a hub takes that has files, while clients are there and nothing happens. */
async function idle(clients: number, source: string): Promise<void> {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"), ["--no-auth"]);
  const from = ["--from", source, "--to", engineOf(hub.url)];
  const place = ["--state-dir", temp.at("state")];
  const words = [...PROGRAM, "sync", "--two-way", "--quiet", ...from, ...place];
  await measure(words, new AbortController().signal);
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
    string: ["runs", "files", "edits", "idle"],
    boolean: ["help"],
    default: { runs: "3", files: "20000", edits: "100", idle: "200" },
  });
  if (args.help) return console.log(USAGE);
  const numbers = [args.runs, args.files, args.edits, args.idle].map(Number);
  const [runs, files, edited, clients] = numbers;
  await using temp = new TempDir();
  const facts = await machineFacts(PROGRAM, temp.path);
  for (const [name, fact] of Object.entries(facts)) {
    console.log(`${name.padEnd(10)} ${fact}`);
  }
  await timeEdits(edited!);
  const source = temp.directory("source");
  makeFiles(source, files!);
  const passed = await passages(source, `${files} files of 4 KiB`, runs!);
  await peer("syncthing", async (name) => {
    const times: number[] = [];
    for (let run = 0; run < runs!; run++) times.push(await syncthing(source));
    const time = median(times);
    print(`${files} files of 4 KiB, ${name}: one to the other`, seconds(time));
    const share = (passed.there + passed.back) / time;
    print(
      "both hops, as a share of that",
      ratio(share),
      share <= SYNCTHING_SHARE,
    );
  });
  await idle(clients!, source);
}

/** Both ways, of ours and of Unison: the median of ours. */
async function passages(
  source: string,
  what: string,
  runs: number,
): Promise<Passage> {
  const { signal } = new AbortController();
  const pass = async (
    name: string,
    go: typeof lockstep,
  ): Promise<Passage> => {
    const all: Passage[] = [];
    for (let run = 0; run < runs; run++) all.push(await go(source, signal));
    const there = median(all.map((passage) => passage.there));
    const back = median(all.map((passage) => passage.back));
    print(`${what}, ${name}: client to hub`, seconds(there));
    print(`${what}, ${name}: hub to second client`, seconds(back));
    return { there, back };
  };
  const ours = await pass("lockstep", lockstep);
  await peer("unison", async (name) => {
    const theirs = await pass(name, unison);
    const share = ours.there / theirs.there;
    print(
      "client to hub, as a share of that",
      ratio(share),
      share <= UNISON_SHARE,
    );
  });
  return ours;
}

/** Runs another program beside ours, where it is installed. */
async function peer(
  name: string,
  work: (name: string) => Promise<void>,
): Promise<void> {
  if (!hasCommand(name)) return console.log(`${name} is not installed`);
  try {
    await work(name);
  } catch (error) {
    console.log(`${name}: ${(error as Error).message}`);
  }
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

function ratio(value: number): string {
  return `${value.toFixed(2)} x`;
}

await main();
