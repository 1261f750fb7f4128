import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/errors.ts";
import { MAX_POLICY_BYTES, MAX_POLICY_RULES } from "../../../src/hub/policy.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";

Deno.test("a policy keeps its rules in order, and takes none that is no rule", async () => {
  const store = openMemoryStore();
  const { policy } = store;
  assertEquals(policy.rules(), []);
  const rules = ["*.log", "!kept.log", "/größer/"];
  policy.set(rules);
  for (
    const bad of [
      [""],
      ["a\0b"],
      ["\ud800"],
      ["x".repeat(5_000)],
      Array.from({ length: MAX_POLICY_RULES + 1 }, () => "x"),
      Array.from(
        { length: MAX_POLICY_BYTES / 4_000 + 1 },
        () => "x".repeat(4_000),
      ),
    ]
  ) assertThrows(() => policy.set(bad), UsageError);
  assertEquals(policy.rules(), rules);
  policy.set([]);
  assertEquals(policy.rules(), []);
  await store.close();
});
