/**
 * A tree of many files: its copy takes bounded memory, and so does finding out
 * that nothing is to be done. LOCKSTEP_SCALE_FILES says how many files.
 */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { test } from "../support/needs.ts";
import { type Ended, startSync } from "../support/program.ts";
import { noteMost } from "../support/proof.ts";
import { TempDir } from "../support/temp.ts";

const FILES = Number(Deno.env.get("LOCKSTEP_SCALE_FILES") ?? 12_000);
const MAX_RSS_MIB = 600;

/** A run, watched. */
interface Watched {
  readonly ended: Ended;
  readonly seconds: number;
  /** The most that the process has had, in MiB. */
  readonly memory: number;
}

async function watched(source: string, target: string): Promise<Watched> {
  const begun = performance.now();
  await using running = startSync(source, target);
  let memory = 0;
  const timer = setInterval(() => {
    memory = Math.max(memory, peakOf(running.pid) ?? 0);
  }, 50);
  try {
    const ended = await running.ended;
    return { ended, seconds: (performance.now() - begun) / 1_000, memory };
  } finally {
    clearInterval(timer);
  }
}

/** In MiB; undefined where the process is gone. */
function peakOf(pid: number): number | undefined {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(status) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024;
  } catch {
    return undefined;
  }
}

/** A tenth of the files in one directory, the rest in many; one in ten holds something. */
function fill(root: string, files: number): void {
  const content = new TextEncoder().encode("a little");
  for (let i = 0; i < files; i++) {
    const place = i % 10 === 0 ? "one" : `d${i % 1_000}`;
    const directory = `${root}/${place}`;
    if (i < 1_000 || i === 0) Deno.mkdirSync(directory, { recursive: true });
    const bytes = i % 10 === 1 ? content : new Uint8Array();
    Deno.writeFileSync(`${directory}/f${i}`, bytes);
  }
}

async function countIn(root: string): Promise<number> {
  const { stdout } = await command("sh", [
    "-c",
    'find "$1" -type f | wc -l',
    "sh",
    root,
  ]);
  return Number(stdout);
}

test(
  `N18: ${FILES} files are copied, and found to be equal, in bounded memory`,
  ["linux"],
  async () => {
    const seconds: number[] = [];
    for (const files of [FILES / 10, FILES]) {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.at("target");
      fill(source, files);
      const first = await watched(source, target);
      assertEnded(first.ended);
      assertEquals(await countIn(target), files);
      const again = await watched(source, target);
      assertEnded(again.ended);
      for (const { memory } of [first, again]) {
        assert(memory > 0 && memory < MAX_RSS_MIB, `${memory} MiB`);
      }
      seconds.push(first.seconds);
      noteMost("N18", "files at once", files);
      noteMost("N18", "MiB of memory", Math.max(first.memory, again.memory));
      if (files !== FILES) continue;
      noteMost("N18", "seconds to copy them", first.seconds);
      noteMost("N18", "seconds to find them equal", again.seconds);
    }
    noteMost(
      "N18",
      "times as long as a tenth of them",
      seconds[1]! / seconds[0]!,
    );
  },
);
