/** Making entries, and writing to files. */
import { assert, assertEquals } from "@std/assert";
import {
  as,
  bytes,
  type Check,
  inside,
  PLAIN,
  read,
  refused,
  text,
  TIMES,
  write,
} from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkCreating(check: Check): void {
  check("creates a file with content, mode and mtime", async (root) => {
    const content = new Uint8Array(200_000).map((_, i) => i * 7);
    await root.createFile(as("file"), content, { mode: 0o751, mtime: 12_345 });
    const into = new Uint8Array(300_000);
    const { length, stat } = await root.readFile(as("file"), into);
    assertEquals(into.subarray(0, length), content);
    assertEquals([stat.mode, stat.mtime, stat.size], [0o751, 12_345, 200_000]);
  });

  check("creates files that nobody may read or write", async (root) => {
    await root.createFile(as("file"), bytes("text"), { mode: 0, mtime: 1000 });
    const stat = (await root.lookup(as("file")))!;
    assertEquals([stat.mode, stat.size, stat.mtime], [0, 4, 1000]);
  });

  check("never creates over an entry, whatever it is", async (root) => {
    await write(root, "file", "old");
    await root.createDirectory(as("directory"));
    await root.createSymlink(as("link"), "file", 0);
    await root.createSymlink(as("dangling"), "none", 0);
    for (const name of ["file", "directory", "link", "dangling"]) {
      await refused(
        "exists",
        () => root.createFile(as(name), bytes("new"), PLAIN),
        name,
      );
      await refused("exists", () => root.createDirectory(as(name)), name);
      await refused("exists", () => root.createSymlink(as(name), "x", 0), name);
    }
    assertEquals(await read(root, "file"), "old");
    assertEquals(await root.lookup(as("none")), undefined);
  });

  check("creates links without looking at their targets", async (root) => {
    const targets = ["none", "../..", "/", "a b/ü", "."];
    for (const [i, target] of targets.entries()) {
      await root.createSymlink(as(`link${i}`), target, 1_600_000_000_123);
    }
    const { entries } = await root.list();
    assertEquals(
      entries.map((entry) => entry.target).sort(),
      [...targets].sort(),
    );
    assert(entries.every((entry) => entry.stat.mtime === 1_600_000_000_123));
  });

  check("takes 1970 for links that are older", async (root) => {
    await root.createSymlink(as("link"), "x", -5000);
    assertEquals((await root.lookup(as("link")))?.mtime, 0);
    assertEquals((await root.list()).entries[0]?.stat.mtime, 0);
  });

  check("refuses links without a target", async (root) => {
    await refused("unsupported", () => root.createSymlink(as("a"), "", 0), "a");
  });

  check("refuses names that are too long", async (root) => {
    const name = as("x".repeat(256));
    await refused(
      "name-too-long",
      () => root.createFile(name, bytes(""), PLAIN),
    );
    await refused("name-too-long", () => root.createDirectory(name));
    await refused("name-too-long", () => root.openWritable(name));
    await root.createDirectory(as("x".repeat(255)));
  });

  check(
    "creates nothing in a directory that was removed",
    async (root, subject) => {
      if (subject.holdsByPath) return;
      await root.createDirectory(as("gone"));
      await inside(root, "gone", async (gone) => {
        await root.removeDirectory(as("gone"));
        await refused(
          "not-found",
          () => gone.createFile(as("a"), bytes(""), PLAIN),
        );
        await refused("not-found", () => gone.createDirectory(as("a")));
      });
    },
  );
}

/** Registers the tests of this part. */
export function checkWriting(check: Check): void {
  check("makes a writable file for its owner only", async (root) => {
    const file = await root.openWritable(as("file"));
    try {
      await file.write(bytes("text"), 0);
      const stat = await file.stat();
      assertEquals([stat.kind, stat.mode, stat.size], ["file", 0o600, 4]);
    } finally {
      file.close();
    }
    assertEquals(await read(root, "file"), "text");
  });

  check("keeps what a file holds when it is opened to write", async (root) => {
    await write(root, "file", "0123456789");
    const file = await root.openWritable(as("file"));
    try {
      await file.write(bytes("ab"), 4);
      const into = new Uint8Array(10);
      assertEquals(await file.read(into, 0), 10);
      assertEquals(text(into), "0123ab6789");
      assertEquals((await file.stat()).mode, PLAIN.mode);
    } finally {
      file.close();
    }
  });

  check("fills gaps with zeros", async (root) => {
    const file = await root.openWritable(as("file"));
    try {
      await file.write(bytes("end"), 200_000);
      await file.write(bytes("start"), 0);
      await file.write(bytes(""), 900_000);
      assertEquals((await file.stat()).size, 200_003);
      const into = new Uint8Array(200_003).fill(9);
      assertEquals(await file.read(into, 0), 200_003);
      const expected = new Uint8Array(200_003);
      expected.set(bytes("start"));
      expected.set(bytes("end"), 200_000);
      assertEquals(into, expected);
    } finally {
      file.close();
    }
  });

  check("cuts files off and lengthens them with zeros", async (root) => {
    await write(root, "file", "0123456789");
    const file = await root.openWritable(as("file"));
    try {
      await file.truncate(4);
      await file.truncate(6);
      await file.write(bytes("x"), 7);
      const into = new Uint8Array(20);
      assertEquals(await file.read(into, 0), 8);
      assertEquals(text(into.subarray(0, 8)), "0123\0\0\0x");
      await file.truncate(0);
      assertEquals((await file.stat()).size, 0);
      await file.truncate(6_000_000_000);
      assertEquals((await file.stat()).size, 6_000_000_000);
      assertEquals(await file.read(into, 5_999_999_990), 10);
    } finally {
      file.close();
    }
  });

  check("sets mode and mtime of an open file at last", async (root) => {
    for (const [i, mtime] of TIMES.entries()) {
      const file = await root.openWritable(as(`file${i}`));
      try {
        await file.write(bytes("text"), 0);
        await file.setMetadata({ mode: 0o440, mtime });
        const stat = await file.stat();
        assertEquals([stat.mode, stat.mtime], [0o440, mtime]);
      } finally {
        file.close();
      }
      const stat = (await root.lookup(as(`file${i}`)))!;
      assertEquals([stat.mode, stat.mtime], [0o440, mtime]);
    }
  });
}
