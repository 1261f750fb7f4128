import { assertEquals } from "@std/assert";
import {
  endOfWatch,
  type WatchState,
} from "../../../src/cli/commands/watch_end.ts";
import { EXIT } from "../../../src/cli/exit_code.ts";
import type { ProblemCode } from "../../../src/core/problem.ts";
import { FileSystemError, GuardError } from "../../../src/errors.ts";
import { path } from "../../support/trees.ts";

const WELL: WatchState = {
  halted: undefined,
  lost: undefined,
  failure: undefined,
  problems: [],
};

const HALTED = new GuardError("too much");
const FAILURE = new FileSystemError("not-found", "cannot");

function left(...codes: readonly ProblemCode[]): WatchState["problems"] {
  return codes.map((code) => ({
    problem: { path: path("a"), code, message: code },
  }));
}

/** How things stand, what is said of it, and with what the command ends. */
const CASES: readonly [string, Partial<WatchState>, string, string, number][] =
  [
    ["all is well", {}, "done", "", EXIT.done],
    [
      "only what is being written to is left",
      { problems: left("stale") },
      "done",
      "",
      EXIT.done,
    ],
    [
      "one path is left",
      { problems: left("stale", "blocked") },
      "partial",
      "1 path left out",
      EXIT.partial,
    ],
    [
      "a two-way watch has conflicts left",
      { problems: left("blocked"), conflicts: 2 },
      "partial",
      "1 paths left out, 2 conflicts left",
      EXIT.partial,
    ],
    [
      "a two-way watch has left nothing",
      { conflicts: 0 },
      "done",
      "",
      EXIT.done,
    ],
    [
      "the last try failed",
      { failure: FAILURE, problems: left("blocked") },
      "failed",
      "cannot",
      EXIT.failed,
    ],
    [
      "the source is gone",
      { lost: "the source", failure: FAILURE },
      "failed",
      "the source is not there",
      EXIT.failed,
    ],
    [
      "it stands still",
      { halted: HALTED, lost: "the source", failure: FAILURE },
      "halted",
      "too much",
      EXIT.halted,
    ],
  ];

for (const [name, state, kind, message, exit] of CASES) {
  Deno.test(`endOfWatch() where ${name}`, () => {
    const end = endOfWatch({ ...WELL, ...state });
    assertEquals(end.exit, exit);
    assertEquals(end.outcome.kind, kind);
    assertEquals(end.outcome.message, message);
  });
}
