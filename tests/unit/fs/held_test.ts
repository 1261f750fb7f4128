/** What becomes of an entry that is to go, where a disk does not let it. */
import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { TrackedEntry } from "../../../src/core/entry.ts";
import type { FileSystemErrorCode } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../../src/fs/memory_state.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { path, symlink } from "../../support/trees.ts";

const DONE = { kind: "done", message: "" } as const;

/** What is left of a tree, and why, after `change` was carried out on it. */
async function carriedOut(
  of: string,
  wanted: Change["new"],
  failing: { method: MemoryMethod; name: string; code: FileSystemErrorCode },
): Promise<{ left: unknown; done: number; problems: string[] }> {
  const fs = MemoryFileSystem.from({ "t/a": "1", "t/d/b": "2" });
  const target = await LocalEndpoint.open(fs, "t", { durable: false });
  const { root } = await target.scan({
    checksum: false,
    symlinks: "copy",
    modes: true,
    ignore: { rules: [], files: [] },
  });
  const old = [...root.children].find(([name]) => name === of)![1];
  const changes: Change[] = [
    { path: path(of), old: old as TrackedEntry, new: wanted },
  ];
  await target.stage(changes);
  fs.failCall(failing);
  const { done, problems } = await target.transition(changes);
  await target.close(DONE);
  return {
    left: fs.dump("t"),
    done: done[0]!,
    problems: problems.map(({ path, code }) => `${path}: ${code}`),
  };
}

Deno.test("what can't leave its place stays, and is named", async () => {
  const left = { "a": "1", "d/b": "2" };
  for (const name of ["a", "d"]) {
    const failing = { method: "rename", name, code: "io" } as const;
    const found = await carriedOut(name, undefined, failing);
    assertEquals(found, { left, done: 0, problems: [`${name}: failed`] });
  }
});

Deno.test("a directory that can't be moved is given up where it is, a file is not", async () => {
  const failing = { method: "rename", code: "cross-device" } as const;
  assertEquals(await carriedOut("d", undefined, { ...failing, name: "d" }), {
    left: { "a": "1" },
    done: 1,
    problems: [],
  });
  assertEquals(await carriedOut("a", undefined, { ...failing, name: "a" }), {
    left: { "a": "1", "d/b": "2" },
    done: 0,
    problems: ["a: failed"],
  });
});

Deno.test("what can't have two names is replaced all the same; what can't be held is not", async () => {
  const wanted = symlink("there");
  const failing = { method: "link", name: "a" } as const;
  assertEquals(
    await carriedOut("a", wanted, { ...failing, code: "unsupported" }),
    { left: { "a": { symlink: "there" }, "d/b": "2" }, done: 1, problems: [] },
  );
  assertEquals(await carriedOut("a", wanted, { ...failing, code: "io" }), {
    left: { "a": "1", "d/b": "2" },
    done: 0,
    problems: ["a: failed"],
  });
});
