import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Name,
  nameOf,
  parentOf,
  parseRelPath,
} from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { DirectoryCursor } from "../../../src/fs/directory_cursor.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { listFolders } from "../../../src/fs/trash_contents.ts";
import { TrashDirectory } from "../../../src/fs/trash_directory.ts";
import { removeFolder } from "../../../src/fs/trash_folder.ts";
import { stampOf } from "../../../src/fs/trash_stamp.ts";
import { directory, file } from "../../support/trees.ts";

const TIME = "2026-11-21T00:51:07.123Z";
const STAMP = "2026-11-21T00-51-07.123Z";
const ORIGIN = `{"version":1,"root":"/tree","time":"${TIME}"}\n`;
const DISK_FULL = new FileSystemError("no-space", "Cannot write: disk full");

/** A tree and a trash, in one file system or in two. */
class Subject {
  readonly tree: MemoryFileSystem;
  readonly bin: MemoryFileSystem;

  constructor(
    tree: Parameters<typeof MemoryFileSystem.from>[0],
    { apart = false } = {},
  ) {
    this.tree = MemoryFileSystem.from(tree);
    this.bin = apart ? new MemoryFileSystem() : this.tree;
  }

  /** Opens the trash for `use`. */
  async withTrash(
    use: (trash: TrashDirectory) => Promise<void>,
  ): Promise<void> {
    const trash = await TrashDirectory.open(this.bin, "/bin", {
      root: "/tree",
      now: () => new Date(TIME),
    });
    try {
      await use(trash);
    } finally {
      trash.close();
    }
  }

  /** Gives what is at `path` below "tree" to `trash`. */
  async take(trash: TrashDirectory, path: string): Promise<void> {
    const root = await this.tree.openRoot("/tree");
    const cursor = new DirectoryCursor(root);
    const at = parseRelPath(path);
    try {
      const parent = await cursor.at(parentOf(at)!);
      await trash.take(parent, nameOf(at), at);
    } finally {
      cursor.close();
      root.close();
    }
  }
}

for (const apart of [false, true]) {
  const where = apart ? "on another file system" : "on the same file system";

  Deno.test(`TrashDirectory takes files, links and directories, ${where}`, async () => {
    const subject = new Subject({
      "tree/a/b.txt": "text",
      "tree/a/stays": "here",
      "tree/d/deep/file": "in",
      "tree/d/deep/empty/": null,
      "tree/d/link": { symlink: "../a" },
      "tree/l": { symlink: "nowhere" },
      "tree/stays": "too",
    }, { apart });
    await subject.withTrash(async (trash) => {
      for (const path of ["a/b.txt", "d", "l"]) await subject.take(trash, path);
      assertEquals(trash.taken, 3);
    });
    assertEquals(subject.tree.dump("tree"), {
      "a/stays": "here",
      "stays": "too",
    });
    assertEquals(subject.bin.dump("bin"), {
      [`${STAMP}/files/a/b.txt`]: "text",
      [`${STAMP}/files/d/deep/empty/`]: null,
      [`${STAMP}/files/d/deep/file`]: "in",
      [`${STAMP}/files/d/link`]: { symlink: "../a" },
      [`${STAMP}/files/l`]: { symlink: "nowhere" },
      [`${STAMP}/origin.json`]: ORIGIN,
    });
  });

  Deno.test(`TrashDirectory keeps mode and mtime, ${where}`, async () => {
    const subject = new Subject({ "tree/d/file": "text", "tree/l": "" }, {
      apart,
    });
    const root = await subject.tree.openRoot("/tree");
    const inner = await root.openDirectory("d" as Name);
    await inner.setMetadata("file" as Name, { mode: 0o640, mtime: 1_001 });
    await inner.setOwnMetadata({ mode: 0o555, mtime: 1_002 });
    inner.close();
    await subject.withTrash(async (trash) => {
      await trash.take(root, "d" as Name, parseRelPath("x/d"));
    });
    root.close();
    const files = await subject.bin.openRoot(`/bin/${STAMP}/files`);
    const x = await files.openDirectory("x" as Name);
    const d = await x.openDirectory("d" as Name);
    assertEquals((await x.stat()).mode, 0o700);
    const own = await d.stat();
    assertEquals([own.mode, own.mtime], [0o555, 1_002]);
    const stat = (await d.lookup("file" as Name))!;
    assertEquals([stat.mode, stat.mtime], [0o640, 1_001]);
    for (const opened of [d, x, files]) opened.close();
  });
}

