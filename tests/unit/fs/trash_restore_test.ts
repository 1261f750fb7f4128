import { assertEquals } from "@std/assert";
import { type Name, parseRelPath } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { RestoreWorkshop } from "../../../src/fs/restore_workshop.ts";
import { restore } from "../../../src/fs/trash_restore.ts";

type Tree = Parameters<typeof MemoryFileSystem.from>[0];

const TRASH: Tree = {
  "files/a": "old a",
  "files/d/b": "old b",
  "files/d/e/c": "old c",
  "files/d/e/link": { symlink: "../.." },
  "files/empty/": null,
};

const WHOLE: Tree = {
  "a": "old a",
  "d/b": "old b",
  "d/e/c": "old c",
  "d/e/link": { symlink: "../.." },
  "empty/": null,
};

/** A trash and a tree, in one file system or in two. */
class Subject {
  readonly bin: MemoryFileSystem;
  readonly tree: MemoryFileSystem;
  readonly said: string[] = [];

  constructor(tree: Tree, apart = false) {
    this.tree = MemoryFileSystem.from(
      apart ? { "tree/": null, ...below("tree", tree) } : {
        "tree/": null,
        ...below("tree", tree),
        ...below("bin", TRASH),
      },
    );
    this.bin = apart ? MemoryFileSystem.from(below("bin", TRASH)) : this.tree;
  }

  async restore(path: string): Promise<void> {
    const files = await this.bin.openRoot("/bin/files");
    const root = await this.tree.openRoot("/tree");
    try {
      await restore(parseRelPath(path), {
        files,
        root,
        listener: {
          restored: (path, kind) => void this.said.push(`${kind} ${path}`),
          leftOut: (path, why) => void this.said.push(`no ${path}: ${why}`),
        },
      });
    } finally {
      root.close();
      files.close();
    }
  }

  get trash(): Tree {
    return this.bin.dump("bin/files");
  }

  get restored(): Tree {
    return this.tree.dump("tree");
  }
}

for (const apart of [false, true]) {
  const where = apart
    ? "from another file system"
    : "from the same file system";

  Deno.test(`restore() puts a file, a directory and all of it back, ${where}`, async () => {
    const subject = new Subject({ other: "stays" }, apart);
    await subject.restore("d/e/c");
    assertEquals(subject.restored, { "d/e/c": "old c", "other": "stays" });
    await subject.restore("d");
    await subject.restore("");
    assertEquals(subject.restored, { ...WHOLE, other: "stays" });
    assertEquals(subject.trash, {});
    assertEquals(subject.said, [
      "file d/e/c",
      "file d/b",
      "symlink d/e/link",
      "file a",
      "directory empty",
    ]);
  });

  Deno.test(`restore() replaces nothing, ${where}`, async () => {
    const tree = { "a": "new a", "d/b": { symlink: "x" }, "d/e": "file" };
    const subject = new Subject(tree, apart);
    await subject.restore("");
    assertEquals(subject.restored, { ...tree, "empty/": null });
    assertEquals(subject.trash, {
      "a": "old a",
      "d/b": "old b",
      "d/e/c": "old c",
      "d/e/link": { symlink: "../.." },
    });
    assertEquals(subject.said, [
      "no a: It is there",
      "no d/b: It is there",
      "no d/e: It is there",
      "directory empty",
    ]);
  });

  Deno.test(`restore() follows no link on the way, ${where}`, async () => {
    const tree = { "d": { symlink: "outside" }, "outside/": null };
    const subject = new Subject(tree, apart);
    await subject.restore("d/b");
    await subject.restore("d");
    assertEquals(subject.restored, tree);
    assertEquals(subject.trash, below("", TRASH, "files/"));
    assertEquals(subject.said.length, 2);
  });

  Deno.test(`restore() makes missing directories as they are in the trash, ${where}`, async () => {
    const subject = new Subject({}, apart);
    const files = await subject.bin.openRoot("/bin/files");
    await files.setMetadata("d" as Name, { mode: 0o550, mtime: 5_000 });
    files.close();
    await subject.restore("d/b");
    const root = await subject.tree.openRoot("/tree");
    const stat = (await root.lookup("d" as Name))!;
    assertEquals([stat.mode, stat.mtime], [0o550, 5_000]);
    root.close();
  });
}

Deno.test("restore() loses nothing when the disk is full in the middle of a copy", async () => {
  for (let call = 1;; call++) {
    const subject = new Subject({}, true);
    let count = 0;
    subject.tree.fault = () =>
      ++count === call
        ? new FileSystemError("no-space", "Cannot write: disk full")
        : undefined;
    await subject.restore("d").catch(() => {});
    subject.tree.fault = undefined;
    const places = [subject.trash, subject.tree.dump("tree")];
    for (const [path, entry] of Object.entries(WHOLE)) {
      const found = places.filter((place) => path in place);
      assertEquals(found.length > 0, true, `${path} after call ${call}`);
      for (const place of found) assertEquals(place[path], entry);
    }
    if (count < call) return;
  }
});

Deno.test("restore() removes the workshops of those who were killed, and of nobody else", async () => {
  const tree = {
    ".lockstep/restore/copy": "half",
    ".lockstep/restore/lock": "",
    ".lockstep/restore2/copy/deep/file": "half",
    ".lockstep/restore7/lock": "",
    ".lockstep/restore7/copy": "at work",
    ".lockstep/restored": "not ours",
    ".lockstep/stage/a": "on its way",
  };
  const subject = new Subject(tree, true);
  const other = await subject.tree.openRoot("/tree/.lockstep/restore7");
  const lock = await other.lock("lock" as Name);
  await subject.restore("a");
  assertEquals(subject.said, ["file a"]);
  assertEquals(subject.restored, {
    "a": "old a",
    ".lockstep/restore7/lock": "",
    ".lockstep/restore7/copy": "at work",
    ".lockstep/restored": "not ours",
    ".lockstep/stage/a": "on its way",
  });
  lock.release();
  other.close();
});

Deno.test("restore() leaves another restore at work its workshop, and takes its own away", async () => {
  const subject = new Subject({}, true);
  const root = await subject.tree.openRoot("/tree");
  const first = new RestoreWorkshop(root);
  const second = new RestoreWorkshop(root);
  const metadata = { mode: 0o600, mtime: 0 };
  for (const workshop of [first, second]) {
    const directory = await workshop.open();
    await directory.createFile("copy" as Name, Uint8Array.of(0x31), metadata);
  }
  assertEquals(
    Object.keys(subject.restored).filter((path) => path.endsWith("/copy")),
    [".lockstep/restore/copy", ".lockstep/restore2/copy"],
  );
  await first.close();
  await second.close();
  assertEquals(subject.restored, {});
  root.close();
});

/** `tree` below the directory `at`, and without `prefix`. */
function below(at: string, tree: Tree, prefix = ""): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([path, entry]) => [
      (at === "" ? "" : `${at}/`) + path.slice(prefix.length),
      entry,
    ]),
  );
}
