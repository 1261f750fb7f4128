import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { RecentDeletions } from "../../../src/session/recent_deletions.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { directory, file, path } from "../../support/trees.ts";

function deletion(at: string): Change {
  return { path: path(at), old: file(), new: undefined };
}

Deno.test("RecentDeletions forgets a burst 10 s after its last deletion", async () => {
  const clock = new FakeClock();
  const recent = new RecentDeletions(clock);
  const [a, b, c] = [deletion("a"), deletion("b"), deletion("c")];
  recent.add([a]);
  await clock.advance(9_000);
  recent.add([b]);
  await clock.advance(9_000);
  assertEquals(recent.current(), [a, b]);
  recent.add([]);
  await clock.advance(1_001);
  assertEquals(recent.current(), []);
  recent.add([c]);
  assertEquals(recent.current(), [c]);
});

Deno.test("RecentDeletions keeps what is deleted or makes room for another kind", () => {
  const recent = new RecentDeletions(new FakeClock());
  const deleted = deletion("deleted");
  const flipped: Change = {
    path: path("flipped"),
    old: directory({}),
    new: file(),
  };
  const edited: Change = { path: path("edited"), old: file(), new: file() };
  const made: Change = { path: path("made"), old: undefined, new: file() };
  recent.add([deleted, edited, flipped, made]);
  assertEquals(recent.current(), [deleted, flipped]);
});

Deno.test("RecentDeletions takes any number of deletions at once", () => {
  const recent = new RecentDeletions(new FakeClock());
  recent.add(Array.from({ length: 200_000 }, (_, i) => deletion(`f${i}`)));
  assertEquals(recent.current().length, 200_000);
});
