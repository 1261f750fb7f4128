import { assertEquals } from "@std/assert";
import { catchUp, lagOf } from "../../../src/hub/journal.ts";

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
