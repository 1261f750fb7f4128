/** How long an edit takes from one client of a hub to another one. */
import { HubClients } from "../support/hub_clients.ts";
import { Random } from "../support/random.ts";

const FILE_BYTES = 1_024;
const FILES_PER_DIRECTORY = 100;

/** Between two edits, so that each is alone. */
const ALONE_MS = 200;

const DEADLINE_MS = 30_000;

/**
 * Rewrites one of `files` files again and again in the directory of a client that
 * goes on, and waits each time until another client's has it: milliseconds, in order.
 */
export async function editLatencies(
  files: number,
  edits: number,
): Promise<readonly number[]> {
  await using all = await HubClients.begin({ a: {}, b: {} });
  const random = new Random(2);
  const pathOf = (i: number): string =>
    `d${Math.floor(i / FILES_PER_DIRECTORY)}/f${i}`;
  for (let i = 0; i < files; i++) {
    if (i % FILES_PER_DIRECTORY === 0) {
      Deno.mkdirSync(all.at("a", `d${i / FILES_PER_DIRECTORY}`));
    }
    Deno.writeFileSync(all.at("a", pathOf(i)), random.bytes(FILE_BYTES));
  }
  await using one = await all.hold("a");
  await using other = await all.hold("b");
  const times: number[] = [];
  // The first ones only make all warm.
  for (let i = -5; i < edits; i++) {
    await pause(ALONE_MS + random.below(100));
    const path = pathOf(Math.abs(i * 997) % files);
    const bytes = random.bytes(FILE_BYTES);
    const since = performance.now();
    Deno.writeFileSync(all.at("a", path), bytes);
    await seen(all.at("b", path), bytes);
    if (i >= 0) times.push(performance.now() - since);
  }
  await one.end();
  await other.end();
  return times.sort((a, b) => a - b);
}

/** The thread sleeps in between, for timers are too coarse. */
async function seen(path: string, bytes: Uint8Array): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (let i = 1; !holds(path, bytes); i++) {
    if (performance.now() > deadline) {
      throw new Error(`${path}: not in ${DEADLINE_MS / 1_000} s`);
    }
    Atomics.wait(SLEEP, 0, 0, 0.3);
    if (i % 100 === 0) await pause(0);
  }
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

function holds(path: string, bytes: Uint8Array): boolean {
  const found = Deno.readFileSync(path);
  return found.length === bytes.length &&
    found.every((it, i) => it === bytes[i]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
