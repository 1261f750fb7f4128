import { assertEquals, assertRejects } from "@std/assert";
import { ROOT } from "../../../src/core/path.ts";
import { confirmAbsent } from "../../../src/fs/confirm_absent.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { path } from "../../support/trees.ts";

const OPTIONS = { follow: false } as const;

Deno.test("confirmAbsent() names what is there, or can't be looked at", async () => {
  const fs = MemoryFileSystem.from({ "s/a": "1", "s/d/b": "2", "s/e/c": "3" });
  const root = await fs.openRoot("s");
  fs.fault = (method, at) =>
    method === "list" && at === "s/e"
      ? new FileSystemError("io", "Cannot list it")
      : undefined;
  const asked = ["a", "d/b", "d/gone", "e/gone", "gone", "gone/x/y"].map(path);
  const problems = await confirmAbsent(root, asked, OPTIONS);
  assertEquals(
    problems.map(({ path, code }) => [path, code]),
    ["a", "d/b", "e/gone"].map((text) => [path(text), "stale"]),
  );
  root.close();
});

Deno.test("confirmAbsent() takes the root for nothing that could be gone", async () => {
  const fs = MemoryFileSystem.from({ "s/": null });
  const root = await fs.openRoot("s");
  const problems = await confirmAbsent(root, [ROOT], OPTIONS);
  assertEquals(problems.map(({ path, code }) => [path, code]), [[
    ROOT,
    "stale",
  ]]);
  root.close();
});

Deno.test("confirmAbsent() fails where something is wrong but the disk", async () => {
  const fs = MemoryFileSystem.from({ "s/": null }, {
    latency: (method) => {
      if (method === "list") throw new TypeError("It is broken");
      return Promise.resolve();
    },
  });
  const root = await fs.openRoot("s");
  await assertRejects(
    () => confirmAbsent(root, [path("a")], OPTIONS),
    TypeError,
    "It is broken",
  );
  root.close();
});
