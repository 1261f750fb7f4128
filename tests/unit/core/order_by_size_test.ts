import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { applyChanges, withDigests } from "../../../src/core/apply_changes.ts";
import {
  LARGE_BYTES,
  orderBySize,
  smallOfBoth,
} from "../../../src/core/order_by_size.ts";
import { directory, file } from "../../support/trees.ts";

const MOST = 100;

/** What there is, what there shall be, and in which parts. */
interface Case {
  readonly name: string;
  readonly base: DirectoryEntry;
  readonly goal: DirectoryEntry;
  /** Paths, by part; "touch" is a directory's own change. */
  readonly parts: readonly (readonly string[])[];
  /** Which of them are large; the last one unless said. */
  readonly large?: readonly boolean[];
}

const small = file({ size: 1 });
const large = file({ size: 100 });

const CASES: readonly Case[] = [
  {
    name: "without anything large there is one part",
    base: directory({ x: large }),
    goal: directory({ a: small, x: large }),
    parts: [["a", "touch ."]],
    large: [false],
  },
  {
    name: "with nothing small there is one part",
    base: directory(),
    goal: directory({ a: large, b: large }),
    parts: [["a", "b", "touch ."]],
  },
  {
    name: "what is small comes first, and each directory with what is in it",
    base: directory({ d: directory(), e: directory(), f: directory() }),
    goal: directory({
      d: directory({ a: large }),
      e: directory({ b: small }),
      f: directory({ c: large, g: small }),
    }),
    parts: [["e/b", "touch e", "f/g", "touch f"], [
      "d/a",
      "touch d",
      "f/c",
      "touch f",
    ]],
  },
  {
    name: "a new directory is as large as what is in it",
    base: directory(),
    goal: directory({
      a: directory({
        b: directory({ c: file({ size: 60 }) }),
        d: file({ size: 40 }),
      }),
      e: directory({ f: file({ size: 99 }) }),
    }),
    parts: [["e", "touch ."], ["a", "touch ."]],
  },
  {
    name: "a large file that gets smaller comes with what may be made of it",
    base: directory({ log: large }),
    goal: directory({
      a: small,
      log: file({ size: 2, mtime: 9 }),
      log1: large,
    }),
    parts: [["a", "touch ."], ["log", "log1", "touch ."]],
  },
  {
    name: "what is deleted goes first",
    base: directory({ gone: small, old: directory({ a: small }) }),
    goal: directory({ big: large }),
    parts: [["gone", "old", "touch ."], ["big", "touch ."]],
  },
  {
    name: "where something large goes, all is done at once",
    base: directory({ old: large }),
    goal: directory({ a: small, big: file({ size: 101 }) }),
    parts: [["a", "big", "old", "touch ."]],
  },
  {
    name: "where something large takes another kind, all is done at once",
    base: directory({ x: small }),
    goal: directory({ a: small, x: directory({ y: large }) }),
    parts: [["a", "x", "touch ."]],
  },
  {
    name: "a mode alone does not wait, however large its file",
    base: directory({ a: large }),
    goal: directory({ a: file({ size: 100, mode: 0o600 }), b: large }),
    parts: [["a"], ["b", "touch ."]],
  },
];

for (const { name, goal, parts, ...wanted } of CASES) {
  const { large = parts.map((_, i) => i === parts.length - 1) } = wanted;
  const base = withDigests(wanted.base, true);
  Deno.test(`orderBySize(): ${name}`, () => {
    const { changes } = diff(base, goal, { deletes: true, modes: true });
    const order = orderBySize(changes, MOST);
    const named = order.map(({ changes }) =>
      changes.map(({ path, old, new: wanted }) =>
        old?.kind === "directory" && wanted?.kind === "directory"
          ? `touch ${path || "."}`
          : path
      )
    );
    assertEquals(named, parts);
    assertEquals(order.map(({ isLarge }) => isLarge), large);
    // Each has its place, and the parts together lead where the whole does.
    let root = base;
    for (const { changes: part, places = changes.keys() } of order) {
      let i = 0;
      for (const place of places) {
        assertEquals(part[i++]!.path, changes[place]!.path);
      }
      root = applyChanges(root, part, true);
    }
    assertEquals(root, applyChanges(base, changes, true));
  });
}

Deno.test("smallOfBoth() leaves out what is large at either side", () => {
  const huge = file({ size: LARGE_BYTES });
  const alpha = changesTo(directory({ a: small, x: huge }));
  const beta = changesTo(directory({ b: small }));
  const found = smallOfBoth({ alpha, beta }, true);
  assertEquals(found?.alpha.map(({ path }) => path), ["a", ""]);
  assertEquals(found?.beta, beta);
});

Deno.test("smallOfBoth() divides nothing where all is small, or nothing else", () => {
  const huge = changesTo(directory({ x: file({ size: LARGE_BYTES }) }));
  const little = changesTo(directory({ a: small }));
  assertEquals(smallOfBoth({ alpha: little, beta: [] }, true), undefined);
  assertEquals(smallOfBoth({ alpha: huge, beta: [] }, true), undefined);
});

function changesTo(goal: DirectoryEntry): readonly Change[] {
  const base = withDigests(directory(), true);
  return diff(base, goal, { deletes: true, modes: true }).changes;
}
