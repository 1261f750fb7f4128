/** A trash on the real disk: in the same file system, and in another one. */
import { assertEquals } from "@std/assert";
import { type Name, parseRelPath } from "../../src/core/path.ts";
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import { TrashDirectory } from "../../src/fs/trash_directory.ts";
import { restore } from "../../src/fs/trash_restore.ts";
import { makeAwkwardTree } from "../support/awkward_tree.ts";
import { namesIn } from "../support/disk_tree.ts";
import { assertSameTree, type SameTreeOptions } from "../support/oracle.ts";
import { TempDir } from "../support/temp.ts";
import { testOnTwoDisks } from "../support/two_disks.ts";

const STAMP = "2026-11-21T00-51-07.123Z";

Deno.test("an awkward tree goes to a trash on the same file system and back", async () => {
  await using temp = new TempDir();
  await goThereAndBack(temp, temp.directory("bin"));
});

testOnTwoDisks(
  "an awkward tree goes to a trash on another file system and back",
  // Not every disk can hold all times.
  (temp, bin) => goThereAndBack(temp, bin, { except: ["times"] }),
);

testOnTwoDisks(
  "a sparse file takes no more room in a trash on another file system",
  async (temp, bin) => {
    const path = `${temp.directory("tree")}/sparse`;
    const size = 64 * 1024 * 1024;
    using file = Deno.openSync(path, { write: true, createNew: true });
    file.seekSync(size / 2, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode("in the middle"));
    file.truncateSync(size);

    await take(temp.at("tree"), "sparse", bin);
    const copy = `${bin}/${STAMP}/files/sparse`;
    const info = Deno.statSync(copy);
    assertEquals(info.size, size);
    assertEquals(info.blocks! * 512 < 1024 * 1024, true, `${info.blocks}`);
    const bytes = Deno.readFileSync(copy);
    const middle = bytes.subarray(size / 2, size / 2 + 13);
    assertEquals(new TextDecoder().decode(middle), "in the middle");
    assertEquals(namesIn(temp.at("tree")), []);
  },
);

async function goThereAndBack(
  temp: TempDir,
  bin: string,
  options: SameTreeOptions = {},
): Promise<void> {
  for (const name of ["tree", "same"]) {
    Deno.mkdirSync(temp.at(name, "d"), { recursive: true });
    makeAwkwardTree(temp.at(name, "d"), { seed: 7 });
  }
  await take(temp.at("tree"), "d", bin);
  assertEquals(namesIn(temp.at("tree")), []);
  await assertSameTree(
    temp.at("same", "d"),
    `${bin}/${STAMP}/files/d`,
    options,
  );

  const fileSystem = new DenoFileSystem();
  const files = await fileSystem.openRoot(`${bin}/${STAMP}/files`);
  const root = await fileSystem.openRoot(temp.at("tree"));
  try {
    const refused: string[] = [];
    await restore(parseRelPath("d"), {
      files,
      root,
      listener: {
        restored: () => {},
        leftOut: (path, message) => void refused.push(`${path}: ${message}`),
      },
    });
    assertEquals(refused, []);
  } finally {
    files.close();
    root.close();
  }
  await assertSameTree(temp.at("same", "d"), temp.at("tree", "d"), options);
  assertEquals(namesIn(temp.at("tree")), ["d"]);
  assertEquals(namesIn(`${bin}/${STAMP}/files`), []);
}

/** Gives the entry `name` of the directory `tree` to a trash in `bin`. */
async function take(tree: string, name: string, bin: string): Promise<void> {
  const fileSystem = new DenoFileSystem();
  const now = (): Date => new Date("2026-11-21T00:51:07.123Z");
  using trash = await TrashDirectory.open(fileSystem, bin, { root: tree, now });
  const root = await fileSystem.openRoot(tree);
  try {
    await trash.take(root, name as Name, parseRelPath(name));
  } finally {
    root.close();
  }
}
