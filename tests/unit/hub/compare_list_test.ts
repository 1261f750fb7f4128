import { assertEquals } from "@std/assert";
import { parseRelPath } from "../../../src/core/path.ts";
import { actionAt, type PathState } from "../../../src/hub/compare_list.ts";
import type { HubRecord, RecordKind } from "../../../src/hub/record.ts";

const HERE = "a".repeat(64);
const THERE = "b".repeat(64);
const BOTH = "c".repeat(64);

function record(
  path: string,
  revision: number,
  kind: RecordKind = "file",
  digest = THERE,
): HubRecord {
  return {
    revision,
    path: parseRelPath(path),
    kind,
    size: 1,
    mtime: 0,
    mode: 0o644,
    digest: kind === "file" ? digest : undefined,
    target: undefined,
    time: 0,
    client: "x",
    operation: "upload",
    changeSet: revision,
  };
}

const CASES: [
  title: string,
  state: Partial<PathState>,
  expected: ReturnType<typeof actionAt>,
][] = [
  ["nothing anywhere", {}, { kind: "nothing" }],
  ["new at the client", { here: { digest: HERE, base: 0 } }, {
    kind: "send",
    base: 0,
  }],
  ["new at the hub", { there: record("f", 3) }, { kind: "fetch" }],
  ["equal, though nobody knew", {
    here: { digest: THERE, base: 0 },
    there: record("f", 3),
  }, { kind: "nothing" }],
  ["both new and different", {
    here: { digest: HERE, base: 0 },
    there: record("f", 3),
  }, { kind: "conflict" }],
  ["edited at the client", {
    here: { digest: HERE, base: 3 },
    there: record("f", 3),
    ancestor: THERE,
  }, { kind: "send", base: 3 }],
  ["edited at the hub", {
    here: { digest: HERE, base: 2 },
    there: record("f", 3),
    ancestor: HERE,
  }, { kind: "fetch" }],
  ["edited at both", {
    here: { digest: HERE, base: 2 },
    there: record("f", 3),
    ancestor: BOTH,
  }, { kind: "conflict" }],
  ["edited, and the version before is gone", {
    here: { digest: HERE, base: 2 },
    there: record("f", 3),
  }, { kind: "conflict" }],
  ["deleted at the hub", {
    here: { digest: HERE, base: 2 },
    there: record("f", 3, "deleted"),
    ancestor: HERE,
  }, { kind: "delete" }],
  ["deleted at the hub, edited at the client", {
    here: { digest: HERE, base: 2 },
    there: record("f", 3, "deleted"),
    ancestor: BOTH,
  }, { kind: "send", base: 0 }],
  ["deleted at the hub, and the version before is gone", {
    here: { digest: HERE, base: 2 },
    there: record("f", 3, "deleted"),
  }, { kind: "send", base: 0 }],
  ["deleted at the client", { deleted: 3, there: record("f", 3) }, {
    kind: "remove",
    base: 3,
  }],
  ["deleted at the client, edited at the hub", {
    deleted: 2,
    there: record("f", 3),
  }, { kind: "fetch" }],
  ["deleted at both", { deleted: 2, there: record("f", 3, "deleted") }, {
    kind: "nothing",
  }],
  ["a directory at the hub", {
    here: { digest: HERE, base: 0 },
    there: record("f", 3, "directory"),
  }, { kind: "conflict" }],
];

Deno.test("actionAt() deletes nothing where it is not known what was there before", () => {
  for (const [title, state, expected] of CASES) {
    const whole: PathState = {
      path: parseRelPath("f"),
      here: undefined,
      deleted: undefined,
      there: undefined,
      ancestor: undefined,
      ...state,
    };
    assertEquals(actionAt(whole), expected, title);
  }
});
