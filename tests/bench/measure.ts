/** Wall time and peak memory of processes. */
import { join } from "@std/path";
import { command } from "../support/command.ts";

/** One run of a process. */
export interface Measurement {
  readonly seconds: number;
  /** Highest resident size, in bytes; read every few milliseconds. */
  readonly peakBytes: number;
}

/** How often a process is asked for its peak, which only ever rises. */
const POLL_MS = 20;

/** Runs a process to its end; `signal` kills it. @throws If it fails. */
export async function measure(
  words: readonly string[],
  signal: AbortSignal,
): Promise<Measurement> {
  signal.throwIfAborted();
  const [name, ...args] = words;
  const since = performance.now();
  const child = new Deno.Command(name!, {
    args,
    stdin: "null",
    stdout: "null",
    signal,
  }).spawn();
  let peakBytes = 0;
  const polling = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid));
  }, POLL_MS);
  try {
    const { code } = await child.status;
    const seconds = (performance.now() - since) / 1000;
    if (code !== 0) throw new Error(`${words.join(" ")}: exit ${code}`);
    return { seconds, peakBytes };
  } finally {
    clearInterval(polling);
  }
}

/** The highest resident size that a process had so far, in bytes; 0 if unknown. */
export function peakOf(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** What a file takes besides the pages of its content: for its inode and its name. */
const FILE_BYTES = 5 * 1024;

/** What a process takes besides. */
const PROCESS_BYTES = 256 * 1024 * 1024;

/**
 * Makes sure that there is memory at hand for `files` files of `bytes` each, below
 * `path`. A virtual machine gives memory that was freed back to its host within
 * seconds, and waits for seconds per GiB when it wants it again: of two programs
 * that are compared, the first one would pay for both.
 */
export function warmMemory(path: string, files: number, bytes: number): void {
  const block = new Uint8Array(1024 * 1024).fill(1);
  const each = Math.ceil(bytes / 4096) * 4096 + FILE_BYTES;
  const warm = join(path, "warm");
  {
    using file = Deno.openSync(warm, { write: true, createNew: true });
    for (let left = files * each + PROCESS_BYTES; left > 0;) {
      left -= file.writeSync(block);
    }
  }
  Deno.removeSync(warm);
}

/** The middle of the values, which are not empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What the numbers depend on. */
export async function machineFacts(
  program: readonly string[],
  data: string,
): Promise<Record<string, string>> {
  const [info, memory, rsync, kernel, version, mount] = await Promise.all([
    Deno.readTextFile("/proc/cpuinfo").catch(() => ""),
    Deno.readTextFile("/proc/meminfo").catch(() => ""),
    command("rsync", ["--version"]),
    command("uname", ["-srm"]),
    command(program[0]!, [...program.slice(1), "--version"]),
    command("findmnt", ["-no", "FSTYPE", "-T", data]),
  ]);
  const kilobytes = Number(/MemTotal:\s+(\d+)/.exec(memory)?.[1] ?? 0);
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: /model name\s*:\s*(.*)/.exec(info)?.[1] ?? "unknown",
    cores: String(navigator.hardwareConcurrency),
    memory: `${(kilobytes / 2 ** 20).toFixed(0)} GiB`,
    system: kernel.stdout.trim(),
    data: `${data} (${mount.stdout.trim().split("\n")[0] || "unknown"})`,
    lockstep: version.stdout.trim().split("\n")[0] ?? "",
    deno: Deno.version.deno,
    rsync: /version (\S+)/.exec(rsync.stdout)?.[1] ?? "missing",
  };
}
