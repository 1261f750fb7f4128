import { assertEquals, assertRejects } from "@std/assert";
import { FileSystemError } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror } from "../../../src/session/mirror.ts";

const OPTIONS = { checksum: false, symlinks: "copy", deletes: true } as const;

const DONE = { kind: "done", message: "" } as const;

Deno.test("LocalEndpoint puts back what a failed transition held before it is scanned again", async () => {
  const from = MemoryFileSystem.from({ kept: "1" });
  const to = MemoryFileSystem.from({ kept: "1", "gone/deep": "2" });
  const source = await LocalEndpoint.open(from, "");
  const target = await LocalEndpoint.open(to, "", { create: true });
  // The directories are flushed when "gone" has left its place.
  let hasMoved = false;
  to.fault = (method) => {
    if (method === "rename") hasMoved = true;
    if (method !== "flush" || !hasMoved) return undefined;
    to.fault = undefined;
    return new FileSystemError("io", "Cannot flush: ordered");
  };
  await assertRejects(() => mirror(source, target, OPTIONS), FileSystemError);
  const { problems } = await mirror(source, target, OPTIONS);
  assertEquals(problems, []);
  await target.close(DONE);
  await source.close(DONE);
  assertEquals(to.dump(), { kept: "1" });
});
