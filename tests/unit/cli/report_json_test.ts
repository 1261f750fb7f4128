import { assertEquals } from "@std/assert";
import { JsonReporter } from "../../../src/cli/report_json.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { TransportError, UsageError } from "../../../src/errors.ts";
import { directory } from "../../support/trees.ts";
import { CHANGES, HOSTILE, SYNC_EVENTS, TOTALS } from "./events.ts";
import { FakeClock, FakeOutput } from "./fake_output.ts";

const TIME = "1970-01-01T00:00:01.000Z";

function printed(
  events: Parameters<JsonReporter["report"]>[0][],
): Record<string, unknown>[] {
  const output = new FakeOutput(80);
  const clock = new FakeClock();
  clock.time = 1_000;
  const reporter = new JsonReporter(output, clock);
  for (const event of events) reporter.report(event);
  assertEquals([output.messages, output.lives], [[], []]);
  return output.results.map((line) => JSON.parse(line));
}

Deno.test("JsonReporter tells a sync in one object per event", () => {
  const empty = { files: 0, directories: 0, symlinks: 0, bytes: 0 };
  assertEquals(
    printed([...SYNC_EVENTS]),
    [
      { event: "started", from: "src", to: "ws://h:1/" },
      {
        event: "retrying",
        attempt: 2,
        delayMs: 213,
        error: "Cannot connect to h:1",
      },
      { event: "connected", peer: "h:1", software: "lockstep 9" },
      { event: "scanned", side: "source", ...TOTALS },
      { event: "scanned", side: "target", ...empty },
      { event: "planned", round: 1, ...CHANGES },
      {
        event: "progress",
        files: 3,
        filesTotal: 15,
        bytes: 1_050_000,
        bytesTotal: 4_200_000,
        bytesPerSecond: 0,
        path: "b/c.txt",
      },
      {
        event: "problem",
        side: "target",
        path: `a/${HOSTILE}`,
        code: "failed",
        message: `Cannot write ${HOSTILE}`,
      },
      {
        event: "done",
        ...CHANGES,
        problems: 1,
        rounds: 2,
        seconds: 1.346,
        digest: "3f2a",
        sent: 4_300_000,
        received: 1_200,
      },
    ].map(({ event, ...fields }) => ({ event, time: TIME, ...fields })),
  );
});

Deno.test("JsonReporter tells a listener's life", () => {
  const error = new TransportError("it broke");
  assertEquals(
    printed([
      {
        kind: "listening",
        host: "127.0.0.1",
        port: 8080,
        url: "ws://127.0.0.1:8080",
        dir: "/d",
        asksForToken: true,
      },
      { kind: "warning", message: "mind the gap" },
      { kind: "waiting", peer: "p", error, waitMs: 60_000 },
      { kind: "turned-away", peer: "p", reason: "busy" },
      { kind: "receiving", received: { bytes: 1, seconds: 1 } },
      {
        kind: "ended",
        outcome: { kind: "partial", message: "2 left out" },
        received: { bytes: 4_300_000, seconds: 1.3456 },
      },
      { kind: "error", error, exit: 6 },
      { kind: "error", error: new UsageError("no"), exit: 2 },
      { kind: "error", error: new TypeError("a bug\n  here"), exit: 1 },
    ]).map(({ time, ...fields }) => {
      assertEquals(time, TIME);
      return fields;
    }),
    [
      {
        event: "listening",
        port: 8080,
        host: "127.0.0.1",
        url: "ws://127.0.0.1:8080",
        dir: "/d",
      },
      { event: "warning", message: "mind the gap" },
      { event: "waiting", peer: "p", waitMs: 60_000, error: "it broke" },
      { event: "turned-away", peer: "p", reason: "busy" },
      {
        event: "ended",
        outcome: "partial",
        message: "2 left out",
      },
      { event: "error", code: "connection-lost", message: "it broke", exit: 6 },
      { event: "error", code: "usage", message: "no", exit: 2 },
      { event: "error", code: "failed", message: "a bug here", exit: 1 },
    ],
  );
});

Deno.test("JsonReporter prints at most two progress events a second", () => {
  const output = new FakeOutput();
  const clock = new FakeClock();
  const reporter = new JsonReporter(output, clock);
  reporter.report({ kind: "planned", round: 1, totals: CHANGES });
  for (let i = 0; i < 1_000; i++) {
    clock.time = i * 10;
    reporter.report({ kind: "transfer", files: i, bytes: i, path: undefined });
  }
  assertEquals(output.results.length, 1 + 20);
});

Deno.test("JsonReporter tells what was renamed, and what would be", () => {
  const [from, to] = [parseRelPath(`a/${HOSTILE}`), parseRelPath("b")];
  const entry = directory();
  const events = printed([
    { kind: "moved", from, to },
    { kind: "move", move: { from, to, entry, parents: [] } },
  ]);
  assertEquals(
    events.map(({ time: _, ...fields }) => fields),
    [
      { event: "moved", from, to },
      {
        event: "action",
        path: to,
        action: "rename",
        kind: "directory",
        reason: "moved",
        from,
        bytes: 0,
      },
    ],
  );
});

Deno.test("JsonReporter names the target where there are several", () => {
  const output = new FakeOutput(80);
  const reporter = new JsonReporter(output, new FakeClock());
  const one = reporter.forTarget("ws://one");
  one.report({ kind: "started", from: "src", to: "ws://one" });
  one.report({
    kind: "target-failed",
    error: new TransportError("gone", "unreachable"),
    exit: 6,
  });
  one.report({
    kind: "moved",
    from: parseRelPath("a"),
    to: parseRelPath("b"),
  });
  reporter.report({ kind: "finished", targets: 2, done: 1, exit: 6 });
  assertEquals(
    output.results.map((line) => {
      const { time: _, ...fields } = JSON.parse(line);
      return fields;
    }),
    [
      { event: "started", to: "ws://one", from: "src" },
      {
        event: "failed",
        to: "ws://one",
        code: "unreachable",
        message: "gone",
        exit: 6,
      },
      { event: "moved", target: "ws://one", from: "a", to: "b" },
      { event: "finished", targets: 2, done: 1, exit: 6 },
    ],
  );
});
