/** Reading files, and following links. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  as,
  type Check,
  inside,
  read,
  refused,
  text,
  write,
} from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkReading(check: Check): void {
  check("reads where a link points, as written", async (root) => {
    for (const [name, target] of [["a", "file"], ["b", "../nowhere/ä"]]) {
      await root.createSymlink(as(name!), target!, 0);
      assertEquals(await root.readLink(as(name!)), target);
    }
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    for (const name of ["file", "directory"]) {
      await refused("unsupported", () => root.readLink(as(name)), name);
    }
    await refused("not-found", () => root.readLink(as("none")), "none");
  });

  check("reads as much of a file as fits", async (root) => {
    await write(root, "file", "0123456789");
    const into = new Uint8Array(4);
    const part = await root.readFile(as("file"), into);
    assertEquals([part.length, text(into)], [4, "0123"]);
    assertEquals(part.stat, (await root.lookup(as("file")))!);
    const all = await root.readFile(as("file"), new Uint8Array(20));
    assertEquals([all.length, all.stat.size], [10, 10]);
    const none = await root.readFile(as("file"), new Uint8Array(0));
    assertEquals([none.length, none.stat.size], [0, 10]);
  });

  check("reads an empty file", async (root) => {
    await write(root, "file", "");
    const into = new Uint8Array(4);
    assertEquals((await root.readFile(as("file"), into)).length, 0);
  });

  check("reads only regular files", async (root, subject) => {
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    await root.createSymlink(as("link"), "file", 0);
    const names = ["directory", "link"];
    if (subject.makeSpecial !== undefined) {
      await subject.makeSpecial(`${subject.root}/fifo`);
      names.push("fifo");
    }
    for (const name of names) {
      const into = new Uint8Array(4);
      await refused("unsupported", () => root.readFile(as(name), into), name);
      await refused("unsupported", () => root.openFile(as(name)), name);
      await refused("unsupported", () => root.openWritable(as(name)), name);
      await refused("unsupported", () => root.lock(as(name)), name);
    }
    await refused(
      "not-found",
      () => root.readFile(as("none"), new Uint8Array(4)),
    );
    await refused("not-found", () => root.openFile(as("none")), "none");
  });

  check("reads an open file from any offset", async (root) => {
    await write(root, "file", "0123456789");
    const file = await root.openFile(as("file"));
    try {
      assertEquals(await file.stat(), (await root.lookup(as("file")))!);
      const into = new Uint8Array(4);
      assertEquals(await file.read(into, 5), 4);
      assertEquals(text(into), "5678");
      assertEquals(await file.read(into, 8), 2);
      assertEquals(text(into.subarray(0, 2)), "89");
      assertEquals(await file.read(into, 10), 0);
      assertEquals(await file.read(into, 1000), 0);
    } finally {
      file.close();
      file.close();
    }
    await assertRejects(() => file.read(new Uint8Array(1), 0), TypeError);
  });

  check("goes on reading an open file that was removed", async (root) => {
    await write(root, "file", "text");
    const file = await root.openFile(as("file"));
    try {
      await root.removeFile(as("file"));
      const into = new Uint8Array(4);
      assertEquals(await file.read(into, 0), 4);
      assertEquals(text(into), "text");
    } finally {
      file.close();
    }
  });
}

/** Registers the tests of this part. */
export function checkFollowing(check: Check): void {
  check("follows a link to a directory", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      await write(a, "file", "text");
      await a.createSymlink(as("self"), "../a/.", 0);
      await a.createSymlink(as("chain"), "self", 0);
      for (const link of ["self", "chain"]) {
        const found = await a.follow(as(link));
        assertEquals(found.name, undefined);
        assertEquals(await read(found.directory, "file"), "text");
        found.directory.close();
      }
    });
  });

  check("follows a link to a file", async (root) => {
    await root.createDirectory(as("a"));
    await write(root, "file", "text");
    await inside(root, "a", async (a) => {
      await a.createSymlink(as("link"), "../a/../file", 0);
      const found = await a.follow(as("link"));
      assertEquals(found.name, as("file"));
      assertEquals(await read(found.directory, "file"), "text");
      found.directory.close();
    });
  });

  check("says where a link leads nowhere", async (root) => {
    await root.createSymlink(as("dangling"), "none", 0);
    await root.createSymlink(as("a"), "b", 0);
    await root.createSymlink(as("b"), "a", 0);
    await refused("not-found", () => root.follow(as("dangling")), "dangling");
    await refused("io", () => root.follow(as("a")), "a");
  });
}