Deno.test("TrashDirectory gives a directory the mode that the scan saw", async () => {
  const subject = new Subject({ "tree/d/file": "text" });
  const root = await subject.tree.openRoot("/tree");
  const entry = directory({ file: file() }, { mode: 0o500, mtime: 7_000 });
  await subject.withTrash(async (trash) => {
    await trash.take(root, "d" as Name, parseRelPath("d"), entry);
    assertEquals(trash.taken, 2);
  });
  root.close();
  const files = await subject.bin.openRoot(`/bin/${STAMP}/files`);
  const stat = (await files.lookup("d" as Name))!;
  assertEquals([stat.mode, stat.mtime], [0o500, 7_000]);
  files.close();
});

Deno.test("TrashDirectory makes a folder for each transition, and only if it needs one", async () => {
  const subject = new Subject({ "tree/a": "1", "tree/b": "2" });
  await subject.withTrash(async (trash) => {
    trash.begin();
    assertEquals(subject.bin.dump("bin"), {});
    await subject.take(trash, "a");
    trash.begin();
    trash.begin();
    await subject.take(trash, "b");
  });
  assertEquals(subject.bin.dump("bin"), {
    [`${STAMP}/files/a`]: "1",
    [`${STAMP}/origin.json`]: ORIGIN,
    [`${STAMP}-2/files/b`]: "2",
    [`${STAMP}-2/origin.json`]: ORIGIN,
  });
});

Deno.test("TrashDirectory replaces nothing: a path that is taken goes to another folder", async () => {
  const subject = new Subject({ "tree/a": "1", "tree/b/c": "2" });
  await subject.withTrash(async (trash) => {
    await subject.take(trash, "a");
    const root = await subject.tree.openRoot("/tree");
    await root.createFile("a" as Name, Uint8Array.of(0x33), {
      mode: 0o600,
      mtime: 0,
    });
    await subject.take(trash, "a");
    // Where a file was, there can be no directory either.
    const b = await root.openDirectory("b" as Name);
    await trash.take(b, "c" as Name, parseRelPath("a/c"));
    b.close();
    root.close();
  });
  assertEquals(subject.bin.dump("bin"), {
    [`${STAMP}/files/a`]: "1",
    [`${STAMP}/origin.json`]: ORIGIN,
    [`${STAMP}-2/files/a`]: "3",
    [`${STAMP}-2/origin.json`]: ORIGIN,
    [`${STAMP}-3/files/a/c`]: "2",
    [`${STAMP}-3/origin.json`]: ORIGIN,
  });
});

Deno.test("TrashDirectory leaves the original whole, whichever call of a copy fails", async () => {
  const tree = {
    "tree/d/file": "text",
    "tree/d/sub/other": "more",
    "tree/d/sub/link": { symlink: "x" },
  };
  for (let call = 1;; call++) {
    const subject = new Subject(tree, { apart: true });
    let count = 0;
    await subject.withTrash(async (trash) => {
      subject.bin.fault = () => ++count === call ? DISK_FULL : undefined;
      try {
        await subject.take(trash, "d");
      } catch (error) {
        assertEquals(error, DISK_FULL);
        subject.bin.fault = undefined;
        assertEquals(subject.tree.dump(), tree, `call ${call}`);
        const rest = Object.keys(subject.bin.dump("bin"));
        const files = rest.filter((path) => /files\/.|incoming/.test(path));
        // A copy that has its place is complete, though nobody knows how safe.
        assert(files.length === 0 || files.length === 3, `call ${call}`);
        await subject.take(trash, "d");
      }
      subject.bin.fault = undefined;
    });
    assertEquals(subject.tree.dump("tree"), {});
    if (count < call) {
      assert(call > 15);
      return;
    }
  }
});

