/**
 * Two clients and a hub that go on while people edit, and of which one is killed
 * now and then: nothing is lost, all end equal, and who was never killed takes no
 * more memory and no more files than at the beginning. LOCKSTEP_SOAK_MINUTES says
 * how long; without it, a few edits and two kills.
 */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { type HeldClient, HubClients } from "../support/hub_clients.ts";
import { test } from "../support/needs.ts";
import { note, noteMost } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { until } from "../support/until.ts";

const MINUTES = Number(Deno.env.get("LOCKSTEP_SOAK_MINUTES") ?? 0);
const SEED = seedOr(20);
const ARGS = ["--allow-delete", "always"];

/** Between two kills. */
const PERIOD_MS = MINUTES === 0 ? 700 : 20_000;
const KILLS = Math.max(2, Math.round(MINUTES * 60_000 / PERIOD_MS));

/** A process grows until it has seen everything once, and collects when it likes. */
const WARM_KILLS = 15;
const MIN_SLOPE_MINUTES = 15;
const MAX_SLOPE_MIB = 1;
const MAX_LOST_FILES = 4;
/** All have to be equal by then. */
const SETTLE_MS = 60_000;

const PATHS = ["x", "y", "d/z", "d/e/f", "n1", "n2", "d/n3", "d/e/n4"];

/** One moment of a process. */
interface Sample {
  readonly minutes: number;
  readonly memory: number;
  readonly files: number;
}

function sampleOf(pid: number, minutes: number): Sample {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(status)!;
  const files = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  return { minutes, memory: Number(kilobytes) / 1_024, files };
}

/** By least squares, in MiB a minute. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const time = mean(({ minutes }) => minutes);
  const memory = mean((sample) => sample.memory);
  const above = mean((it) => (it.minutes - time) * (it.memory - memory));
  return above / mean((it) => (it.minutes - time) ** 2);
}

/** What one person does, and what is gone by that knowingly. */
class Edits {
  /** Contents that have to be somewhere. */
  readonly written = new Set<string>();
  readonly #clients: HubClients;
  readonly #random: Random;
  #count = 0;

  constructor(clients: HubClients, random: Random) {
    this.#clients = clients;
    this.#random = random;
  }

  /** Saves, renames or removes a file; nothing where that is gone this moment. */
  make(name: string): void {
    try {
      this.#make(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #make(name: string): void {
    const random = this.#random;
    const path = this.#clients.at(name, random.pick(PATHS));
    const before = textAt(path);
    const choice = before === undefined ? 0 : random.below(5);
    if (choice === 3) {
      const to = `${path}-${random.below(20)}`;
      const over = textAt(to);
      Deno.renameSync(path, to);
      if (over !== undefined) this.written.delete(over);
      return;
    }
    if (choice === 4) Deno.removeSync(path);
    else {
      const text = `${name} ${this.#count++} ` +
        "x".repeat(random.pick([0, 100, 20_000]));
      // As most editors save.
      const aside = this.#clients.temp.at("aside");
      Deno.writeTextFileSync(aside, text);
      Deno.mkdirSync(join(path, ".."), { recursive: true });
      Deno.renameSync(aside, path);
      this.written.add(text);
    }
    if (before !== undefined) this.written.delete(before);
  }
}

function textAt(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Every file with its content; undefined while it changes. */
function stateOf(root: string): string | undefined {
  try {
    return linesOf(root, "").sort().join("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function linesOf(root: string, base: string): string[] {
  const lines: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(join(root, base))) {
    if (name === ".lockstep") continue;
    const path = join(base, name);
    if (isDirectory) lines.push(`${path}/`, ...linesOf(root, path));
    else lines.push(`${path}: ${Deno.readTextFileSync(join(root, path))}`);
  }
  return lines;
}

test(
  `N20: two clients and a hub survive ${KILLS} kills while they go on, and lose nothing`,
  ["linux"],
  async () => {
    await using clients = await HubClients.begin({ a: {}, b: {} });
    const random = new Random(SEED);
    const edits = new Edits(clients, random);
    clients.fill("a", { x: "1", y: "2", d: { z: "5", e: { f: "6" } } });
    await using first = await clients.hold("a", ARGS);
    let second: HeldClient = await clients.hold("b", ARGS);
    const samples: Sample[] = [];
    const begun = performance.now();
    const settled = async (): Promise<void> => {
      await until("both are equal", () => {
        const [a, b] = ["a", "b"].map((name) => stateOf(clients.at(name)));
        return a !== undefined && a === b;
      }, SETTLE_MS);
    };
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const end = performance.now() + PERIOD_MS;
        while (performance.now() < end) {
          edits.make(random.pick(["a", "b"]));
          const pause = random.pick([0, 5, 50, 200]);
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
        if (kill % 2 === 0) {
          await clients.stopHub("SIGKILL");
          edits.make("a");
          await clients.serve();
        } else {
          second.kill("SIGKILL");
          await second.ended;
          await second[Symbol.asyncDispose]();
          edits.make("b");
          second = await clients.hold("b", ARGS);
        }
        await settled();
        const minutes = (performance.now() - begun) / 60_000;
        samples.push(sampleOf(first.pid, minutes));
        note("N4", "kills", 1);
        noteMost("N20", "minutes", minutes);
      }
      const kept = await clients.digestsAtHub();
      const lost = [...edits.written].filter((text) =>
        !kept.has(createHash("sha256").update(text).digest("hex"))
      ).map((text) => text.slice(0, 20));
      assertEquals(lost, [], `LOCKSTEP_SEED=${SEED}`);
    } finally {
      await second[Symbol.asyncDispose]();
    }
    assert(edits.written.size > 0);
    note("N20", "kills", KILLS);
    const warm = samples.slice(WARM_KILLS);
    if (warm.length < 10) return;
    const files = warm.map((sample) => sample.files);
    const growth = Math.max(...files.slice(-5)) -
      Math.max(...files.slice(0, 5));
    assert(growth <= MAX_LOST_FILES, `open files: ${files}`);
    const slope = slopeOf(warm);
    noteMost("N20", "MiB more each minute", slope);
    if (warm.at(-1)!.minutes - warm[0]!.minutes < MIN_SLOPE_MINUTES) return;
    const memory = warm.map((sample) => Math.round(sample.memory));
    assert(slope < MAX_SLOPE_MIB, `${slope} MiB more each minute: ${memory}`);
  },
);
