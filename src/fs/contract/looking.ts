/** What a file system shows of its directories. */
import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  as,
  bytes,
  type Check,
  inside,
  read,
  refused,
  write,
} from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkRoots(check: Check): void {
  check("says not-found for a root that is missing", async (_, subject) => {
    const path = `${subject.root}/none`;
    await refused("not-found", () => subject.fs.openRoot(path), path);
  });

  check("refuses a root that is a file", async (root, subject) => {
    await write(root, "file", "text");
    const path = `${subject.root}/file`;
    const error = await refused(
      "not-a-directory",
      () => subject.fs.openRoot(path),
      path,
    );
    assertStringIncludes(error.message, "it is a file, not a directory");
    await refused(
      "not-a-directory",
      () => subject.fs.openRoot(path, { create: true }),
    );
    await refused(
      "not-a-directory",
      () => subject.fs.openRoot(`${path}/below`, { create: true }),
    );
  });

  check("makes a root and its parents if asked", async (root, subject) => {
    const path = `${subject.root}/a/b/c`;
    const made = await subject.fs.openRoot(path, { create: true });
    await write(made, "file", "text");
    made.close();
    const again = await subject.fs.openRoot(path, { create: true });
    assertEquals(await read(again, "file"), "text");
    again.close();
    assertEquals((await root.lookup(as("a")))?.kind, "directory");
  });

  check("follows links on the way to a root", async (root, subject) => {
    await root.createDirectory(as("real"));
    await root.createSymlink(as("link"), "real", 0);
    const linked = await subject.fs.openRoot(`${subject.root}/link`);
    await write(linked, "file", "text");
    linked.close();
    await inside(root, "real", async (real) => {
      assertEquals(await read(real, "file"), "text");
    });
  });

  check("allows to close a directory twice", async (root) => {
    await root.createDirectory(as("a"));
    const a = await root.openDirectory(as("a"));
    a.close();
    a.close();
    await assertRejects(() => a.lookup(as("x")), TypeError, "closed");
    await assertRejects(() => a.list(), TypeError, "closed");
  });
}

/** Registers the tests of this part. */
export function checkLooking(check: Check): void {
  check("tells kind, size, mtime and mode of each entry", async (root) => {
    await root.createFile(as("file"), bytes("text"), {
      mode: 0o640,
      mtime: 5000,
    });
    await root.createDirectory(as("directory"));
    await root.createSymlink(as("link"), "nowhere", 7000);
    const file = (await root.lookup(as("file")))!;
    assertEquals(
      [file.kind, file.size, file.mtime, file.mode],
      ["file", 4, 5000, 0o640],
    );
    const directory = (await root.lookup(as("directory")))!;
    assertEquals(
      [directory.kind, directory.size, directory.mode],
      ["directory", 0, 0o700],
    );
    const link = (await root.lookup(as("link")))!;
    assertEquals([link.kind, link.size, link.mtime], ["symlink", 0, 7000]);
    assertNotEquals(file.inode, directory.inode);
    assertEquals(file.device, (await root.stat()).device);
    assertEquals(await root.lookup(as("none")), undefined);
  });

  check("tells a directory's own stat as its parent does", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      assertEquals(await a.stat(), (await root.lookup(as("a")))!);
    });
  });

  check("lists entries with their stats and targets", async (root) => {
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    await root.createSymlink(as("link"), "../some where", 0);
    await write(root, "ünï cødé 🎉", "");
    for (const thorough of [false, true]) {
      const { entries, failed } = await root.list({ thorough });
      assertEquals(failed, []);
      assertEquals(
        entries.map((entry) => entry.name).sort() as string[],
        ["directory", "file", "link", "ünï cødé 🎉"],
      );
      for (const { name, stat, target } of entries) {
        assertEquals(stat, (await root.lookup(name))!);
        assertEquals(target, name === "link" ? "../some where" : undefined);
      }
    }
  });

  check("lists an empty directory as empty", async (root) => {
    const nothing = { entries: [], failed: [] };
    assertEquals(await root.list(), nothing);
    assertEquals(await root.list({ thorough: true }), nothing);
  });

  check(
    "lists a directory that was renamed while open",
    async (root, subject) => {
      if (subject.holdsByPath) return;
      await root.createDirectory(as("before"));
      await inside(root, "before", async (directory) => {
        await write(directory, "mine", "text");
        await root.rename(as("before"), root, as("after"));
        await root.createDirectory(as("before"));
        await inside(root, "before", (other) => write(other, "other", ""));
        for (const thorough of [false, true]) {
          const { entries } = await directory.list({ thorough });
          const names = entries.map((entry) => entry.name) as string[];
          assertEquals(names, ["mine"]);
        }
      });
    },
  );

  check("lists what is special as special", async (root, subject) => {
    if (subject.makeSpecial === undefined) return;
    await subject.makeSpecial(`${subject.root}/fifo`);
    const { entries, failed } = await root.list();
    assertEquals(failed, []);
    assertEquals(entries.map(({ stat }) => [stat.kind, stat.size]), [
      ["special", 0],
    ]);
    assertEquals((await root.lookup(as("fifo")))?.kind, "special");
  });

  check("opens directories only", async (root, subject) => {
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    await root.createSymlink(as("link"), "directory", 0);
    await refused(
      "not-a-directory",
      () => root.openDirectory(as("file")),
      "file",
    );
    await refused(
      "not-a-directory",
      () => root.openDirectory(as("link")),
      "link",
    );
    await refused("not-found", () => root.openDirectory(as("none")), "none");
    if (subject.makeSpecial === undefined) return;
    await subject.makeSpecial(`${subject.root}/fifo`);
    await refused("not-a-directory", () => root.openDirectory(as("fifo")));
  });
}
