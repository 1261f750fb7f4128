/** Removing entries, and locks. */
import { assertEquals } from "@std/assert";
import {
  as,
  type Check,
  inside,
  read,
  refused,
  write,
} from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkRemoving(check: Check): void {
  check("removes files and links, but no directory", async (root) => {
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    await inside(root, "directory", (inner) => write(inner, "kept", "text"));
    await root.createDirectory(as("empty"));
    await root.createSymlink(as("link"), "directory", 0);
    await root.removeFile(as("file"));
    await root.removeFile(as("link"));
    for (const name of ["directory", "empty"]) {
      await refused("is-a-directory", () => root.removeFile(as(name)), name);
    }
    await refused("not-found", () => root.removeFile(as("file")), "file");
    const { entries } = await root.list();
    const names = entries.map((entry) => entry.name).sort() as string[];
    assertEquals(names, ["directory", "empty"]);
    await inside(root, "directory", async (inner) => {
      assertEquals(await read(inner, "kept"), "text");
    });
  });

  check("removes only empty directories", async (root) => {
    await write(root, "file", "text");
    await root.createDirectory(as("empty"));
    await root.createDirectory(as("full"));
    await inside(root, "full", (full) => write(full, "kept", "text"));
    await root.createSymlink(as("link"), "empty", 0);
    await refused(
      "not-a-directory",
      () => root.removeDirectory(as("file")),
      "file",
    );
    await refused(
      "not-a-directory",
      () => root.removeDirectory(as("link")),
      "link",
    );
    await refused("not-empty", () => root.removeDirectory(as("full")), "full");
    await refused("not-found", () => root.removeDirectory(as("none")), "none");
    await root.removeDirectory(as("empty"));
    assertEquals(await root.lookup(as("empty")), undefined);
  });
}

/** Registers the tests of this part. */
export function checkLocks(check: Check): void {
  check("gives a lock to one holder at a time", async (root, subject) => {
    const again = await subject.fs.openRoot(subject.root);
    try {
      const lock = await root.lock(as("lock"));
      await refused("locked", () => root.lock(as("lock")), "lock");
      await refused("locked", () => again.lock(as("lock")), "lock");
      (await root.lock(as("other"))).release();
      lock.release();
      lock.release();
      (await again.lock(as("lock"))).release();
      assertEquals((await root.lookup(as("lock")))?.kind, "file");
    } finally {
      again.close();
    }
  });

  check("locks a file that holds something", async (root) => {
    await write(root, "lock", "text");
    (await root.lock(as("lock"))).release();
    assertEquals(await read(root, "lock"), "text");
  });
}
