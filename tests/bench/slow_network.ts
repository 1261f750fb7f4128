/** Lockstep beside `rsync -az`, each through a proxy that is as slow as a network. */
import { assertSameTree } from "../support/oracle.ts";
import { listen, PROGRAM } from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { removeTree, type TempDir } from "../support/temp.ts";
import { measure, median } from "./measure.ts";
import type { Row } from "./table.ts";
import { type RsyncDaemon, rsyncUrl } from "./rsync_daemon.ts";
import { copyText, type SlowWorkload } from "./workload.ts";

/** What there is to measure with; the daemon writes to "rsync target" in `temp`. */
export interface SlowStand {
  readonly temp: TempDir;
  readonly daemon: RsyncDaemon;
  readonly runs: number;
  readonly signal: AbortSignal;
}

/** Seconds and bytes of single runs. */
interface Runs {
  readonly seconds: number[];
  readonly bytes: number[];
}

/** Measures first copies: their time, and the bytes both ways. */
export async function* rowsOfSlowNetwork(
  workload: SlowWorkload,
  { temp, daemon, runs, signal }: SlowStand,
): AsyncGenerator<Row> {
  const source = temp.directory("source");
  const target = temp.at("target");
  const rsyncTarget = temp.at("rsync target");
  copyText(source, workload);
  const lockstep: Runs = { seconds: [], bytes: [] };
  const rsync: Runs = { seconds: [], bytes: [] };
  for (let run = 0; run < runs; run++) {
    for (const path of [target, rsyncTarget]) {
      await removeTree(path);
      Deno.mkdirSync(path);
    }
    await using receiver = await listen(target, ["--keep-listening"]);
    await through(receiver.port, lockstep, (port) => [
      ...[...PROGRAM, "sync", "--from", source, "--quiet"],
      ...["--to", `ws://127.0.0.1:${port}`],
    ]);
    await assertSameTree(source, target);
    await through(
      daemon.port,
      rsync,
      (port) => ["rsync", "-az", "--delete", `${source}/`, rsyncUrl(port)],
    );
  }
  for (const path of [source, target, rsyncTarget]) await removeTree(path);
  const { title, goals } = workload;
  yield row(`initial, ${title}`, "s", "seconds", goals.initial);
  yield row(`wire, initial, ${title}`, "B", "bytes", goals.wireBytes);

  /** Runs what `words` say through a slow proxy before `serverPort`. */
  async function through(
    serverPort: number,
    into: Runs,
    words: (port: number) => string[],
  ): Promise<void> {
    const { bytesPerSecond } = workload;
    const lane = { bytesPerSecond };
    await using proxy = new TcpProxy(
      serverPort,
      () => ({ toServer: lane, toClient: lane }),
    );
    const port = Number(new URL(proxy.url).port);
    const { seconds } = await measure(words(port), signal);
    into.seconds.push(seconds);
    into.bytes.push(proxy.counts.toServer + proxy.counts.toClient);
  }

  function row(
    work: string,
    unit: "s" | "B",
    what: keyof Runs,
    goal: number,
  ): Row {
    const samples = { lockstep: lockstep[what], rsync: rsync[what] };
    const [ours, theirs] = [median(samples.lockstep), median(samples.rsync)];
    const value = ours / theirs;
    return {
      work,
      unit,
      lockstep: ours,
      rsync: theirs,
      goal,
      value,
      isRatio: true,
      samples,
    };
  }
}
