import { assertEquals } from "@std/assert";
import { formatAction } from "../../../src/cli/format_action.ts";
import type { Action, Reason } from "../../../src/core/plan.ts";
import { path } from "../../support/trees.ts";

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
