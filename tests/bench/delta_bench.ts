/**
 * `deno task bench:delta`: what a changed file of 1 GiB costs, beside
 * `rsync -a --no-whole-file --delete` to an rsync daemon, on loopback and in
 * memory. The runs of both alternate; a row shows medians. Bytes are counted both
 * ways, by a proxy, in a run of their own.
 */
// deno-lint-ignore-file no-console
import { join } from "@std/path";
import { assertSameTree } from "../support/oracle.ts";
import { listen, PROGRAM } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { benchOptions, printFacts, runBench } from "./bench_run.ts";
import { machineFacts, measure, median } from "./measure.ts";
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
  /** Writes the new version, of a file of `size` bytes. */
  write(old: string, source: string, size: number): void;
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
    write(old, source): void {
      Deno.copyFileSync(old, join(source, "renamed"));
      const { mtime } = Deno.statSync(old);
      Deno.utimeSync(join(source, "renamed"), mtime!, mtime!);
    },
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
    signal,
  };
  for (const change of CHANGES.filter(({ name }) => name.includes(only))) {
    Deno.mkdirSync(stand.source);
    change.write(old, stand.source, size);
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
  readonly signal: AbortSignal;
}

async function* rowsOf(
  { name, goals }: Change,
  stand: Stand,
  runs: number,
): AsyncGenerator<Row> {
  const samples = { lockstep: [] as number[], rsync: [] as number[] };
  for (let run = 0; run < runs; run++) {
    samples.lockstep.push((await lockstep(stand, false)).seconds);
    samples.rsync.push((await rsync(stand, false)).seconds);
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
  const bytes = {
    lockstep: (await lockstep(stand, true)).bytes,
    rsync: (await rsync(stand, true)).bytes,
  };
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

/** One run of each, from the old file: its seconds, and its bytes where counted. */
async function lockstep(
  { old, source, target, signal }: Stand,
  isCounted: boolean,
): Promise<{ seconds: number; bytes: number }> {
  reset(target, old);
  await using receiver = await listen(target, ["--keep-listening"]);
  await using proxy = new TcpProxy(receiver.port);
  const url = isCounted ? proxy.url : receiver.url;
  const words = ["sync", "--from", source, "--to", url, "--quiet"];
  const { seconds } = await measure([...PROGRAM, ...words], signal);
  await assertSameTree(source, target);
  return { seconds, bytes: proxy.counts.toServer + proxy.counts.toClient };
}

async function rsync(
  { old, source, rsyncTarget, port, signal }: Stand,
  isCounted: boolean,
): Promise<{ seconds: number; bytes: number }> {
  reset(rsyncTarget, old);
  await using proxy = new TcpProxy(port);
  const url = rsyncUrl(isCounted ? Number(new URL(proxy.url).port) : port);
  const words = ["rsync", "-a", "--no-whole-file", "--delete", `${source}/`];
  const { seconds } = await measure([...words, url], signal);
  return { seconds, bytes: proxy.counts.toServer + proxy.counts.toClient };
}

/** Makes `target` hold the old file, and nothing else. */
function reset(target: string, old: string): void {
  Deno.mkdirSync(target, { recursive: true });
  for (const { name } of Deno.readDirSync(target)) {
    Deno.removeSync(join(target, name), { recursive: true });
  }
  const to = join(target, "file");
  Deno.copyFileSync(old, to);
  const { mtime } = Deno.statSync(old);
  Deno.utimeSync(to, mtime!, mtime!);
}

function append(to: Deno.FsFile, from: string): void {
  using file = Deno.openSync(from);
  const buffer = new Uint8Array(MIB);
  for (let count; (count = file.readSync(buffer)) !== null;) {
    to.writeSync(buffer.subarray(0, count));
  }
}

await runBench(main);
