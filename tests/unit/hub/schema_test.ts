import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { SyncError } from "../../../src/errors.ts";
import {
  migrate,
  SCHEMA_STEPS,
  schemaVersionOf,
} from "../../../src/hub/schema.ts";

Deno.test("K04: a database of an older schema is brought up to date, all or nothing", () => {
  const old = "CREATE TABLE things (a)";
  const database = new DatabaseSync(":memory:");
  migrate(database, [old]);
  assertEquals(schemaVersionOf(database), 1);
  database.exec("INSERT INTO things VALUES (7)");
  const step = "ALTER TABLE things ADD COLUMN b DEFAULT 8";
  assertThrows(() => migrate(database, [old, step, "no SQL"]));
  assertEquals(schemaVersionOf(database), 1);
  assertEquals(
    Object.keys(database.prepare("SELECT * FROM things").get()!),
    ["a"],
  );
  migrate(database, [old, step]);
  assertEquals({ ...database.prepare("SELECT * FROM things").get() }, {
    a: 7,
    b: 8,
  });
  migrate(database, [old, step]);
  assertThrows(() => migrate(database, [old]), SyncError, "newer");
  database.close();
});

Deno.test("K04: what was approved before approvals were used up still waits to be used", () => {
  const database = new DatabaseSync(":memory:");
  migrate(database, SCHEMA_STEPS.slice(0, 6));
  database.exec(
    "INSERT INTO approvals VALUES (1, 'laptop', NULL, 7, 8, 150, 160, '[]', 'approved')",
  );
  migrate(database);
  const row = database.prepare("SELECT state, used FROM approvals").get();
  assertEquals({ ...row }, { state: "approved", used: null });
  database.close();
});
