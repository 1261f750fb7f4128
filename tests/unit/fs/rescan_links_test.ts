import { assertEquals } from "@std/assert";
import type { Name, RelPath } from "../../../src/core/path.ts";
import { entryAt, type ScanOptions } from "../../../src/core/snapshot.ts";
import { DirtyPaths, MAX_PATHS } from "../../../src/fs/dirty_paths.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { rescan } from "../../../src/fs/rescan.ts";
import { scan } from "../../../src/fs/scan.ts";
import { plainTree } from "../../support/plain_tree.ts";

const OPTIONS: ScanOptions = {
  checksum: true,
  symlinks: "copy",
  modes: true,
  ignore: { rules: [], files: [] },
};

function as(name: string): Name {
  return name as Name;
}

async function write(
  directory: Directory,
  name: string,
  byte: number,
): Promise<void> {
  const file = await directory.openWritable(as(name));
  await file.write(Uint8Array.of(byte), 0);
  file.close();
}

/**
 * A tree with a file that is called `d/one`, `two` and `three` in the directory at
 * `path`, which holds another one, too.
 */
async function namedThrice(
  path: string,
): Promise<Record<"root" | "d" | "other", Directory>> {
  const root = await MemoryFileSystem.from({
    "d/one": "0",
    [`${path}/other`]: "0",
    "single": "0",
  }).openRoot("");
  const d = await root.openDirectory(as("d"));
  const [first, second] = path.split("/");
  const other = second === undefined
    ? await root.openDirectory(as(first!))
    : await d.openDirectory(as(second));
  await d.link(as("one"), root, as("two"));
  await d.link(as("one"), other, as("three"));
  return { root, d, other };
}

Deno.test("rescan() finds a change by one name of a file at all its names", async () => {
  const { root, d, other: deep } = await namedThrice("d/deep");
  const before = await scan(root, OPTIONS);
  await write(root, "two", 0x31);
  const look = DirtyPaths.of(["two" as RelPath]);
  const { snapshot, vanished } = await rescan(root, before, look, OPTIONS);
  const whole = await scan(root, OPTIONS);
  assertEquals(plainTree(snapshot.root), plainTree(whole.root));
  assertEquals(snapshot.totals, whole.totals);
  assertEquals(vanished, []);
  const digests = ["two", "d/one", "d/deep/three"].map((path) => {
    const entry = entryAt(snapshot.root, path as RelPath);
    return entry?.kind === "file" ? entry.digest : undefined;
  });
  assertEquals(new Set(digests).size, 1);
  // What is not changed is taken over, as the same objects.
  for (const path of ["single", "d/deep/other"]) {
    assertEquals(
      entryAt(snapshot.root, path as RelPath) ===
        entryAt(before.root, path as RelPath),
      true,
    );
  }
  // A name that goes leaves the others.
  await root.removeFile(as("two"));
  const gone = await rescan(root, snapshot, look, OPTIONS);
  assertEquals(gone.vanished, ["two" as RelPath]);
  assertEquals(gone.snapshot.totals.files, 4);
  await write(deep, "three", 0x32);
  const three = DirtyPaths.of(["d/deep/three" as RelPath]);
  const last = await rescan(root, gone.snapshot, three, OPTIONS);
  assertEquals(
    last.snapshot.root.digest,
    (await scan(root, OPTIONS)).root.digest,
  );
  for (const directory of [deep, d, root]) directory.close();
});

/** Ways in which a name goes right after the file was written to by it. */
const GOING: readonly {
  readonly what: string;
  readonly dirty: string;
  go(root: Directory, d: Directory): Promise<void>;
}[] = [
  {
    what: "a name that is removed",
    dirty: "two",
    go: (root) => root.removeFile(as("two")),
  },
  {
    what: "a name that is given to another file",
    dirty: "two",
    go: (root) => root.rename(as("single"), root, as("two")),
  },
  {
    what: "a name that becomes one of a directory",
    dirty: "two",
    async go(root): Promise<void> {
      await root.removeFile(as("two"));
      await root.createDirectory(as("two"));
    },
  },
  {
    what: "a directory with a name in it",
    dirty: "d",
    async go(root, d): Promise<void> {
      await write(d, "one", 0x33);
      await d.removeFile(as("one"));
      await root.removeDirectory(as("d"));
    },
  },
];

