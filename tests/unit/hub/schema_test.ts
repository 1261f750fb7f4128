import { assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { SyncError } from "../../../src/errors.ts";
import { migrate, schemaVersionOf } from "../../../src/hub/schema.ts";

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
