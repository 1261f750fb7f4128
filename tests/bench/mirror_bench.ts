/**
 * `deno task bench`: Lockstep beside `rsync -a --delete` to an rsync daemon, on
 * loopback and in memory. The runs of both alternate, and so does who comes first; a
 * row shows medians. Wall time is that of the whole sending process, the receiver
 * being up already.
 */
// deno-lint-ignore-file no-console
import { assertSameTree } from "../support/oracle.ts";
import { listen, PROGRAM } from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { removeTree, TempDir } from "../support/temp.ts";
import { benchOptions, printFacts, runBench } from "./bench_run.ts";
import {
  machineFacts,
  measure,
  type Measurement,
  median,
  peakOf,
  warmMemory,
} from "./measure.ts";
import { RsyncDaemon, rsyncUrl } from "./rsync_daemon.ts";
import { HEADER, lineOf, type Row } from "./table.ts";
import { rowsOfSlowNetwork } from "./slow_network.ts";
import {
  makeWorkload,
  slowWorkload,
  type Workload,
  workloads,
} from "./workload.ts";

const USAGE = `Usage: deno task bench [OPTION…]

  --runs N      runs of each; the median counts [default 5]
  --only NAME   only the workloads whose name (files-4k, files-100b, file-1g,
                text-slow) holds NAME
  --quick       little data, one run: shows that the bench works
  --json        print JSON`;

/** Peak memory of both sides of Lockstep, over all its runs, in bytes. */
interface Peaks {
  sender: number;
  receiver: number;
}

/** Where a workload is measured: data, and both programs. */
class Stand {
  readonly workload: Workload;
  readonly source: string;
  readonly target: string;
  readonly rsyncTarget: string;
  readonly peaks: Peaks = { sender: 0, receiver: 0 };
  readonly #daemon: RsyncDaemon;
  readonly #signal: AbortSignal;
  readonly #place: string;

  constructor(
    workload: Workload,
    temp: TempDir,
    daemon: RsyncDaemon,
    signal: AbortSignal,
  ) {
    this.workload = workload;
    this.source = temp.at("source");
    this.target = temp.at("target");
    this.rsyncTarget = temp.at("rsync target");
    this.#daemon = daemon;
    this.#signal = signal;
    this.#place = temp.path;
  }

