/** Every promise about a mirror holds over the socket and between directories. */
import { assertEquals } from "@std/assert";
import { type ChangeTotals, NO_CHANGES } from "../../src/core/change.ts";
import { type Ended, listen, type ProgramOptions, sync } from "./program.ts";

/** A way from a source to a target. */
export interface Carrier {
  readonly name: string;
  /** Runs a whole `sync`; the receiver, where there is one, ends well too. */
  mirror(
    source: string,
    target: string,
    args?: readonly string[],
    options?: ProgramOptions,
  ): Promise<Ended>;
}

export const CARRIERS: readonly Carrier[] = [
  {
    name: "over WebSocket",
    async mirror(source, target, args, options): Promise<Ended> {
      await using receiver = await listen(target, [], options);
      const ended = await sync(source, receiver.url, args, options);
      // A sender that found nothing to connect for leaves the receiver waiting.
      if (ended.code === 0 || ended.code === 3) {
        const received = await receiver.ended;
        assertEquals(received.code, ended.code, received.stderr);
      }
      return ended;
    },
  },
  {
    name: "between directories",
    async mirror(source, target, args, options): Promise<Ended> {
      return await sync(source, target, args, options);
    },
  },
];

/** Fails unless the run ended with `code`; shows what the program said. */
export function assertEnded(ended: Ended, code = 0): void {
  if (ended.code === code) return;
  const problems = ended.events.filter(({ event }) =>
    event === "problem" || event === "error"
  );
  throw new Error(
    `Exit ${ended.code} ${ended.signal ?? ""}, not ${code}: ${ended.stderr}\n` +
      problems.slice(0, 10).map((event) => JSON.stringify(event)).join("\n"),
  );
}

/** The numbers of the last `done` event. */
export function summaryOf(ended: Ended): Summary {
  const done = ended.events.findLast(({ event }) => event === "done");
  if (done === undefined) throw new Error(`No event "done": ${ended.stdout}`);
  return done as unknown as Summary;
}

/** What `done` says. */
export interface Summary extends ChangeTotals {
  readonly problems: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly digest: string;
  readonly sent: number;
  readonly received: number;
}

/** Fails unless the run found nothing to do. */
export function assertIdle(ended: Ended): void {
  assertEnded(ended);
  const { created, replaced, touched, deleted, moved, files, bytes } =
    summaryOf(
      ended,
    );
  assertEquals(
    { created, replaced, touched, deleted, moved, files, bytes },
    NO_CHANGES,
  );
}

/** The paths of the `problem` events, sorted. */
export function problemPaths(ended: Ended): string[] {
  return ended.events
    .filter(({ event }) => event === "problem")
    .map(({ path }) => String(path))
    .sort();
}
