import { assertEquals, assertRejects } from "@std/assert";
import { allDone } from "../../../src/core/all_done.ts";

Deno.test("nothing goes on after a failure has been told", async () => {
  const ended: string[] = [];
  const slow = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await Promise.resolve();
    ended.push("slow");
  };
  const failing = (): Promise<void> => Promise.reject(new Error("no room"));
  await assertRejects(() => allDone([failing(), slow()]), Error, "no room");
  assertEquals(ended, ["slow"]);
});

Deno.test("of several failures the first in the list is told", async () => {
  const later = async (): Promise<void> => {
    await Promise.resolve();
    throw new Error("first");
  };
  const atOnce = Promise.reject(new Error("second"));
  await assertRejects(
    () => allDone([undefined, later(), atOnce]),
    Error,
    "first",
  );
});
