/** Moving entries, and giving them second names. */
import { assertEquals } from "@std/assert";
import type { Directory } from "../file_system.ts";
import {
  as,
  type Check,
  inside,
  read,
  refused,
  write,
} from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkMoving(check: Check): void {
  check("moves a file over a file or a link", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      await write(a, "file", "old");
      await a.createSymlink(as("link"), "file", 0);
      for (const target of ["file", "link", "fresh"]) {
        await write(root, "source", target);
        const inode = (await root.lookup(as("source")))!.inode;
        await root.rename(as("source"), a, as(target));
        assertEquals(await root.lookup(as("source")), undefined);
        const stat = (await a.lookup(as(target)))!;
        assertEquals([stat.kind, stat.inode], ["file", inode]);
        assertEquals(await read(a, target), target);
      }
    });
  });

  check("moves links as links", async (root) => {
    await write(root, "file", "text");
    await root.createSymlink(as("a"), "file", 0);
    await root.rename(as("a"), root, as("b"));
    await root.moveNew(as("b"), root, as("c"));
    const { entries } = await root.list();
    const link = entries.find((entry) => entry.name === "c");
    assertEquals([link?.stat.kind, link?.target], ["symlink", "file"]);
    assertEquals(entries.length, 2);
  });

  check("moves directories with what they hold", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", (a) => write(a, "file", "text"));
    await root.createDirectory(as("b"));
    await inside(root, "b", async (b) => {
      await root.rename(as("a"), b, as("c"));
      await b.createDirectory(as("empty"));
      await b.rename(as("c"), b, as("empty"));
      await inside(b, "empty", async (moved) => {
        assertEquals(await read(moved, "file"), "text");
      });
    });
  });

  check("replaces no directory that holds something", async (root) => {
    await root.createDirectory(as("a"));
    await root.createDirectory(as("full"));
    await inside(root, "full", (full) => write(full, "file", "text"));
    await write(root, "file", "text");
    await refused("not-empty", () => root.rename(as("a"), root, as("full")));
    await refused(
      "is-a-directory",
      () => root.rename(as("file"), root, as("a")),
    );
    await refused(
      "not-a-directory",
      () => root.rename(as("a"), root, as("file")),
    );
    await refused("not-found", () => root.rename(as("none"), root, as("x")));
    await inside(root, "full", async (full) => {
      assertEquals(await read(full, "file"), "text");
    });
  });

  check("moves no directory into itself", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      await refused("unsupported", () => root.rename(as("a"), a, as("b")));
    });
  });

  check("loses nothing when an entry is moved onto itself", async (root) => {
    await write(root, "file", "text");
    await root.rename(as("file"), root, as("file"));
    assertEquals(await read(root, "file"), "text");
    await refused("exists", () => root.moveNew(as("file"), root, as("file")));
    assertEquals(await read(root, "file"), "text");
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      await write(a, "file", "text");
      await inside(root, "a", async (again) => {
        await a.rename(as("file"), again, as("file"));
      });
      assertEquals(await read(a, "file"), "text");
    });
  });

  check("moves nothing between file systems", async (root) => {
    await write(root, "file", "text");
    const foreign = { path: "elsewhere" } as Directory;
    for (const move of ["rename", "moveNew"] as const) {
      await refused(
        "cross-device",
        () => root[move](as("file"), foreign, as("b")),
      );
    }
  });

  check("moves a new entry over nothing at all", async (root) => {
    await root.createDirectory(as("directory"));
    await write(root, "file", "old");
    await root.createSymlink(as("dangling"), "none", 0);
    await write(root, "new", "new");
    for (const name of ["directory", "file", "dangling"]) {
      await refused(
        "exists",
        () => root.moveNew(as("new"), root, as(name)),
        name,
      );
    }
    assertEquals(await read(root, "file"), "old");
    await inside(root, "directory", async (directory) => {
      await root.moveNew(as("new"), directory, as("moved"));
      assertEquals(await read(directory, "moved"), "new");
    });
    assertEquals(await root.lookup(as("new")), undefined);
    await refused("not-found", () => root.moveNew(as("new"), root, as("x")));
    await refused(
      "is-a-directory",
      () => root.moveNew(as("directory"), root, as("x")),
    );
  });

  check("gives a file or a link a second name", async (root) => {
    await root.createDirectory(as("directory"));
    await write(root, "file", "text");
    await root.createSymlink(as("link"), "none", 0);
    await inside(root, "directory", async (directory) => {
      await root.link(as("file"), directory, as("second"));
      const stat = (await root.lookup(as("file")))!;
      const second = (await directory.lookup(as("second")))!;
      assertEquals([stat.links, second.links], [2, 2]);
      assertEquals(second.inode, stat.inode);

      await root.link(as("link"), directory, as("link"));
      assertEquals((await directory.lookup(as("link")))?.kind, "symlink");

      // Replacing or removing one name leaves the other.
      await write(root, "new", "new");
      await root.rename(as("new"), root, as("file"));
      assertEquals(await read(directory, "second"), "text");
      assertEquals((await directory.lookup(as("second")))?.links, 1);
      await root.link(as("file"), directory, as("third"));
      await root.removeFile(as("file"));
      assertEquals(await read(directory, "third"), "new");
    });
    await refused("not-found", () => root.link(as("none"), root, as("x")));
  });

  check("gives no second name that is taken", async (root) => {
    await write(root, "file", "text");
    await write(root, "other", "other");
    await root.createSymlink(as("dangling"), "none", 0);
    for (const name of ["other", "dangling"]) {
      await refused(
        "exists",
        () => root.link(as("file"), root, as(name)),
        name,
      );
    }
    assertEquals(await read(root, "other"), "other");
    const foreign = { path: "elsewhere" } as Directory;
    await refused(
      "cross-device",
      () => root.link(as("file"), foreign, as("b")),
    );
  });

  check(
    "leaves one of two names of a file when it is moved onto the other",
    async (root) => {
      await write(root, "file", "text");
      await root.link(as("file"), root, as("second"));
      await root.rename(as("file"), root, as("second"));
      assertEquals(await root.lookup(as("file")), undefined);
      assertEquals(await read(root, "second"), "text");
      assertEquals((await root.lookup(as("second")))?.links, 1);
    },
  );

  check("flushes files, directories and all there is", async (root) => {
    await write(root, "file", "text");
    await root.flush(as("file"));
    await root.flush();
    assertEquals(typeof await root.flushFileSystem(), "boolean");
    await refused("not-found", () => root.flush(as("none")), "none");
  });
}