Deno.test("TrashDirectory removes of the original only what it has copied", async () => {
  const subject = new Subject({ "tree/d/a": "1", "tree/d/b": "2" }, {
    apart: true,
  });
  const root = await subject.tree.openRoot("/tree");
  const inner = await root.openDirectory("d" as Name);
  // Somebody adds a file and changes another while the copy is made.
  let added: Promise<void> | undefined;
  subject.bin.fault = (method, path) => {
    if (method === "rename" && path.endsWith("/copy")) added ??= edit(inner);
    return undefined;
  };
  await subject.withTrash(async (trash) => {
    await assertRejects(
      () => trash.take(root, "d" as Name, parseRelPath("d")),
      FileSystemError,
      "changed",
    );
    await added;
  });
  assertEquals(subject.tree.dump("tree"), { "d/b": "changed", "d/new": "new" });
  assertEquals(subject.bin.dump(`bin/${STAMP}/files`), {
    "d/a": "1",
    "d/b": "2",
  });
  inner.close();
  root.close();
});

Deno.test("listFolders() sorts the newest first, and names what is no folder", async () => {
  const origin = ORIGIN.trim();
  const fs = MemoryFileSystem.from({
    [`bin/${STAMP}/origin.json`]: origin,
    [`bin/${STAMP}-2/origin.json`]: origin,
    [`bin/${STAMP}-10/origin.json`]: origin,
    "bin/2026-11-22T00-00-00.000Z/origin.json": origin,
    "bin/2026-11-23T00-00-00.000Z/origin.json": '{"version":2}',
    "bin/2026-11-24T00-00-00.000Z/origin.json": '{"vers',
    "bin/2026-11-25T00-00-00.000Z/": null,
    "bin/2026-11-26T00-00-00.000Z/files/": null,
    "bin/2026-11-27T00-00-00.000Z/files/a": "whose?",
    "bin/notes.txt": "mine",
  });
  const bin = await fs.openRoot("/bin");
  const { folders, strangers, bare } = await listFolders(bin);
  bin.close();
  assertEquals(bare.map((stamp) => stamp as string).sort(), [
    "2026-11-25T00-00-00.000Z",
    "2026-11-26T00-00-00.000Z",
  ]);
  assertEquals(folders.map(({ stamp }) => stamp as string), [
    "2026-11-22T00-00-00.000Z",
    `${STAMP}-10`,
    `${STAMP}-2`,
    STAMP,
  ]);
  assertEquals(folders[3]!.root, "/tree");
  assertEquals(folders[3]!.time.toISOString(), TIME);
  assertEquals(
    strangers.map(({ name, isDamaged }) => [name, isDamaged]).sort(),
    [
      ["2026-11-23T00-00-00.000Z", true],
      ["2026-11-24T00-00-00.000Z", true],
      ["2026-11-27T00-00-00.000Z", true],
      ["notes.txt", false],
    ],
  );
});

Deno.test("TrashDirectory says of which tree a folder is only where entries can be put", async () => {
  for (let call = 1;; call++) {
    const subject = new Subject({ "tree/a": "1" });
    let count = 0;
    // As if killed: from this call on nothing happens any more.
    subject.bin.fault = () => ++count >= call ? DISK_FULL : undefined;
    let failed = false;
    try {
      await subject.withTrash((trash) => subject.take(trash, "a"));
    } catch (error) {
      assertEquals(error, DISK_FULL);
      failed = true;
    }
    subject.bin.fault = undefined;
    if (!failed) return;
    const paths = Object.keys(subject.bin.dump());
    if (paths.some((path) => path.endsWith("origin.json"))) {
      assert(paths.some((path) => path.includes("/files/")), `call ${call}`);
    }
  }
});

async function edit(inner: Directory): Promise<void> {
  const metadata = { mode: 0o600, mtime: 5 };
  const encoder = new TextEncoder();
  await inner.createFile("new" as Name, encoder.encode("new"), metadata);
  await inner.removeFile("b" as Name);
  await inner.createFile("b" as Name, encoder.encode("changed"), metadata);
}

Deno.test("TrashDirectory begins anew when somebody empties it meanwhile", async () => {
  const subject = new Subject({ "tree/a": "1", "tree/b": "2" });
  await subject.withTrash(async (trash) => {
    await subject.take(trash, "a");
    const bin = await subject.tree.openRoot("/bin");
    await removeFolder(bin, stampOf(new Date(TIME), 1));
    bin.close();
    await subject.take(trash, "b");
    await assertRejects(() => subject.take(trash, "none"), FileSystemError);
  });
  assertEquals(subject.bin.dump("bin"), {
    [`${STAMP}/files/b`]: "2",
    [`${STAMP}/origin.json`]: ORIGIN,
  });
});
