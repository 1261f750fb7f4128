/**
 * `deno task bench:delta`: what a changed file of 1 GiB costs, beside
 * `rsync -a --no-whole-file --delete` to an rsync daemon, on loopback and in
 * memory. Both targets are made ready and the receivers are up before either
 * program starts, and who comes first alternates; a row shows medians. Bytes are
 * counted both ways, by a proxy, in a run of their own.
 *
 * An edited file has its old version at the target, copied there. What is renamed
 * was brought there by the program that is measured, since what it remembers of that
 * run is what tells it.
 */
// deno-lint-ignore-file no-console
import { join } from "@std/path";
import { assertSameTree } from "../support/oracle.ts";
import { listen, PROGRAM } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { benchOptions, printFacts, runBench } from "./bench_run.ts";
import { machineFacts, measure, median, warmMemory } from "./measure.ts";
import { RsyncDaemon, rsyncUrl } from "./rsync_daemon.ts";
import { HEADER, lineOf, type Row } from "./table.ts";

const USAGE = `Usage: deno task bench:delta [OPTION…]

  --runs N      runs of each; the median counts [default 5]
  --only NAME   only the changes whose name holds NAME
  --quick       32 MiB, one run: shows that the bench works`;

const MIB = 1024 * 1024;

/** One way to change a file. */
interface Change {
  readonly name: string;
  /** Of the time and the bytes of rsync, at the most. */
  readonly goals: { readonly time: number; readonly bytes: number };
  /** Writes the new version, of a file of `size` bytes; without, it is renamed. */
  readonly write?: (old: string, source: string, size: number) => void;
}

const CHANGES: readonly Change[] = [
  {
    name: "100 edits of 64 B",
    goals: { time: 0.8, bytes: 0.3 },
    write(old, source, size): void {
      const random = new Random(1);
      Deno.copyFileSync(old, join(source, "file"));
      using file = Deno.openSync(join(source, "file"), { write: true });
      for (let i = 0; i < 100; i++) {
        file.seekSync(random.below(size - 64), Deno.SeekMode.Start);
        file.writeSync(random.bytes(64));
      }
    },
  },
  {
    name: "1000 B in front",
    goals: { time: 0.8, bytes: 0.3 },
    write(old, source): void {
      using file = Deno.openSync(join(source, "file"), CREATE);
      file.writeSync(new Random(2).bytes(1_000));
      append(file, old);
    },
  },
  {
    name: "1 MiB appended",
    goals: { time: 0.8, bytes: 1.1 },
    write(old, source): void {
      using file = Deno.openSync(join(source, "file"), CREATE);
      append(file, old);
      file.writeSync(new Random(3).bytes(MIB));
    },
  },
  {
    name: "renamed",
    goals: { time: 0.2, bytes: 0.001 },
  },
];

const CREATE = { write: true, create: true, truncate: true };

async function main(signal: AbortSignal): Promise<void> {
  const options = benchOptions(USAGE);
  if (options === undefined) return;
  const { quick, only } = options;
  const runs = options.runs ?? (quick ? 1 : 5);
  const size = (quick ? 32 : 1024) * MIB;
  await using temp = new TempDir();
  const rsyncTarget = temp.directory("rsync target");
  await using daemon = await RsyncDaemon.start(temp.path, rsyncTarget);
  Deno.env.set("XDG_STATE_HOME", temp.at("state"));
  printFacts({ ...await machineFacts(PROGRAM, temp.path), runs });
  console.log(`\n${HEADER}`);
  const old = temp.at("old");
  {
    using file = Deno.openSync(old, CREATE);
    const random = new Random(4);
    for (let at = 0; at < size; at += MIB) file.writeSync(random.bytes(MIB));
  }
  Deno.utimeSync(old, 1_500_000_000, 1_500_000_000);
  const stand = {
    old,
    source: temp.at("source"),
    target: temp.at("target"),
    rsyncTarget,
    port: daemon.port,
    place: temp.path,
    size,
    signal,
  };
  for (const change of CHANGES.filter(({ name }) => name.includes(only))) {
    Deno.mkdirSync(stand.source);
    if (change.write === undefined) copyTo(join(stand.source, "file"), old);
    else change.write(old, stand.source, size);
    for await (const row of rowsOf(change, stand, runs)) {
      console.log(lineOf(row, quick));
    }
    Deno.removeSync(stand.source, { recursive: true });
  }
}

interface Stand {
  readonly old: string;
  readonly source: string;
  readonly target: string;
  readonly rsyncTarget: string;
  readonly port: number;
  /** Where memory is taken for the files, each of `size` bytes. */
  readonly place: string;
  readonly size: number;
  readonly signal: AbortSignal;
}

