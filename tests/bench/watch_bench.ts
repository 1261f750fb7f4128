/**
 * `deno task bench:watch`: how soon a change of a watched tree is at its target,
 * over a WebSocket on loopback and in memory, beside `lsyncd` without delay and a
 * loop of `inotifywait` and `rsync`, both to an rsync daemon (where they are
 * installed). All programs have the same tree before.
 */
// deno-lint-ignore-file no-console
import { join } from "@std/path";
import { command, hasCommand } from "../support/command.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  listen,
  PROGRAM,
  type Program,
  type Receiver,
  run,
  startSync,
} from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { removeTree, TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { benchOptions, printFacts } from "./bench_run.ts";
import { machineFacts, measure, median } from "./measure.ts";
import { RsyncDaemon, rsyncUrl } from "./rsync_daemon.ts";

const USAGE = `Usage: deno task bench:watch [OPTION…]

  --runs N      runs of what is not latency; the median counts [default 5]
  --only NAME   only the rows whose name holds NAME: latency, burst, rename,
                idle, targets
  --quick       small trees, one run: shows that the bench works`;

/** How large the trees are. */
interface Scale {
  readonly files: number;
  readonly burst: number;
  readonly renamed: number;
  readonly idle: number;
  readonly idleMs: number;
  /** Writes of which the latency is measured, of Lockstep and of the others. */
  readonly samples: number;
  readonly otherSamples: number;
  readonly runs: number;
}

const FULL: Scale = {
  files: 20_000,
  burst: 5_000,
  renamed: 10_000,
  idle: 200_000,
  idleMs: 30_000,
  samples: 100,
  otherSamples: 25,
  runs: 5,
};

const QUICK: Scale = {
  files: 500,
  burst: 200,
  renamed: 300,
  idle: 1_000,
  idleMs: 1_000,
  samples: 10,
  otherSamples: 3,
  runs: 1,
};

const FILE_BYTES = 1024;
const PER_DIRECTORY = 100;

/** How long the others get to notice what was done before. */
const QUIET_MS = 2_000;

async function main(): Promise<void> {
  const options = benchOptions(USAGE);
  if (options === undefined) return;
  const { quick, only } = options;
  const scale = quick ? QUICK : FULL;
  const runs = options.runs ?? scale.runs;
  await using temp = new TempDir();
  Deno.env.set("XDG_STATE_HOME", temp.at("state"));
  const lsyncd = await command("lsyncd", ["--version"]);
  printFacts({
    ...await machineFacts(PROGRAM, temp.path),
    lsyncd: lsyncd.stdout.trim() || "missing",
    runs,
  });
  console.log();
  print(["work", "measured", "goal", ""]);
  const stand = { temp, scale, runs, quick };
  const rows = { latency, burst, rename, idle, targets };
  for (const [name, row] of Object.entries(rows)) {
    if (name.includes(only)) await row(stand);
  }
}

/** What a row works with. */
interface Stand {
  readonly temp: TempDir;
  readonly scale: Scale;
  readonly runs: number;
  readonly quick: boolean;
}

/** Lockstep at work; its owner disposes of it. */
class Watch implements AsyncDisposable {
  readonly source: string;
  readonly target: string;
  readonly receiver: Receiver;
  readonly sender: Program;

  private constructor(
    source: string,
    target: string,
    receiver: Receiver,
    sender: Program,
  ) {
    this.source = source;
    this.target = target;
    this.receiver = receiver;
    this.sender = sender;
  }

  /** Resolves when `target` is equal to `source`; `through` is given its port. */
  static async start(
    source: string,
    target: string,
    through: (port: number) => string = (port) => `ws://127.0.0.1:${port}`,
  ): Promise<Watch> {
    const receiver = await listen(target);
    const url = through(receiver.port);
    const sender = startSync(source, url, ["--watch", "--no-state"]);
    await until("the first round", () => hasSynced(sender), 300_000);
    return new Watch(source, target, receiver, sender);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sender.kill("SIGINT");
    await this.sender.ended;
    await this.receiver.ended;
    await this.sender[Symbol.asyncDispose]();
    await this.receiver[Symbol.asyncDispose]();
    await removeTree(this.target);
  }
}

async function latency(stand: Stand): Promise<void> {
  const { temp, scale } = stand;
  const source = makeTree(temp.at("source"), scale.files);
  {
    await using watch = await Watch.start(source, temp.at("target"));
    for (const kind of KINDS) {
      const times = await writeAndWait(
        source,
        watch.target,
        scale.samples,
        kind,
      );
      const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
      const work = `1 KiB ${kind}, of ${scale.files} files: Lockstep`;
      tell(stand, `${work}, p50`, p50, 10, "ms");
      tell(stand, `${work}, p99`, p99, 50, "ms");
    }
    await assertSameTree(source, watch.target);
  }
  for (const [name, start] of OTHERS) {
    if (!hasCommand(name)) {
      print([`${name} is not installed`]);
      continue;
    }
    const target = temp.directory("other target");
    await using daemon = await RsyncDaemon.start(temp.path, target);
    const child = start(source, rsyncUrl(daemon.port));
    try {
      await until(
        `the first copy of ${name}`,
        () => countFiles(target) === countFiles(source),
        60_000,
      );
      await pause(QUIET_MS);
      for (const kind of KINDS) {
        const times = await writeAndWait(
          source,
          target,
          scale.otherSamples,
          kind,
        );
        const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
        print([`  ${name} + rsync, ${kind}, p50`, `${p50.toFixed(1)} ms`]);
        print([`  ${name} + rsync, ${kind}, p99`, `${p99.toFixed(1)} ms`]);
      }
    } catch (error) {
      print([`  ${name}: ${(error as Error).message}`]);
    } finally {
      await end(child);
      await removeTree(target);
    }
  }
  await removeTree(source);
}

/** What else watches a tree: each starts a process group of its own. */
const OTHERS: readonly (readonly [
  name: string,
  start: (source: string, url: string) => Deno.ChildProcess,
])[] = [
  [
    "lsyncd",
    (source, url) =>
      spawnGroup(["lsyncd", "-nodaemon", "-delay", "0", "-rsync", source, url]),
  ],
  [
    "inotifywait",
    (source, url) =>
      spawnGroup(["bash", "-c", INOTIFY_LOOP, "bash", source, url]),
  ],
];

/** Whatever happens during an rsync is in the pipe for the next one. */
const INOTIFY_LOOP = `
  rsync -a --delete "$1/" "$2"
  inotifywait -qmr -e close_write,create,delete,move,attrib "$1" |
    while read -r _; do
      while read -r -t 0.001 _; do :; done
      rsync -a --delete "$1/" "$2"
    done
`;

async function burst(stand: Stand): Promise<void> {
  const { temp, scale, runs } = stand;
  const source = makeTree(temp.at("source"), scale.files);
  const rsyncTarget = temp.directory("rsync target");
  await using daemon = await RsyncDaemon.start(temp.path, rsyncTarget);
  const rsync = [
    ...["rsync", "-a", "--delete", `${source}/`],
    rsyncUrl(daemon.port),
  ];
  const { signal } = new AbortController();
  await measure(rsync, signal);
  await using watch = await Watch.start(source, temp.at("target"));
  const samples = { lockstep: [] as number[], rsync: [] as number[] };
  for (let i = 0; i < runs; i++) {
    // After many events all is looked at once more; that belongs to the last time.
    await pause(QUIET_MS);
    samples.lockstep.push(
      await createAndWait(source, [watch.target], i, scale),
    );
    await settled(watch);
    samples.rsync.push((await measure(rsync, signal)).seconds * 1_000);
    Deno.removeSync(join(source, `burst ${i}`), { recursive: true });
    await until(
      "the removal",
      () => !isThere(join(watch.target, `burst ${i}`)),
    );
    await settled(watch);
    await measure(rsync, signal);
  }
  const [own, other] = [median(samples.lockstep), median(samples.rsync)];
  const work = `${scale.burst} files created at once, from the last write`;
  print([`${work}: Lockstep`, `${own.toFixed(0)} ms`]);
  print([`  rsync of the same`, `${other.toFixed(0)} ms`]);
  tell(stand, "  ratio", own / other, 1, "");
  await removeTree(source);
  await removeTree(rsyncTarget);
}

async function rename(stand: Stand): Promise<void> {
  const { temp, scale, runs } = stand;
  const source = temp.directory("source");
  makeTree(join(source, "name 0"), scale.renamed);
  const times: number[] = [];
  {
    await using watch = await Watch.start(source, temp.at("target"));
    for (let i = 0; i < runs; i++) {
      times.push(await renameAndWait(source, watch.target, i));
      await settled(watch);
    }
    await assertSameTree(source, watch.target);
  }
  const bytes: number[] = [];
  let proxy: TcpProxy | undefined;
  {
    await using watch = await Watch.start(source, temp.at("target"), (port) => {
      proxy = new TcpProxy(port);
      return proxy.url;
    });
    for (let i = runs; i < 2 * runs; i++) {
      const { toServer, toClient } = proxy!.counts;
      await renameAndWait(source, watch.target, i);
      await settled(watch);
      const { counts } = proxy!;
      bytes.push(counts.toServer - toServer + counts.toClient - toClient);
    }
  }
  await proxy?.[Symbol.asyncDispose]();
  const work = `a directory of ${scale.renamed} files renamed`;
  tell(stand, work, median(times), 100, "ms");
  tell(stand, `  bytes on the wire, both ways`, median(bytes), 2_048, "B");
  await removeTree(source);
}

async function idle(stand: Stand): Promise<void> {
  const { temp, scale } = stand;
  const source = makeTree(temp.at("source"), scale.idle);
  await using watch = await Watch.start(source, temp.at("target"));
  // Some 20 s after the first sync, V8 collects what that has left behind.
  await pause(scale.idleMs);
  const before = [watch.sender.pid, watch.receiver.pid].map(cpuMs);
  const since = performance.now();
  await pause(scale.idleMs);
  const spent = performance.now() - since;
  const [sender, receiver] = [watch.sender.pid, watch.receiver.pid]
    .map((pid, i) => (cpuMs(pid) - before[i]!) / spent * 100);
  const work = `watching ${scale.idle} files in which nothing happens`;
  tell(stand, `${work}: sender`, sender!, 1, "% CPU");
  tell(stand, `  receiver`, receiver!, 1, "% CPU");
  await removeTree(source);
}

async function targets(stand: Stand): Promise<void> {
  const { temp, scale, runs } = stand;
  const source = temp.directory("source");
  const places = [0, 1, 2].map((i) => temp.at(`target ${i}`));
  const flags = places.flatMap((path) => ["--to", path]);
  const tried = await run(["sync", "--from", source, ...flags, "--quiet"]);
  if (tried.code === 2) return print(["three targets: this program takes one"]);
  makeTree(join(source, "tree"), scale.files);
  const medians: number[] = [];
  for (const used of [places.slice(0, 1), places]) {
    const receivers: Receiver[] = [];
    for (const path of used) receivers.push(await listen(path));
    const [first, ...more] = receivers.map(({ url }) => url);
    const sender = startSync(source, first!, [
      ...["--watch", "--no-state"],
      ...more.flatMap((url) => ["--to", url]),
    ]);
    const files = countFiles(source);
    await until(
      "the first rounds",
      () => used.every((path) => countFiles(path) === files),
      120_000,
    );
    await pause(QUIET_MS);
    const times: number[] = [];
    for (let i = 0; i < runs; i++) {
      times.push(await createAndWait(source, used, i, scale));
      Deno.removeSync(join(source, `burst ${i}`), { recursive: true });
      await until(
        "the removal",
        () => used.every((path) => !isThere(join(path, `burst ${i}`))),
      );
      await pause(QUIET_MS);
    }
    medians.push(median(times));
    sender.kill("SIGINT");
    await sender.ended;
    await sender[Symbol.asyncDispose]();
    for (const receiver of receivers) {
      await receiver.ended;
      await receiver[Symbol.asyncDispose]();
    }
    for (const path of used) await removeTree(path);
  }
  const [one, three] = medians as [number, number];
  print([`${scale.burst} files created at once: one target`, ms(one)]);
  print(["  three targets", ms(three)]);
  tell(stand, "  ratio", three / one, 1.5, "");
  await removeTree(source);
}

/** `count` files of 1 KiB, 100 in each directory: the path. */
function makeTree(path: string, count: number): string {
  const random = new Random(1);
  for (let i = 0; i < count; i++) {
    const directory = join(path, `d${Math.floor(i / PER_DIRECTORY)}`);
    if (i % PER_DIRECTORY === 0) Deno.mkdirSync(directory, { recursive: true });
    Deno.writeFileSync(join(directory, `f${i}`), random.bytes(FILE_BYTES));
  }
  return path;
}

/** After this, a change does not count as one of a row any more. */
const ALONE_MS = 350;

/** What is written: new, or into a file that is there. */
const KINDS = ["replaced, alone", "new, alone", "in a row"] as const;
type Kind = typeof KINDS[number];

let seed = 100;

/** Writes one file after the other, and measures until each is there: in ms. */
async function writeAndWait(
  source: string,
  target: string,
  count: number,
  kind: Kind,
): Promise<number[]> {
  // Never the same bytes again: what an earlier program has sent is there already.
  const random = new Random(seed++);
  const times: number[] = [];
  // The first ones only make all warm.
  for (let i = -3; i < count; i++) {
    await pause((kind === "in a row" ? 10 : ALONE_MS) + random.below(50));
    const at = Math.abs(i) % 5;
    const file = kind === "new, alone"
      ? `written ${seed} ${i}`
      : `f${at * PER_DIRECTORY + (i + 3) % PER_DIRECTORY}`;
    const name = join(`d${at}`, file);
    const bytes = random.bytes(FILE_BYTES);
    const since = performance.now();
    Deno.writeFileSync(join(source, name), bytes);
    await seen(`${name} at the target`, () => holds(join(target, name), bytes));
    if (i >= 0) times.push(performance.now() - since);
  }
  return times;
}

/** Creates many files as fast as it goes: ms from then until they are everywhere. */
async function createAndWait(
  source: string,
  targets: readonly string[],
  run: number,
  { burst }: Scale,
): Promise<number> {
  const bytes = new Random(3 + run).bytes(FILE_BYTES);
  const name = `burst ${run}`;
  const last = `${burst - 1}`;
  Deno.mkdirSync(join(source, name));
  for (let i = 0; i < burst; i++) {
    Deno.writeFileSync(join(source, name, `${i}`), bytes);
  }
  const since = performance.now();
  for (const target of targets) {
    await seen(
      "all files",
      // Counting takes time from those who are at work: the last one mostly comes last.
      () =>
        isThere(join(target, name, last)) &&
        countIn(join(target, name)) === burst,
      5,
    );
  }
  return performance.now() - since;
}

async function renameAndWait(
  source: string,
  target: string,
  i: number,
): Promise<number> {
  const [from, to] = [`name ${i}`, `name ${i + 1}`];
  const since = performance.now();
  Deno.renameSync(join(source, from), join(source, to));
  await until(
    "the new name",
    () => isThere(join(target, to)) && !isThere(join(target, from)),
  );
  return performance.now() - since;
}

/**
 * Looks until `probe` says so. The thread sleeps in between, for timers are too
 * coarse; now and then it does what else there is to do.
 */
async function seen(
  what: string,
  probe: () => boolean,
  everyMs = 0.2,
): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (let i = 1; !probe(); i++) {
    if (performance.now() > deadline) throw new Error(`${what}: not in 30 s`);
    Atomics.wait(SLEEP, 0, 0, everyMs);
    if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

/** Waits until the sender has told of no round for a while. */
async function settled({ sender }: Watch): Promise<void> {
  for (let seen = -1; seen !== sender.events.length;) {
    seen = sender.events.length;
    await pause(300);
  }
}

function hasSynced({ events }: Program): boolean {
  return events.some(({ event }) => event === "synced");
}

function holds(path: string, bytes: Uint8Array): boolean {
  try {
    const there = Deno.readFileSync(path);
    return there.length === bytes.length &&
      there.every((byte, i) => byte === bytes[i]);
  } catch {
    return false;
  }
}

/** Files of the right size directly in a directory. */
function countIn(path: string): number {
  let count = 0;
  try {
    for (const { name } of Deno.readDirSync(path)) {
      if (Deno.lstatSync(join(path, name)).size === FILE_BYTES) count++;
    }
  } catch {
    // It is not there yet, or is just coming.
  }
  return count;
}

/** All files below a directory, without what is staged there. */
function countFiles(path: string): number {
  let count = 0;
  try {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      if (name === ".lockstep" || name.startsWith(".f")) continue;
      count += isDirectory ? countFiles(join(path, name)) : 1;
    }
  } catch {
    // It is not there yet.
  }
  return count;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Time of the processor that a process has used, in ms (at 100 ticks a second). */
function cpuMs(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function spawnGroup(words: readonly string[]): Deno.ChildProcess {
  return new Deno.Command("setsid", {
    args: [...words],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Ends a process of {@link spawnGroup}, with all that it has started. */
async function end(child: Deno.ChildProcess): Promise<void> {
  await command("kill", ["-TERM", "--", `-${child.pid}`]);
  await child.status;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

/** With little data the start is all: there is no verdict. */
function tell(
  { quick }: Stand,
  work: string,
  value: number,
  goal: number,
  unit: string,
): void {
  const digits = unit === "B" ? 0 : unit === "" ? 2 : 1;
  const verdict = quick ? "" : value <= goal ? "ok" : "miss";
  print([
    work,
    `${value.toFixed(digits)} ${unit}`.trim(),
    `≤ ${goal} ${unit}`.trim(),
    verdict,
  ]);
}

function print([work = "", ...cells]: readonly string[]): void {
  console.log(
    work.padEnd(60) + cells.map((cell) => cell.padStart(14)).join(""),
  );
}

await main();
Deno.exit();
