import { assert, assertEquals } from "@std/assert";
import type { CommandEvent } from "../../../src/cli/events.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { TextReporter } from "../../../src/cli/report_text.ts";
import type { Outcome } from "../../../src/core/outcome.ts";
import { TransportError } from "../../../src/errors.ts";
import { CHANGES, PROBLEM, SYNC_EVENTS, TOTALS } from "./events.ts";
import { FakeClock, FakeOutput } from "./fake_output.ts";

function report(
  events: readonly CommandEvent[],
  options: { quiet?: boolean; verbose?: boolean; columns?: number } = {},
): FakeOutput {
  const { quiet = false, verbose = false, columns } = options;
  const output = new FakeOutput(columns);
  const clock = new FakeClock();
  const reporter = new TextReporter(output, clock, { quiet, verbose });
  for (const event of events) {
    reporter.report(event);
    clock.time += 1_000;
  }
  return output;
}

const LEFT_OUT = "lockstep: Left out at the target: " +
  '"a/\\u001b]0;owned\\u0007\\n\\u202egnp.exe": ';
const SUMMARY =
  "Done in 1.3s: 12 created, 3 replaced, 1 deleted (15 files, 4.2 MB); " +
  "1 path left out";

Deno.test("TextReporter prints plain lines without a terminal", () => {
  const { results, messages, lives } = report(SYNC_EVENTS);
  assertEquals(results, [SUMMARY]);
  assertEquals(messages.slice(0, -1), [
    "Syncing src to ws://h:1/",
    "Trying again in 213ms: Cannot connect to h:1",
    "Plan: 12 created, 3 replaced, 1 deleted (15 files, 4.2 MB)",
  ]);
  assert(messages.at(-1)!.startsWith(LEFT_OUT), messages.at(-1));
  assertEquals(lives, []);
});

Deno.test("TextReporter shows a live line on a terminal", () => {
  const { results, messages, lives } = report(SYNC_EVENTS, { columns: 60 });
  assertEquals(results, [SUMMARY]);
  assertEquals(messages.length, 2);
  assertEquals(lives, [
    "Trying again in 213ms: Cannot connect to h:1",
    "Scanning: 10,000 at the source",
    " 25%  3/15 files  1.05 MB/4.2 MB  1.05 MB/s  ETA 3s",
    "Putting everything in place",
  ]);
});

Deno.test("TextReporter, quiet, prints only what went wrong", () => {
  for (const columns of [undefined, 80]) {
    const { results, messages, lives } = report(SYNC_EVENTS, {
      quiet: true,
      ...(columns && { columns }),
    });
    assertEquals([results, lives, messages.length], [[], [], 1]);
    assert(messages[0]!.startsWith(LEFT_OUT), messages[0]);
  }
});

Deno.test("TextReporter, verbose, tells also scans, tries and bytes", () => {
  const { messages } = report(SYNC_EVENTS, { verbose: true, columns: 80 });
  assertEquals(messages.filter((line) => !line.startsWith("lockstep:")), [
    "Syncing src to ws://h:1/",
    "Trying again in 213ms: Cannot connect to h:1 (try 2)",
    "Connected to h:1 (lockstep 9)",
    "Scanned source: 20,000 files, 340 directories, 3 symlinks, 81.9 MB",
    "Scanned target: 0 files, 0 directories, 0 B",
    "Plan: 12 created, 3 replaced, 1 deleted (15 files, 4.2 MB)",
    "4.3 MB sent, 1.2 kB received",
    "2 rounds, digest 3f2a",
  ]);
});

Deno.test("TextReporter, verbose, tells once what was renamed", () => {
  const from = parseRelPath("a");
  const to = parseRelPath("b\u202e");
  const moved = { kind: "moved", from, to } as const;
  const operation = {
    kind: "operation",
    entry: {
      name: "move",
      from,
      path: to,
      kind: "directory",
      file: undefined,
      digest: undefined,
      carried: false,
      time: new Date(0),
    },
  } as const;
  const { messages, results } = report([moved, operation], { verbose: true });
  assertEquals([...messages, ...results], [
    '1970-01-01T00:00:00.000Z move - "a" -> "b\\u202e"',
  ]);
  assertEquals(report([moved]).messages, []);
});

Deno.test("TextReporter says so when there was nothing to do", () => {
  const { results } = report([{
    kind: "done",
    summary: {
      changes: {
        created: 0,
        replaced: 0,
        touched: 0,
        deleted: 0,
        moved: 0,
        files: 0,
        bytes: 0,
      },
      totals: TOTALS,
      digest: "3f2a",
      rounds: 1,
      problems: [],
    },
    seconds: 0.2,
    wire: undefined,
  }]);
  assertEquals(results, [
    "Nothing to do in 200ms: 20,000 files, 340 directories, 3 symlinks, 81.9 MB",
  ]);
});

