import { assertEquals, assertRejects } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { DeleteLimit } from "../../../src/core/guard.ts";
import { GuardError } from "../../../src/errors.ts";
import { GuardedEndpoint } from "../../../src/session/guarded_endpoint.ts";
import { compareSides } from "../../../src/session/compare_sides.ts";
import { mirror } from "../../../src/session/mirror.ts";
import { compareWithNothing } from "../../../src/session/preview.ts";
import { Safeguards } from "../../../src/session/safeguards.ts";
import { FakeEndpoint } from "../../support/fake_endpoint.ts";
import { SCAN } from "../../support/served_endpoint.ts";
import { file, path } from "../../support/trees.ts";

const OPTIONS = { checksum: false, symlinks: "copy", deletes: true } as const;
const TWO: DeleteLimit = { kind: "count", count: 2 };

function deletion(at: string): Change {
  return { path: path(at), old: file(), new: undefined };
}

Deno.test("GuardedEndpoint passes on what is within its limit, over all rounds of a session", async () => {
  const inner = new FakeEndpoint({ a: "1", b: "1", c: "1", d: "1" });
  const guarded = new GuardedEndpoint(inner, TWO);
  await guarded.scan(SCAN);
  await guarded.stage([deletion("a")]);
  await guarded.stage([deletion("a")]);
  await guarded.stage([deletion("b")]);
  await assertRejects(() => guarded.stage([deletion("c")]), GuardError);
  assertEquals(inner.calls, ["scan", "stage", "stage", "stage"]);
});

Deno.test("GuardedEndpoint takes shares of what was there first", async () => {
  const inner = new FakeEndpoint({ a: "1", b: "1", c: "1", d: "1" });
  const guarded = new GuardedEndpoint(inner, { kind: "percent", percent: 50 });
  await guarded.scan(SCAN);
  inner.root = new FakeEndpoint({ a: "1", b: "1" }).root;
  await guarded.scan(SCAN);
  await guarded.stage([deletion("c"), deletion("d")]);
  await assertRejects(() => guarded.stage([deletion("a")]), GuardError);
});

Deno.test("a guard halts mirror() before anything is staged", async () => {
  const source = new FakeEndpoint({ new: "1" });
  const target = new FakeEndpoint({ a: "1", b: "1", c: "1" });
  const limits = {
    maxDelete: TWO,
    allowDelete: undefined,
    allowNewRoot: false,
  };
  const root = { path: "/data", device: 1, inode: 2, born: 3 };
  const guards = [await Safeguards.open(root, limits)];
  await assertRejects(
    () => mirror(source, target, { ...OPTIONS, guards }),
    GuardError,
  );
  assertEquals(target.calls, ["scan"]);
});

Deno.test("compareSides() and compareWithNothing() only look", async () => {
  const source = new FakeEndpoint({ d: { f: "12" } });
  const target = new FakeEndpoint({ a: "1" });
  const { totals } = await compareSides(source, target, OPTIONS);
  assertEquals([totals.created, totals.deleted, totals.bytes], [2, 1, 2]);
  assertEquals(target.calls, ["scan"]);

  const place = { name: "/missing", traits: source.traits };
  const comparison = await compareWithNothing(source, place, OPTIONS);
  assertEquals(comparison.target, undefined);
  assertEquals(comparison.changes.map((change) => String(change.path)), [
    "",
    "d",
  ]);
  assertEquals(comparison.totals.created, 3);
  assertEquals(new Set(source.calls), new Set(["scan", "confirmAbsent"]));
});