for (const checksum of [true, false]) {
  for (const { what, dirty, go } of GOING) {
    Deno.test(`rescan() looks at the other names of a file that was changed by ${what}${checksum ? ", by content" : ""}`, async () => {
      const options = { ...OPTIONS, checksum };
      const { root, d, other } = await namedThrice("e");
      const before = await scan(root, options);
      await write(root, "two", 0x32);
      await go(root, d);
      const look = DirtyPaths.of([dirty, "single"] as RelPath[]);
      const { snapshot } = await rescan(root, before, look, options);
      const whole = await scan(root, options);
      assertEquals(plainTree(snapshot.root), plainTree(whole.root));
      assertEquals(snapshot.totals, whole.totals);
      for (const directory of [other, d, root]) directory.close();
    });
  }
}

/** A tree in which each of `count` files of `d` has another name in `e`. */
async function linkedTwice(count: number): Promise<Directory> {
  const files: Record<string, string> = {};
  for (let i = 0; i < count; i++) files[`d/f${i}`] = "0";
  const root = await MemoryFileSystem.from(files).openRoot("");
  await root.createDirectory(as("e"));
  const d = await root.openDirectory(as("d"));
  const e = await root.openDirectory(as("e"));
  for (let i = 0; i < count; i++) {
    await d.link(as(`f${i}`), e, as(`g${i}`));
  }
  d.close();
  e.close();
  return root;
}

Deno.test("rescan() looks at other names, however many there are", async () => {
  const root = await linkedTwice(MAX_PATHS + 1);
  const options = { ...OPTIONS, checksum: false };
  const before = await scan(root, options);
  const d = await root.openDirectory(as("d"));
  const file = await d.openWritable(as("f7"));
  await file.write(Uint8Array.of(0x31, 0x32), 0);
  file.close();
  for (let i = 0; i <= MAX_PATHS; i++) await d.removeFile(as(`f${i}`));
  d.close();
  await root.removeDirectory(as("d"));
  const look = DirtyPaths.of(["d" as RelPath]);
  const { snapshot } = await rescan(root, before, look, options);
  const whole = await scan(root, options);
  assertEquals(snapshot.root.digest, whole.root.digest);
  root.close();
});

Deno.test("rescan() looks at no other names where none has gone or changed", async () => {
  const root = await linkedTwice(50);
  const options = { ...OPTIONS, checksum: false };
  const before = await scan(root, options);
  assertEquals(before.linked.size, 50);
  const looked: string[] = [];
  const watched = new Proxy(root, {
    get(target, key): unknown {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (key === "openDirectory") looked.push(String(args[0]));
        return value.apply(target, args);
      };
    },
  });
  const d = await root.openDirectory(as("d"));
  await d.createSymlink(as("new"), "anywhere", 1e12);
  d.close();
  const look = DirtyPaths.of(["d" as RelPath]);
  const changed = await rescan(watched, before, look, options);
  assertEquals(looked, ["d"]);
  const whole = await scan(root, options);
  assertEquals(plainTree(changed.snapshot.root), plainTree(whole.root));
  // Nor where the directory has another name now.
  looked.length = 0;
  await root.rename(as("d"), root, as("c"));
  const both = DirtyPaths.of(["c", "d"] as RelPath[]);
  const renamed = await rescan(watched, changed.snapshot, both, options);
  assertEquals(looked, []);
  assertEquals(
    renamed.snapshot.root.digest,
    (await scan(root, options)).root.digest,
  );
  root.close();
});

Deno.test("a file that has one name left is none with several any more", async () => {
  const root = await linkedTwice(2);
  const before = await scan(root, OPTIONS);
  const d = await root.openDirectory(as("d"));
  await d.removeFile(as("f0"));
  d.close();
  const look = DirtyPaths.of(["d/f0" as RelPath]);
  const { snapshot } = await rescan(root, before, look, OPTIONS);
  assertEquals(snapshot.linked.size, 1);
  assertEquals(
    plainTree(snapshot.root),
    plainTree((await scan(root, OPTIONS)).root),
  );
  root.close();
});