  /** One whole `sync`, to a fresh receiver: its seconds. */
  async lockstep(): Promise<number> {
    await using receiver = await listen(this.target, ["--keep-listening"]);
    const { seconds, peakBytes } = await this.#run(
      lockstepWords(this.source, receiver.url),
    );
    this.peaks.sender = Math.max(this.peaks.sender, peakBytes);
    this.peaks.receiver = Math.max(this.peaks.receiver, peakOf(receiver.pid));
    await assertSameTree(this.source, this.target);
    return seconds;
  }

  /** One whole `rsync`: its seconds. */
  async rsync(): Promise<number> {
    const url = rsyncUrl(this.#daemon.port);
    return (await this.#run(rsyncWords(this.source, url))).seconds;
  }

  /** Bytes both ways, counted by a proxy, of one run when nothing changed. */
  async wireBytes(): Promise<{ lockstep: number; rsync: number }> {
    await using receiver = await listen(this.target, ["--keep-listening"]);
    await using ours = new TcpProxy(receiver.port);
    await this.#run(lockstepWords(this.source, ours.url));
    await using theirs = new TcpProxy(this.#daemon.port);
    const port = Number(new URL(theirs.url).port);
    await this.#run(rsyncWords(this.source, rsyncUrl(port)));
    return { lockstep: passed(ours), rsync: passed(theirs) };
  }

  #run(words: readonly string[]): Promise<Measurement> {
    const { files, bytes } = this.workload;
    warmMemory(this.#place, files, bytes);
    return measure(words, this.#signal);
  }
}

async function main(signal: AbortSignal): Promise<void> {
  const options = benchOptions(USAGE);
  if (options === undefined) return;
  const { quick, json, only } = options;
  const runs = options.runs ?? (quick ? 1 : 5);
  const chosen = workloads(quick).filter(({ id }) => id.includes(only));
  await using temp = new TempDir();
  await using daemon = await RsyncDaemon.start(
    temp.path,
    temp.directory("rsync target"),
  );
  // What the runs remember goes with the rest.
  Deno.env.set("XDG_STATE_HOME", temp.at("state"));
  const machine = await machineFacts(PROGRAM, temp.path);
  if (!json) {
    printFacts({ ...machine, runs });
    console.log(`\n${HEADER}`);
  }
  const rows: Row[] = [];
  for (const workload of chosen) {
    const stand = new Stand(workload, temp, daemon, signal);
    makeWorkload(temp.directory("source"), workload);
    for await (const row of rowsOf(stand, runs)) {
      rows.push(row);
      if (!json) console.log(lineOf(row, quick));
    }
    for (const path of [stand.source, stand.target, stand.rsyncTarget]) {
      await removeTree(path);
    }
  }
  const slow = slowWorkload(quick);
  if (slow.id.includes(only)) {
    const stand = { temp, daemon, runs, signal };
    for await (const row of rowsOfSlowNetwork(slow, stand)) {
      rows.push(row);
      if (!json) console.log(lineOf(row, quick));
    }
  }
  if (json) {
    console.log(JSON.stringify({ machine, runs, rows }, null, 2));
  }
}

/** Measures all that is asked of a workload. */
async function* rowsOf(stand: Stand, runs: number): AsyncGenerator<Row> {
  const { title, goals } = stand.workload;
  const empty = async () => {
    for (const path of [stand.target, stand.rsyncTarget]) {
      await removeTree(path);
      Deno.mkdirSync(path);
    }
  };
  yield await timeRow(`initial, ${title}`, goals.initial, stand, runs, empty);
  if (goals.unchanged !== undefined) {
    const work = `unchanged, ${title}`;
    yield await timeRow(work, goals.unchanged, stand, runs, async () => {});
  }
  if (goals.wireBytes !== undefined) {
    const bytes = await stand.wireBytes();
    yield {
      work: `wire, unchanged, ${title}`,
      unit: "B",
      ...bytes,
      goal: goals.wireBytes,
      value: bytes.lockstep,
      samples: { lockstep: [bytes.lockstep], rsync: [bytes.rsync] },
    };
  }
  if (goals.peakBytes !== undefined) {
    for (const side of ["sender", "receiver"] as const) {
      const peak = stand.peaks[side];
      yield {
        work: `peak of the ${side}, ${title}`,
        unit: "MB",
        lockstep: peak,
        rsync: undefined,
        goal: goals.peakBytes,
        value: peak,
        samples: { lockstep: [peak], rsync: [] },
      };
    }
  }
}

async function timeRow(
  work: string,
  goal: number,
  stand: Stand,
  runs: number,
  prepare: () => Promise<void>,
): Promise<Row> {
  const samples = { lockstep: [] as number[], rsync: [] as number[] };
  for (let run = 0; run < runs; run++) {
    await prepare();
    const early = run % 2 === 1 ? await stand.rsync() : undefined;
    samples.lockstep.push(await stand.lockstep());
    samples.rsync.push(early ?? await stand.rsync());
  }
  const lockstep = median(samples.lockstep);
  const rsync = median(samples.rsync);
  const value = lockstep / rsync;
  return { work, unit: "s", lockstep, rsync, goal, value, samples };
}

function lockstepWords(source: string, url: string): string[] {
  return [...PROGRAM, "sync", "--from", source, "--to", url, "--quiet"];
}

function rsyncWords(source: string, url: string): string[] {
  return ["rsync", "-a", "--delete", `${source}/`, url];
}

function passed({ counts }: TcpProxy): number {
  return counts.toServer + counts.toClient;
}

await runBench(main);
