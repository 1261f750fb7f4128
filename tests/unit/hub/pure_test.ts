import { assertEquals, assertThrows } from "@std/assert";
import { decodeRecipe, encodeRecipe } from "../../../src/hub/recipe_blob.ts";
import { recipeOf } from "../../../src/content/recipe.ts";
import {
  MAX_NAME_BYTES,
  nameOf,
  parseRelPath,
} from "../../../src/core/path.ts";
import { IntegrityError, UnsafePathError } from "../../../src/errors.ts";
import { actionAt, type PathState } from "../../../src/hub/compare_list.ts";
import { conflictCopyOf } from "../../../src/hub/conflict_copy.ts";
import { catchUp, lagOf } from "../../../src/hub/journal.ts";
import { HttpProblem } from "../../../src/hub/problem.ts";
import { rangeOf } from "../../../src/hub/range.ts";
import type { HubRecord, RecordKind } from "../../../src/hub/record.ts";
import {
  checkReplacedPath,
  pathInUrl,
  rawPathOf,
} from "../../../src/hub/request_path.ts";
import { mayGo } from "../../../src/hub/retention.ts";
import { Random } from "../../support/random.ts";

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

Deno.test("catchUp() tells what somebody has missed, and when that can't be known", () => {
  const state = { head: 10, horizon: 4 };
  assertEquals(catchUp(10, state), { kind: "nothing" });
  assertEquals(catchUp(9, state), { kind: "changes", after: 9 });
  assertEquals(catchUp(4, state), { kind: "changes", after: 4 });
  assertEquals(catchUp(3, state), { kind: "everything", reason: "too-old" });
  assertEquals(catchUp(11, state), {
    kind: "everything",
    reason: "from-future",
  });
  assertEquals(catchUp(0, { head: 0, horizon: 0 }), { kind: "nothing" });
  assertEquals([lagOf(3, 10), lagOf(11, 10)], [7, 0]);
});

Deno.test("J12: a version goes when it is old, and not one of the newest of a file that exists", () => {
  const retention = { versions: 2, ageMs: 100 };
  const goes = (newer: number, replaced: number, exists: boolean): boolean =>
    mayGo({ newer, replaced, exists }, retention, 1_000);
  assertEquals(goes(3, 900, true), true);
  assertEquals(goes(3, 901, true), false);
  assertEquals(goes(2, 0, true), false);
  assertEquals(goes(1, 900, false), true);
  assertEquals(goes(9, 901, false), false);
});

const RANGES: [string | undefined, number, ReturnType<typeof rangeOf>][] = [
  [undefined, 10, undefined],
  ["bytes=0-0", 10, { start: 0, end: 1 }],
  ["bytes=2-", 10, { start: 2, end: 10 }],
  ["bytes=2-99", 10, { start: 2, end: 10 }],
  ["bytes=-3", 10, { start: 7, end: 10 }],
  ["bytes=-99", 10, { start: 0, end: 10 }],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=5-2", 10, undefined],
  ["bytes=-", 10, undefined],
  ["bytes=0-1,3-4", 10, undefined],
  ["lines=0-1", 10, undefined],
  ["bytes=1e3-", 10, undefined],
  [`bytes=${"9".repeat(40)}-`, 10, undefined],
];

Deno.test("rangeOf() reads one range, and takes anything else for none", () => {
  for (const [header, size, expected] of RANGES) {
    assertEquals(rangeOf(header, size), expected, header);
  }
});

Deno.test("a recipe survives the database, and a damaged one is found", () => {
  const recipe = recipeOf(new Random(1).bytes(700_000));
  const bytes = encodeRecipe(recipe);
  assertEquals(decodeRecipe(bytes, recipe.size), recipe);
  const empty = recipeOf(new Uint8Array(0));
  assertEquals(decodeRecipe(encodeRecipe(empty), 0), empty);
  const fails = (bytes: Uint8Array, size: number): unknown =>
    assertThrows(() => decodeRecipe(bytes, size), IntegrityError);
  fails(bytes.subarray(1), recipe.size);
  fails(bytes, recipe.size + 1);
  fails(bytes.subarray(0, 0), recipe.size);
  const long = bytes.slice();
  long[32] = 0xff;
  fails(long, recipe.size);
});

Deno.test("a conflict copy is a valid name, however long the file's is", () => {
  const copy = (path: string, attempt = 0): string =>
    conflictCopyOf(parseRelPath(path), 7, attempt);
  assertEquals(copy("docs/plan.txt"), "docs/plan (conflict 7).txt");
  assertEquals(copy("plan.txt", 2), "plan (conflict 7-2).txt");
  assertEquals(copy(".profile"), ".profile (conflict 7)");
  for (
    const long of [
      "ü".repeat(510),
      `${"x".repeat(900)}.${"y".repeat(90)}`,
      `x.${"y".repeat(1000)}`,
    ]
  ) {
    const name = nameOf(conflictCopyOf(parseRelPath(`d/${long}`), 7, 0));
    const bytes = new TextEncoder().encode(name).length;
    assertEquals(bytes <= MAX_NAME_BYTES, true, name);
    assertEquals(name.includes("(conflict 7)"), true, name);
  }
});

Deno.test("paths in addresses are decoded once, and checked as all others", () => {
  const path = (raw: string): string =>
    pathInUrl(`http://hub:1/files/${raw}?x=/../y`, "/files/");
  assertEquals(path("a/b%20c.txt"), "a/b c.txt");
  assertEquals(path("a%2Fb"), "a/b");
  assertEquals(path("%252e%252e/x"), "%2e%2e/x");
  assertEquals(path("a%5Cb"), "a\\b");
  assertEquals(path("__proto__"), "__proto__");
  for (
    const hostile of [
      ...[
        "",
        "/",
        "/etc/x",
        "//x",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "%2e%2e%2fx",
      ],
      ...[
        "%2e%2e/x",
        "a//b",
        "a/./b",
        ".",
        "a/",
        "%2Fx",
        "a%00b",
        ".lockstep/x",
      ],
      ...[".lockstep", "a%2F%2e%2e%2Fb", "x".repeat(1021)],
    ]
  ) assertThrows(() => path(hostile), UnsafePathError, undefined, hostile);
  // Neither half of a character, nor a longer form of one, nor half a percent.
  for (const hostile of ["%ff", "%c0%af", "%ed%a0%80", "%", "%zz"]) {
    assertThrows(() => path(hostile), HttpProblem, undefined, hostile);
  }
  assertThrows(() => checkReplacedPath("a\ufffd"), UnsafePathError);
  assertEquals(rawPathOf("http://h:1/a/../b?c#d"), "/a/../b");
  assertEquals(rawPathOf("http://h:1"), "/");
});

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