async function* rowsOf(
  { name, goals, write }: Change,
  stand: Stand,
  runs: number,
): AsyncGenerator<Row> {
  const run = write === undefined ? runRenamed : runEdited;
  const samples = { lockstep: [] as number[], rsync: [] as number[] };
  for (let i = 0; i < runs; i++) {
    const { lockstep, rsync } = await run(stand, {
      isCounted: false,
      isRsyncFirst: i % 2 === 1,
    });
    samples.lockstep.push(lockstep.seconds);
    samples.rsync.push(rsync.seconds);
  }
  const times = {
    lockstep: median(samples.lockstep),
    rsync: median(samples.rsync),
  };
  yield {
    work: `1 GiB, ${name}`,
    unit: "s",
    ...times,
    goal: goals.time,
    value: times.lockstep / times.rsync,
    samples,
  };
  const { lockstep, rsync } = await run(stand, {
    isCounted: true,
    isRsyncFirst: false,
  });
  const bytes = { lockstep: lockstep.bytes, rsync: rsync.bytes };
  yield {
    work: `wire, 1 GiB, ${name}`,
    unit: "B",
    ...bytes,
    goal: goals.bytes,
    isRatio: true,
    value: bytes.lockstep / bytes.rsync,
    samples: { lockstep: [bytes.lockstep], rsync: [bytes.rsync] },
  };
}

interface RunOptions {
  /** Whether a proxy counts the bytes, which takes its time. */
  readonly isCounted: boolean;
  readonly isRsyncFirst: boolean;
}

/** What one run took; bytes are 0 where nobody counted. */
interface Cost {
  readonly seconds: number;
  readonly bytes: number;
}

interface Costs {
  readonly lockstep: Cost;
  readonly rsync: Cost;
}

/** One run of each, from the old file at the target. */
async function runEdited(stand: Stand, options: RunOptions): Promise<Costs> {
  for (const target of [stand.target, stand.rsyncTarget]) {
    empty(target);
    copyTo(join(target, "file"), stand.old);
  }
  await using receiver = await listen(stand.target, ["--keep-listening"]);
  await using lockstep = new TcpProxy(receiver.port);
  await using rsync = new TcpProxy(stand.port);
  return await runBoth(stand, { lockstep, rsync }, options);
}

/** One run of each, after the file that it has brought there was renamed. */
async function runRenamed(stand: Stand, options: RunOptions): Promise<Costs> {
  const { source, target, rsyncTarget } = stand;
  const names = { old: join(source, "file"), new: join(source, "renamed") };
  empty(target);
  empty(rsyncTarget);
  await using receiver = await listen(target, ["--keep-listening"]);
  await using lockstep = new TcpProxy(receiver.port);
  await using rsync = new TcpProxy(stand.port);
  const roads = { lockstep, rsync };
  await runBoth(stand, roads, options);
  Deno.renameSync(names.old, names.new);
  try {
    return await runBoth(stand, roads, options);
  } finally {
    Deno.renameSync(names.new, names.old);
  }
}

/** What leads to the receivers: the same in all runs of a pair, which it names. */
interface Roads {
  readonly lockstep: TcpProxy;
  readonly rsync: TcpProxy;
}

async function runBoth(
  { source, target, place, size, signal }: Stand,
  roads: Roads,
  { isCounted, isRsyncFirst }: RunOptions,
): Promise<Costs> {
  const portOf = (road: TcpProxy): number =>
    isCounted ? Number(new URL(road.url).port) : road.serverPort;
  const cost = async (road: TcpProxy, words: string[]): Promise<Cost> => {
    const before = passed(road);
    warmMemory(place, 1, size);
    const { seconds } = await measure(words, signal);
    return { seconds, bytes: passed(road) - before };
  };
  const lockstep = (): Promise<Cost> => {
    const url = `ws://127.0.0.1:${portOf(roads.lockstep)}`;
    const words = ["sync", "--from", source, "--to", url, "--quiet"];
    return cost(roads.lockstep, [...PROGRAM, ...words]);
  };
  const rsync = (): Promise<Cost> => {
    const url = rsyncUrl(portOf(roads.rsync));
    const words = ["rsync", "-a", "--no-whole-file", "--delete", `${source}/`];
    return cost(roads.rsync, [...words, url]);
  };
  const early = isRsyncFirst ? await rsync() : undefined;
  const costs = { lockstep: await lockstep(), rsync: early ?? await rsync() };
  await assertSameTree(source, target);
  return costs;
}

/** Makes `target` an empty directory. */
function empty(target: string): void {
  Deno.mkdirSync(target, { recursive: true });
  for (const { name } of Deno.readDirSync(target)) {
    Deno.removeSync(join(target, name), { recursive: true });
  }
}

/** Copies the file at `from`, with its mtime. */
function copyTo(to: string, from: string): void {
  Deno.copyFileSync(from, to);
  const { mtime } = Deno.statSync(from);
  Deno.utimeSync(to, mtime!, mtime!);
}

function passed({ counts }: TcpProxy): number {
  return counts.toServer + counts.toClient;
}

function append(to: Deno.FsFile, from: string): void {
  using file = Deno.openSync(from);
  const buffer = new Uint8Array(MIB);
  for (let count; (count = file.readSync(buffer)) !== null;) {
    to.writeSync(buffer.subarray(0, count));
  }
}

await runBench(main);
