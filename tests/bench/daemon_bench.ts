/**
 * What a daemon costs while nothing happens, and how fast it answers and heals:
 * `deno task bench:daemon`, or with `--quick` on little data.
 */
import { join } from "@std/path";
import { DaemonWorld, isAlive } from "../support/daemon_world.ts";
import { until } from "../support/until.ts";
import { median } from "./measure.ts";

const WORKSPACES = 10;
const IDLE_SECONDS = 20;
const ANSWERS = 20;
const KILLS = 3;

async function main(): Promise<void> {
  const quick = Deno.args.includes("--quick");
  const files = quick ? 500 : 20_000;
  await using world = new DaemonWorld();
  const daemon = await world.start(["--max-failures", "1000"]);
  const names = Array.from({ length: WORKSPACES }, (_, i) => `w${i}`);
  for (const name of names) {
    const source = await world.add(name);
    if (name === "w0") fill(source, files);
    await world.attach(name, "disk", world.temp.at(`to-${name}`));
  }
  for (const name of names) await world.flush(name);
  print(["work", "measured", "goal", ""]);

  await idle(world, daemon.pid, quick ? 2 : IDLE_SECONDS);
  const answers = await times(ANSWERS, () => world.ask("GET", "workspaces"));
  tell("workspaces asked for by HTTP, p50", median(answers), 100, "ms");
  const lists = await times(5, () => world.run("workspace", "list"));
  tell("workspace list, the whole command, p50", median(lists), 100, "ms");
  const heals = await times(quick ? 1 : KILLS, () => heal(world));
  tell(
    `a killed process is back and in sync, ${files} files`,
    median(heals),
    2_000,
    "ms",
  );
}

/** Processor and memory while nothing happens. */
async function idle(
  world: DaemonWorld,
  pid: number,
  seconds: number,
): Promise<void> {
  const { body } = await world.ask("GET", "workspaces");
  const workers: number[] = body.workspaces.map((w: { pid: number }) => w.pid);
  // What the start has left to do is no part of it.
  await pause(3_000);
  const pids = [pid, ...workers];
  const before = pids.map(cpuMs);
  await pause(seconds * 1_000);
  const spent = pids.map((one, i) => (cpuMs(one) - before[i]!) / seconds / 10);
  const [own, ...others] = spent as [number, ...number[]];
  const all = others.reduce((sum, one) => sum + one, 0);
  tell("processor of the daemon, idle", own, 1, "%");
  tell(
    `processor of its ${WORKSPACES} processes together, idle`,
    all,
    Infinity,
    "%",
  );
  const { rss, own: anonymous } = memoryOf(pid);
  tell("memory of the daemon (resident)", rss, 60, "MB");
  tell("memory of the daemon (its own alone)", anonymous, Infinity, "MB");
  const each = median(workers.map((one) => memoryOf(one).rss));
  tell("memory of a process (resident), median", each, Infinity, "MB");
}

/** From the kill to the moment when a change made after it has arrived. */
async function heal(world: DaemonWorld): Promise<void> {
  const { pid } = await world.info("w0");
  Deno.kill(pid!, "SIGKILL");
  await until("it to be gone", () => !isAlive(pid!));
  const name = crypto.randomUUID();
  Deno.writeTextFileSync(world.temp.at("w0", name), "1");
  await world.flush("w0");
}

async function times(
  count: number,
  act: () => Promise<unknown>,
): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const since = performance.now();
    await act();
    taken.push(performance.now() - since);
  }
  return taken;
}

function fill(root: string, files: number): void {
  const content = new Uint8Array(1_024).fill(97);
  for (let at = 0; at < files; at++) {
    const directory = join(root, `d${Math.floor(at / 100)}`);
    if (at % 100 === 0) Deno.mkdirSync(directory);
    Deno.writeFileSync(join(directory, `f${at}`), content);
  }
}

/** Processor time of a process so far, in milliseconds. */
function cpuMs(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory of a process, in MB: all that is resident, and what no other has as well. */
function memoryOf(pid: number): { readonly rss: number; readonly own: number } {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [rss, own] = ["VmRSS", "RssAnon"].map((name) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status);
    return Number(kilobytes?.[1] ?? 0) * 1024 / 1e6;
  });
  return { rss: rss!, own: own! };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function tell(work: string, value: number, goal: number, unit: string): void {
  const verdict = goal === Infinity ? "" : value <= goal ? "ok" : "miss";
  const wanted = goal === Infinity ? "" : `≤ ${goal} ${unit}`;
  print([work, `${value.toFixed(1)} ${unit}`, wanted, verdict]);
}

function print([work = "", ...cells]: readonly string[]): void {
  // deno-lint-ignore no-console -- it is a bench
  console.log(
    work.padEnd(56) + cells.map((cell) => cell.padStart(12)).join(""),
  );
}

await main();
