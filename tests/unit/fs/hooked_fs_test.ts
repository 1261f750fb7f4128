import { assertEquals, assertRejects } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { hooked } from "../../../src/fs/hooked_fs.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";

Deno.test("hooked() tells of the calls of all that is opened", async () => {
  const fs = MemoryFileSystem.from({ "d/f": "text", l: { symlink: "d" } });
  const told: string[] = [];
  const root = await hooked(fs, (method, path, directory) => {
    told.push(`${method} ${path} in ${directory.path}`);
  }).openRoot("/");
  const d = await root.openDirectory("d" as Name);
  const file = await d.openFile("f" as Name);
  assertEquals(await file.read(new Uint8Array(9), 0), 4);
  file.close();
  const { directory } = await root.follow("l" as Name);
  await directory.list();
  assertEquals(told, [
    "openDirectory /d in /",
    "openFile /d/f in /d",
    "read /d/f in /d",
    "follow /l in /",
    "list /l in /l",
  ]);
  directory.close();
  d.close();
  root.close();
});

Deno.test("hooked() moves between its directories, and fails what the hook throws", async () => {
  const fs = MemoryFileSystem.from({ "d/f": "text", "e/": null });
  let isFull = false;
  const root = await hooked(fs, (method) => {
    if (isFull && method === "rename") {
      throw new FileSystemError("no-space", "Cannot move: disk full");
    }
  }).openRoot("");
  const d = await root.openDirectory("d" as Name);
  const e = await root.openDirectory("e" as Name);
  await d.rename("f" as Name, e, "g" as Name);
  assertEquals(fs.dump(), { "d/": null, "e/g": "text" });
  isFull = true;
  await assertRejects(
    () => e.rename("g" as Name, d, "f" as Name),
    FileSystemError,
    "disk full",
  );
  assertEquals(fs.dump(), { "d/": null, "e/g": "text" });
});