Deno.test("TextReporter tells a listener's life", () => {
  const error = new TransportError("The connection to p was lost");
  const received = { bytes: 4_300_000, seconds: 1.3456 };
  const ended = (kind: Outcome["kind"], message = ""): CommandEvent => {
    return { kind: "ended", received, outcome: { kind, message } };
  };
  const { results, messages } = report([
    {
      kind: "listening",
      host: "127.0.0.1",
      port: 8080,
      url: "ws://127.0.0.1:8080",
      dir: "/d",
      asksForToken: false,
    },
    { kind: "warning", message: "mind the gap" },
    { kind: "connected", peer: "p", software: "lockstep 9" },
    { kind: "waiting", peer: "p", error, waitMs: 60_000 },
    { kind: "turned-away", peer: "q", reason: "busy" },
    ended("done"),
    ended("partial", "2 left out"),
    ended("halted", "empty"),
    ended("interrupted"),
    ended("failed", "disk"),
  ]);
  assertEquals(results, [
    "Listening on ws://127.0.0.1:8080, writing to /d",
    "Send to it with: lockstep sync --from <DIR> --to ws://127.0.0.1:8080",
    "Received 4.3 MB in 1.3s",
    "Received 4.3 MB in 1.3s; some paths were left out: 2 left out",
  ]);
  assertEquals(messages, [
    "lockstep: mind the gap",
    "lockstep: The connection to p was lost; waiting 1m for the sender to " +
    "come back",
    "Turned q away: busy",
    "lockstep: The sender stopped for safety: empty",
    "lockstep: The sender was interrupted",
    "lockstep: The sender failed: disk",
  ]);
});

Deno.test("TextReporter says how to send where a token is asked for", () => {
  const { results } = report([{
    kind: "listening",
    host: "127.0.0.1",
    port: 8080,
    url: "wss://127.0.0.1:8080",
    dir: "/d",
    asksForToken: true,
  }]);
  assertEquals(
    results[1],
    "Send to it with: lockstep sync --from <DIR> --to wss://127.0.0.1:8080 " +
      "--token-file <FILE>",
  );
});

Deno.test("TextReporter draws at most ten live lines a second, and prints a line each 5 s", () => {
  const count = (columns?: number): FakeOutput => {
    const output = new FakeOutput(columns);
    const clock = new FakeClock();
    const reporter = new TextReporter(output, clock, {
      quiet: false,
      verbose: false,
    });
    reporter.report({ kind: "planned", round: 1, totals: CHANGES });
    for (let i = 0; i < 2_000; i++) {
      clock.time = i * 10;
      reporter.report({
        kind: "transfer",
        files: i,
        bytes: i,
        path: undefined,
      });
    }
    return output;
  };
  assertEquals(count(80).lives.length, 200);
  assertEquals(count(80).messages.length, 0);
  assertEquals(count().messages.length, 1 + 3);
});

Deno.test("TextReporter keeps hostile names off the terminal", () => {
  const { messages } = report([{ kind: "problem", ...PROBLEM }]);
  // The message itself is made safe where it is written, see output.ts.
  assert(messages[0]!.startsWith(LEFT_OUT), messages[0]);
});

Deno.test("TextReporter says what was removed, or would be, of what was staged", () => {
  const cleaned = (files: number, dryRun: boolean): CommandEvent => {
    return { kind: "cleaned", files, bytes: 2_100_000, dryRun };
  };
  const { results } = report([
    cleaned(1, false),
    cleaned(1_200, true),
    cleaned(0, false),
  ]);
  assertEquals(results, [
    "Removed 1 staged file, 2.1 MB",
    "Would remove 1,200 staged files, 2.1 MB",
    "There is nothing to remove",
  ]);
});

Deno.test("TextReporter begins lines with the target where there are several", () => {
  const output = new FakeOutput(80);
  const reporter = new TextReporter(output, new FakeClock(), {
    quiet: false,
    verbose: false,
  });
  for (const event of SYNC_EVENTS) {
    reporter.forTarget("ws://h:1/").report(event);
  }
  reporter.report({ kind: "finished", targets: 3, done: 2, exit: 3 });
  assertEquals(output.results, [
    `ws://h:1/: ${SUMMARY}`,
    "2 of 3 targets done",
  ]);
  assert(output.messages.length > 0);
  for (const message of output.messages) {
    assert(message.startsWith("ws://h:1/: "), message);
  }
  assertEquals(output.lives, []);
});
