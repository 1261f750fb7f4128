import { assertEquals } from "@std/assert";
import type { ChangeTotals } from "../../../src/core/change.ts";
import type { Conflict } from "../../../src/core/conflict.ts";
import { twoWayFields, twoWayLine } from "../../../src/cli/two_way_report.ts";
import { file, path } from "../../support/trees.ts";

const NONE: ChangeTotals = {
  created: 0,
  replaced: 0,
  touched: 0,
  deleted: 0,
  moved: 0,
  files: 0,
  bytes: 0,
};
const AT = path("d/a.txt");
const CONFLICT: Conflict = {
  path: AT,
  alpha: { path: AT, old: undefined, new: file() },
  beta: { path: AT, old: undefined, new: file() },
  winner: "alpha",
  copies: [path("d/copy.txt")],
};

function lineOf(conflict: Partial<Conflict>): string {
  const event = { ...CONFLICT, ...conflict };
  return twoWayLine({ kind: "conflict", conflict: event }).text;
}

Deno.test("a conflict is told with who wins, and where the other version is", () => {
  const both = "Conflict at d/a.txt: both sides changed it; ";
  assertEquals(
    lineOf({}),
    `${both}alpha (--from) wins, and the version of beta (--to) is kept as d/copy.txt`,
  );
  assertEquals(
    lineOf({ winner: "none", copies: [path("x"), path("y")] }),
    `${both}both versions are kept, as x and y`,
  );
  assertEquals(
    lineOf({ winner: undefined, copies: [] }),
    `${both}it is left as it is on both`,
  );
  assertEquals(
    lineOf({ winner: undefined, copies: [], reason: "lack of room" }),
    `${both}it is left as it is on both, for lack of room`,
  );
});

Deno.test("the end is told with what was done at each side", () => {
  const summary = {
    changes: { alpha: { ...NONE, created: 2 }, beta: { ...NONE, deleted: 1 } },
    totals: { directories: 1, files: 2, symlinks: 0, bytes: 3 },
    digest: "ab".repeat(32),
    rounds: 2,
    conflicts: [CONFLICT, { ...CONFLICT, winner: undefined }],
    problems: [],
  };
  const event = {
    kind: "done",
    summary,
    seconds: 1.5,
    wire: undefined,
  } as const;
  assertEquals(
    twoWayLine(event).text,
    "Done in 1.5s, at alpha (--from): 2 created; at beta (--to): 1 deleted; " +
      "2 conflicts, 1 left to you",
  );
  const [name, fields] = twoWayFields(event);
  assertEquals(name, "done");
  assertEquals([fields.conflicts, fields.open, fields.rounds], [2, 1, 2]);
  const changes = { alpha: NONE, beta: NONE };
  const idle = { ...summary, changes, conflicts: [] };
  assertEquals(
    twoWayLine({ ...event, summary: idle }).text,
    "Nothing to do in 1.5s: 2 files, 1 directory, 3 B",
  );
});
