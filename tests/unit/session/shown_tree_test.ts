import { assertEquals, assertThrows } from "@std/assert";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import type { Snapshot } from "../../../src/core/snapshot.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { totalsOfTree } from "../../../src/hub/tree.ts";
import { ShownTree } from "../../../src/session/shown_tree.ts";
import { directory, file } from "../../support/trees.ts";

function scanOf(root: DirectoryEntry): Snapshot {
  return { root, totals: totalsOfTree(root), problems: [] };
}

Deno.test("ShownTree has nothing to ask for before a scan", () => {
  const shown = new ShownTree();
  assertThrows(() => shown.snapshot, ProtocolError, "before a scan");
  assertThrows(() => shown.requireScan(), ProtocolError, "before a scan");
  assertEquals(shown.announced, []);
});

Deno.test("ShownTree announces the root of what was scanned", () => {
  const shown = new ShownTree();
  const scanned = scanOf(directory({ a: file() }));
  shown.show(scanned, false);
  assertEquals(shown.snapshot, scanned);
  assertEquals(shown.announced, [scanned.root]);
  assertEquals(shown.modes, false);
});

Deno.test("ShownTree is unknown while it is changed, and keeps what was announced", () => {
  const shown = new ShownTree();
  const before = scanOf(directory({ a: file() }));
  const after = scanOf(directory({}));
  shown.show(before, true);
  shown.forget();
  assertThrows(() => shown.requireScan(), ProtocolError);
  shown.become(after);
  assertEquals(shown.snapshot, after);
  assertEquals(shown.announced, [before.root]);
});
