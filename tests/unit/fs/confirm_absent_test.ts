import { assertEquals, assertRejects } from "@std/assert";
import { ROOT } from "../../../src/core/path.ts";
import { confirmAbsent } from "../../../src/fs/confirm_absent.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { path } from "../../support/trees.ts";

const OPTIONS = { follow: false } as const;

Deno.test("confirmAbsent() names what is there, or can't be looked at", async () => {
  const fs = MemoryFileSystem.from({
    "s/a": "1",
    "s/d/b": "2",
    "s/e/c": "3",
    "s/f/c": "4",
  });
  const root = await fs.openRoot("s");
  fs.fault = (method, at) =>
    method === "list" && at === "s/e"
      ? new FileSystemError("io", "Cannot list it")
      : method === "openDirectory" && at === "s/f"
      ? new FileSystemError("io", "Cannot open it")
      : undefined;
  const asked = ["a", "d/b", "d/gone", "e/gone", "f/gone", "gone", "gone/x/y"];
  const problems = await confirmAbsent(root, asked.map(path), OPTIONS);
  assertEquals(problems.map(({ path, message }) => [path, message]), [
    [path("a"), "a is there again"],
    [path("d/b"), "d/b is there again"],
    [path("e/gone"), "Cannot list it"],
    [path("f/gone"), "Cannot open it"],
  ]);
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
