import { assertEquals } from "@std/assert";
import { formatAction, formatMove } from "../../../src/cli/format_action.ts";
import type { DirectoryEntry, FileEntry } from "../../../src/core/entry.ts";
import type { Action, Reason } from "../../../src/core/plan.ts";
import { directory, file, path } from "../../support/trees.ts";

Deno.test("formatAction() says what, where, and why, with old and new values", () => {
  const table: [Action["action"], Action["kind"], string, Reason, string][] = [
    [
      "replace",
      "file",
      "a/b.txt",
      { kind: "size", from: 120, to: 1_133 },
      "replace  a/b.txt  (size: 120 -> 1,133 bytes)",
    ],
    ["create", "directory", "", { kind: "new" }, "create   ./  (new)"],
    [
      "delete",
      "directory",
      "a\nb",
      { kind: "extra" },
      'delete   "a\\nb"/  (extra)',
    ],
    [
      "touch",
      "file",
      "m",
      { kind: "mode", from: 0o7, to: 0o755 },
      "touch    m  (mode: 0007 -> 0755)",
    ],
    [
      "replace",
      "symlink",
      "l",
      { kind: "target", from: "a) (new", to: "\u202eb" },
      'replace  l  (target: "a) (new" -> "\\u202eb")',
    ],
    [
      "replace",
      "symlink",
      "k",
      { kind: "kind", from: "file", to: "symlink" },
      "replace  k  (kind: file -> symlink)",
    ],
    [
      "touch",
      "directory",
      "t",
      { kind: "time", from: -8.64e15, to: 1 },
      "touch    t/  (time: -271821-04-20 00:00:00.000Z -> 1970-01-01 00:00:00.001Z)",
    ],
    [
      "replace",
      "file",
      "c",
      { kind: "content" },
      "replace  c  (content: other digest)",
    ],
  ];
  for (const [action, kind, at, reason, expected] of table) {
    const shown = formatAction({
      path: path(at),
      action,
      kind,
      reason,
      bytes: 0,
      old: undefined,
      new: undefined,
    });
    assertEquals(shown, expected);
  }
});

Deno.test("formatMove() shows both paths, fit for a terminal", () => {
  const table: [string, string, DirectoryEntry | FileEntry, string][] = [
    ["a", "b/c", file(), "rename   a -> b/c  (moved at the source)"],
    ["d", "e", directory(), "rename   d/ -> e/  (moved at the source)"],
    [
      "\u202e",
      " x",
      file(),
      'rename   "\\u202e" -> " x"  (moved at the source)',
    ],
  ];
  for (const [from, to, entry, expected] of table) {
    const move = { from: path(from), to: path(to), entry, parents: [] };
    assertEquals(formatMove(move), expected);
  }
});
