import { assertEquals } from "@std/assert";
import type { CommandEvent } from "../../../src/cli/events.ts";
import { JsonReporter } from "../../../src/cli/report_json.ts";
import { TextReporter } from "../../../src/cli/report_text.ts";
import { NO_CHANGES } from "../../../src/core/change.ts";
import { ROOT } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { path } from "../../support/trees.ts";
import { CHANGES, HOSTILE, PROBLEM, TOTALS } from "./events.ts";
import { FakeClock, FakeOutput } from "./fake_output.ts";

const SUMMARY = { totals: TOTALS, digest: "3f2a", rounds: 1 };
const DIGEST = "5".repeat(64);
const TIME = new Date(1_000);

const EVENTS: readonly CommandEvent[] = [
  {
    kind: "operation",
    entry: { time: TIME, name: "create", digest: DIGEST, path: path(HOSTILE) },
  },
  {
    kind: "operation",
    entry: {
      time: TIME,
      name: "move",
      digest: undefined,
      path: ROOT,
      from: path("a"),
    },
  },
  {
    kind: "synced",
    round: 2,
    summary: { ...SUMMARY, changes: CHANGES, problems: [PROBLEM] },
    seconds: 0.0304,
    trashed: 1,
  },
  {
    kind: "synced",
    round: 3,
    summary: { ...SUMMARY, changes: NO_CHANGES, problems: [] },
    seconds: 0.001,
  },
  {
    kind: "paused",
    round: 4,
    error: new FileSystemError("not-found", "Cannot open it"),
  },
  { kind: "hook-output", line: "it\x1b" },
  { kind: "stopped", rounds: 3, exit: 1 },
];

function report(options: { quiet?: boolean } = {}): FakeOutput {
  const output = new FakeOutput();
  const all = { quiet: false, verbose: false, ...options };
  const reporter = new TextReporter(output, new FakeClock(), all);
  for (const event of EVENTS) reporter.report(event);
  return output;
}

const MESSAGES = [
  "lockstep: Round 4 was not possible, trying on: Cannot open it",
  "hook: it\x1b",
];

Deno.test("TextReporter tells operations, and rounds in a line each", () => {
  const { results, messages } = report();
  assertEquals(results, [
    `1970-01-01T00:00:01.000Z create ${DIGEST} ` +
    '"\\u001b]0;owned\\u0007\\n\\u202egnp.exe"',
    '1970-01-01T00:00:01.000Z move - "a" -> "."',
    "Round 2 in 30ms: 12 created, 3 replaced, 1 deleted (15 files, 4.2 MB), " +
    "1 entry to the trash; 1 path left out",
    "Round 3 in 1ms: nothing to do",
  ]);
  assertEquals(messages, [...MESSAGES, "Stopped after 3 rounds"]);
});

Deno.test("TextReporter, quiet, tells of a loop only what goes wrong, and what hooks print", () => {
  const { results, messages } = report({ quiet: true });
  assertEquals([results, messages], [[], MESSAGES]);
});

Deno.test("JsonReporter tells operations and rounds with all their fields", () => {
  const output = new FakeOutput();
  const reporter = new JsonReporter(output, new FakeClock());
  for (const event of EVENTS) reporter.report(event);
  assertEquals(output.messages, ["hook: it\x1b"]);
  const time = "1970-01-01T00:00:00.000Z";
  const at = "1970-01-01T00:00:01.000Z";
  const synced = { event: "synced", time, digest: "3f2a" };
  assertEquals(output.results.map((line) => JSON.parse(line)), [
    {
      event: "operation",
      time: at,
      op: "create",
      digest: DIGEST,
      path: HOSTILE,
    },
    {
      event: "operation",
      time: at,
      op: "move",
      digest: null,
      path: "",
      from: "a",
    },
    { ...synced, round: 2, ...CHANGES, problems: 1, seconds: 0.03, trashed: 1 },
    { ...synced, round: 3, ...NO_CHANGES, problems: 0, seconds: 0.001 },
    {
      event: "paused",
      time,
      round: 4,
      code: "not-found",
      message: "Cannot open it",
    },
    { event: "stopped", time, rounds: 3, exit: 1 },
  ]);
});
