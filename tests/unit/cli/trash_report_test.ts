import { assertEquals } from "@std/assert";
import {
  type TrashEvent,
  trashFields,
  trashLine,
} from "../../../src/cli/trash_report.ts";
import { stampOf } from "../../../src/fs/trash_stamp.ts";

const TIME = new Date("2026-11-21T00:51:07.123Z");
const FOLDER = { stamp: stampOf(TIME, 2), root: "/srv/a\nb", time: TIME };
const ORIGIN = {
  stamp: "2026-11-21T00-51-07.123Z-2",
  since: "2026-11-21T00:51:07.123Z",
  root: "/srv/a\nb",
};

const CASES: readonly [event: TrashEvent, text: string, fields: unknown][] = [
  [
    { kind: "folder", folder: FOLDER },
    '2026-11-21T00-51-07.123Z-2, from "/srv/a\\nb":',
    undefined,
  ],
  [
    { kind: "entry", folder: FOLDER, path: "d/f", node: "file", size: 1_200 },
    "  file        1.2 kB  d/f",
    ["trashed", { path: "d/f", kind: "file", size: 1_200, ...ORIGIN }],
  ],
  [
    { kind: "entry", folder: FOLDER, path: "d", node: "directory", size: 0 },
    "  directory           d",
    ["trashed", { path: "d", kind: "directory", size: 0, ...ORIGIN }],
  ],
  [
    { kind: "listed", entries: 1, bytes: 5 },
    "1 entry, 5 B",
    ["listed", { entries: 1, bytes: 5 }],
  ],
  [
    { kind: "listed", entries: 0, bytes: 0 },
    "There is nothing in the trash",
    ["listed", { entries: 0, bytes: 0 }],
  ],
  [
    {
      kind: "restored",
      folder: FOLDER,
      path: "d",
      node: "directory",
      to: "/x",
    },
    "Restored d in /x",
    ["restored", {
      path: "d",
      kind: "directory",
      to: "/x",
      stamp: ORIGIN.stamp,
    }],
  ],
  [
    { kind: "left-out", path: "d", message: "It is there" },
    "Left out: d: It is there",
    ["left-out", { path: "d", message: "It is there" }],
  ],
  [
    { kind: "removed", folder: FOLDER },
    'Removed 2026-11-21T00-51-07.123Z-2, from "/srv/a\\nb"',
    ["removed", ORIGIN],
  ],
  [
    { kind: "restore-done", count: 2, leftOut: 1 },
    "2 restored, 1 left out",
    ["restore-done", { count: 2, leftOut: 1 }],
  ],
  [
    { kind: "empty-done", count: 1, leftOut: 0 },
    "1 folder removed",
    ["empty-done", { count: 1, leftOut: 0 }],
  ],
];

Deno.test("what happens in a trash is told in words and in fields", () => {
  for (const [event, text, fields] of CASES) {
    const isProblem = event.kind === "left-out";
    assertEquals(trashLine(event), { text, isProblem });
    assertEquals(trashFields(event), fields);
  }
});
