/** What every {@link FileSystem} has to keep; run on each of them. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Name } from "../../src/core/path.ts";
import { FileSystemError, type FileSystemErrorCode } from "../../src/errors.ts";
import type { Directory, FileSystem } from "../../src/fs/file_system.ts";

/** A file system under test, and an empty directory in it. */
export interface Subject {
  readonly fs: FileSystem;
  /** Path of the directory; what is below it is free for the test. */
  readonly root: string;
  /** An open directory is lost, with an error, when somebody moves or removes it. */
  readonly holdsByPath?: boolean;
  /** Makes a fifo, where the test has the means. */
  readonly makeSpecial?: (path: string) => Promise<void>;
  close(): Promise<void>;
}

/** Content and metadata where a test does not care. */
const PLAIN = { mode: 0o644, mtime: 1_600_000_000_123 };

/** Whole milliseconds that a lossy conversion would change. */
const TIMES = [
  0,
  1,
  999,
  1_234_567_890_001,
  1_600_000_000_123,
  1_700_000_000_007,
  2_186_767_390_240,
  4_102_444_800_999,
  5_000_000_000_001,
  -1,
  -1500,
  -86_400_001,
];

/** Registers the tests of the contract for the file system that `open` makes. */
export function fileSystemContract(
  name: string,
  open: () => Promise<Subject>,
): void {
  function check(
    title: string,
    run: (root: Directory, subject: Subject) => Promise<void>,
  ): void {
    Deno.test(`${name} ${title}`, async () => {
      const subject = await open();
      try {
        const root = await subject.fs.openRoot(subject.root);
        try {
          await run(root, subject);
        } finally {
          root.close();
        }
      } finally {
        await subject.close();
      }
    });
  }

  checkRoots(check);
  checkLooking(check);
  checkReading(check);
  checkCreating(check);
  checkWriting(check);
  checkMetadata(check);
  checkMoving(check);
  checkRemoving(check);
  checkFollowing(check);
  checkLocks(check);
}

type Check = (
  title: string,
  run: (root: Directory, subject: Subject) => Promise<void>,
) => void;

function checkRoots(check: Check): void {
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

function checkLooking(check: Check): void {
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

function checkReading(check: Check): void {
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

function checkCreating(check: Check): void {
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

function checkWriting(check: Check): void {
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

function checkMetadata(check: Check): void {
  check("keeps mtimes to the millisecond", async (root) => {
    for (const [i, mtime] of TIMES.entries()) {
      const name = as(`file${i}`);
      await root.createFile(name, bytes("text"), { mode: 0o644, mtime });
      assertEquals((await root.lookup(name))?.mtime, mtime);
      await root.setMetadata(name, { mode: 0o644, mtime: 77 });
      await root.setMetadata(name, { mode: 0o644, mtime });
      assertEquals((await root.lookup(name))?.mtime, mtime);
    }
    for (const [i, mtime] of TIMES.entries()) {
      if (mtime < 0) continue;
      await root.createSymlink(as(`link${i}`), "x", mtime);
      assertEquals((await root.lookup(as(`link${i}`)))?.mtime, mtime);
    }
  });

  check("sets mode and mtime of files and directories", async (root) => {
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    for (const name of [as("file"), as("directory")]) {
      for (const mode of [0o400, 0o777, 0, 0o200, 0o755]) {
        await root.setMetadata(name, { mode, mtime: mode * 1000 + 1 });
        const stat = (await root.lookup(name))!;
        assertEquals([stat.mode, stat.mtime], [mode, mode * 1000 + 1]);
      }
    }
    assertEquals(await read(root, "file"), "text");
    await refused(
      "not-found",
      () => root.setMetadata(as("none"), PLAIN),
      "none",
    );
  });

  check(
    "sets no metadata through a link or of a fifo",
    async (root, subject) => {
      await write(root, "file", "text");
      await root.createSymlink(as("link"), "file", 0);
      const names = ["link"];
      if (subject.makeSpecial !== undefined) {
        await subject.makeSpecial(`${subject.root}/fifo`);
        names.push("fifo");
      }
      const before = await root.lookup(as("file"));
      for (const name of names) {
        await refused(
          "unsupported",
          () => root.setMetadata(as(name), { mode: 0o600, mtime: 1 }),
          name,
        );
      }
      assertEquals(await root.lookup(as("file")), before);
    },
  );

  check("sets mode and mtime of an open directory", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      await write(a, "file", "text");
      for (const mtime of TIMES) {
        await a.setOwnMetadata({ mode: 0o750, mtime });
        const stat = (await root.lookup(as("a")))!;
        assertEquals([stat.mode, stat.mtime], [0o750, mtime]);
      }
    });
  });

  check("changes a directory's mtime with its entries", async (root) => {
    const old = { mode: 0o755, mtime: 1000 };
    await root.setOwnMetadata(old);
    await write(root, "file", "text");
    assertNotEquals((await root.stat()).mtime, 1000);
    await root.setOwnMetadata(old);
    await root.removeFile(as("file"));
    assertNotEquals((await root.stat()).mtime, 1000);
  });
}

function checkMoving(check: Check): void {
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

function checkRemoving(check: Check): void {
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

function checkFollowing(check: Check): void {
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

function checkLocks(check: Check): void {
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

/** Runs `use` in the directory `name`, and closes it. */
async function inside(
  parent: Directory,
  name: string,
  use: (directory: Directory) => Promise<void>,
): Promise<void> {
  const directory = await parent.openDirectory(as(name));
  try {
    await use(directory);
  } finally {
    directory.close();
  }
}

/** Expects that `run` fails with `code`, in one readable line that names `named`. */
async function refused(
  code: FileSystemErrorCode,
  run: () => Promise<unknown>,
  named = "",
): Promise<FileSystemError> {
  const error = await assertRejects(run, FileSystemError);
  assertEquals(error.code, code, error.message);
  assertEquals(/^Cannot .+: .*[^.]$/.test(error.message), true, error.message);
  assertStringIncludes(error.message, named);
  assert(!error.message.includes("/proc/"), error.message);
  return error;
}

async function write(
  directory: Directory,
  name: string,
  content: string,
): Promise<void> {
  await directory.createFile(as(name), bytes(content), PLAIN);
}

async function read(directory: Directory, name: string): Promise<string> {
  const into = new Uint8Array(1000);
  const { length } = await directory.readFile(as(name), into);
  return text(into.subarray(0, length));
}

function as(name: string): Name {
  return name as Name;
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}
