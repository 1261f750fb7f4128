import { assert, assertEquals } from "@std/assert";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import type { RelPath } from "../../../src/core/path.ts";
import { withDigests } from "../../../src/core/apply_changes.ts";
import { TreeEdit } from "../../../src/core/edit_tree.ts";
import {
  decodeAncestor,
  encodeAncestor,
} from "../../../src/session/ancestor_codec.ts";
import {
  applyLog,
  encodeLogHeader,
  encodeLogStep,
} from "../../../src/session/ancestor_log.ts";
import type { AncestorRecord } from "../../../src/session/pairing.ts";
import { Random } from "../../support/random.ts";
import { directory, file, symlink } from "../../support/trees.ts";
import { joined } from "../../support/wire_message.ts";

const PATHS = ["a", "b", "d/x", "d/y", "d/e/f", "d/e", "d", "ü"] as RelPath[];

/** What a file of it brings back: without what an ancestor does not keep. */
function kept(record: AncestorRecord): AncestorRecord {
  const pieces = Array.from(encodeAncestor(record), (piece) => piece.toHex());
  return decodeAncestor(Uint8Array.fromHex(pieces.join("")));
}

function recordOf(ancestor: DirectoryEntry, number: number): AncestorRecord {
  const token = `${number}`.padStart(32, "0");
  return { alphaId: "a".repeat(32), betaId: "b".repeat(32), token, ancestor };
}

function whole(root: DirectoryEntry): DirectoryEntry {
  return withDigests(root, true);
}

function edited(root: DirectoryEntry, random: Random): DirectoryEntry {
  const edit = new TreeEdit(root, true);
  for (let i = random.between(1, 4); i > 0; i--) {
    const path = random.pick(PATHS);
    const mtime = 1e12 + random.below(1_000);
    const digest = `${random.below(10)}`.repeat(64);
    switch (random.below(6)) {
      case 0:
        edit.remove(path);
        break;
      case 1:
        edit.adjust("d" as RelPath, { mode: 0o700 + random.below(8), mtime });
        break;
      case 2:
        edit.adjust("" as RelPath, { mode: 0o755, mtime });
        break;
      case 3:
        edit.put(
          path,
          whole(directory({ x: file({ digest, mtime }) }, { mtime })),
        );
        break;
      case 4:
        edit.put(path, symlink(`${mtime}`));
        break;
      default:
        edit.put(path, file({ digest, mtime, size: random.below(5) }));
    }
  }
  return edit.finish();
}

Deno.test("a log brings an ancestor to where its last whole step was, wherever it is cut off", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const base = recordOf(
      whole(directory({ d: directory({ e: directory({}) }) })),
      0,
    );
    const records = [base];
    const parts = [encodeLogHeader(base.token)];
    const ends = [parts[0]!.length];
    for (let number = 1; number <= 8; number++) {
      const before = records.at(-1)!;
      const after = recordOf(edited(before.ancestor, random), number);
      const step = encodeLogStep(before, after);
      records.push(after);
      parts.push(step);
      ends.push(ends.at(-1)! + step.length);
    }
    const log = joined(...parts);
    for (let length = 0; length <= log.length; length += 7) {
      const whole = ends.findLastIndex((end) => end <= length);
      const found = applyLog(kept(base), log.subarray(0, length));
      const expected = kept(records[Math.max(0, whole)]!);
      assertEquals(found.token, expected.token, `seed ${seed}, ${length}`);
      assertEquals(kept(found), expected, `seed ${seed}, ${length} bytes`);
    }
    assertEquals(kept(applyLog(kept(base), log)), kept(records.at(-1)!));
  }
});

Deno.test("a log that is damaged ends where it is, and one of another ancestor counts for nothing", () => {
  const base = recordOf(
    whole(directory({ a: file({ digest: "1".repeat(64) }) })),
    0,
  );
  const next = recordOf(edited(base.ancestor, new Random(1)), 1);
  const step = encodeLogStep(base, next);
  const log = joined(encodeLogHeader(base.token), step);
  for (let at = 0; at < log.length; at++) {
    const damaged = log.slice();
    damaged[at]! ^= 4;
    assertEquals(applyLog(kept(base), damaged).token, base.token, `${at}`);
  }
  const other = joined(encodeLogHeader(next.token), step);
  assertEquals(applyLog(kept(base), other), kept(base));
  assert(step.length < 400);
});
