import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { FileEntry } from "../../../src/core/entry.ts";
import { parseRelPath, ROOT } from "../../../src/core/path.ts";
import { Resting } from "../../../src/session/resting.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const A = parseRelPath("a");
const B = parseRelPath("b");

Deno.test("a path that fails again rests twice as long, up to a limit", async () => {
  const clock = new FakeClock();
  const resting = new Resting(clock);
  const rests: number[] = [];
  for (let i = 0; i < 12; i++) {
    resting.add(A, "stale");
    rests.push(resting.due - clock.now());
    await clock.advance(rests.at(-1)!);
    assertEquals(resting.wake(), [A]);
    assertEquals([resting.has(A), resting.due], [false, Infinity]);
  }
  assertEquals(rests.slice(0, 4), [20, 40, 80, 160]);
  assertEquals(rests.at(-1), 10_000);
  assertEquals(resting.tries(A), 12);
});

Deno.test("a path that was woken and did not fail again is forgotten", async () => {
  const clock = new FakeClock();
  const resting = new Resting(clock);
  resting.add(A, "stale");
  resting.add(B, "failed");
  await clock.advance(20);
  assertEquals(resting.wake(), [A]);
  resting.settle();
  assertEquals([resting.tries(A), resting.tries(B)], [0, 1]);
  assertEquals([resting.has(B), resting.due], [true, 1_000]);
  resting.delete(B);
  assertEquals(resting.due, Infinity);
});

Deno.test("a path at which nothing is to be done any more is forgotten", () => {
  const resting = new Resting(new FakeClock());
  const paths = ["a", "b", "d", "d/in", "e/in", "f"].map(parseRelPath);
  for (const path of paths) resting.add(path, "failed");
  const file = { kind: "file", size: 1, mtime: 0, mode: 0o644 } as const;
  const directory = {
    kind: "directory",
    mode: 0o755,
    mtime: 0,
    children: new Map(),
    digest: undefined,
  } as const;
  const change = (
    path: string,
    old: Change["old"],
    wanted: Change["new"],
  ): Change => ({ path: parseRelPath(path), old, new: wanted });
  const problem = { path: B, code: "stale", message: "" } as const;
  resting.keepTo([
    change("a", undefined, file as FileEntry),
    change("d/in", undefined, file as FileEntry),
    change("e", undefined, directory),
    change("f", directory, directory),
    change("g", directory, directory),
  ], [{ side: "source", problem }]);
  assertEquals(paths.filter((path) => resting.has(path)), paths);
  // That a directory is to be dated anew says nothing of what is in it.
  resting.keepTo([
    { path: ROOT, old: directory, new: directory },
    change("d", directory, directory),
  ]);
  assertEquals(
    paths.filter((path) => resting.has(path)),
    [parseRelPath("d")],
  );
});
