import { assert, assertEquals } from "@std/assert";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  problemPaths,
} from "../support/carriers.ts";
import { exists, link, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree, Canary, listTree } from "../support/oracle.ts";
import { TempDir } from "../support/temp.ts";

/** Links of every sort; `outside` is the path of a directory. */
function makeLinks(source: string, outside: string): void {
  writeTree(source, {
    directory: { file: "in directory", inner: { file: "in inner" } },
    file: "content",
    "to file": link("file"),
    "to directory": link("directory"),
    "to inner": link("directory/inner/"),
    "to outside": link(outside),
    "to outside file": link(`${outside}/file`),
    dangling: link("nowhere/at all"),
    "dangling outside": link("/nowhere/at/all"),
    long: link("x/".repeat(2_000)),
    twice: link("to directory"),
  });
}

for (const { name, mirror } of CARRIERS) {
  test(
    `I10, I11: --symlinks copy carries every link as it is, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.at("target");
      const canary = new Canary(temp.at("canary"));
      makeLinks(source, canary.path);
      writeTree(source, {
        loop: link("loop"),
        "loop a": link("loop b"),
        "loop b": link("loop a"),
        up: link(".."),
        here: link("."),
      });
      for (const args of [[], ["--symlinks", "copy"]]) {
        assertEnded(await mirror(source, target, args));
        await assertSameTree(source, target);
      }
      assertIdle(await mirror(source, target));
      canary.assertAlive();
    },
  );

  test(`--symlinks skip leaves links alone on both sides, ${name}`, [
    "symlinks",
  ], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    makeLinks(source, temp.directory("outside"));
    writeTree(target, { own: link("kept"), extra: "goes" });
    assertEnded(await mirror(source, target, ["--symlinks", "skip"]));
    const links = [...listTree(target)].filter(([, { kind }]) =>
      kind === "symlink"
    );
    assertEquals(links.map(([path]) => path), ["own"]);
    await assertSameTree(source, target, {
      metadata: false,
      rsync: ["--no-links", "--info=nonreg0"],
      except: ["own"],
    });
    assertIdle(await mirror(source, target, ["--symlinks", "skip"]));
  });

  test(`--symlinks follow sends what links point to, ${name}`, [
    "symlinks",
    "rsync",
  ], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    const outside = temp.directory("outside");
    writeTree(outside, { file: "outside", inner: { file: "x" } });
    makeLinks(source, outside);
    const unresolved = ["dangling", "dangling outside", "long"];
    const ended = await mirror(source, target, ["--symlinks", "follow"]);
    assertEnded(ended, 3);
    assertEquals(problemPaths(ended), unresolved);

    for (const path of unresolved) Deno.removeSync(`${source}/${path}`);
    const args = ["--symlinks", "follow"];
    assertEnded(await mirror(source, target, args));
    await assertSameTree(source, target, {
      metadata: false,
      rsync: ["--copy-links"],
    });
    assertEquals(
      [...listTree(target).values()].filter((it) => it.kind === "symlink"),
      [],
    );
    assertIdle(await mirror(source, target, args));
  });

  test(`--symlinks follow ends also where links lead in circles, ${name}`, [
    "symlinks",
  ], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, {
      directory: { up: link(".."), here: link("."), file: "content" },
      self: link("self"),
      file: "content",
    });
    const ended = await mirror(source, target, ["--symlinks", "follow"]);
    assertEnded(ended, 3);
    assert(problemPaths(ended).includes("self"));
    assert(problemPaths(ended).includes("directory/up"));
    assertEquals(Deno.readTextFileSync(`${target}/directory/file`), "content");
    assert(!exists(`${target}/directory/up/directory/up`));
  });

  test(
    `links at the target are never followed, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      const canary = new Canary(temp.at("canary"));
      writeTree(source, {
        directory: { file: "mine", directory: { inner: "mine" } },
        file: "mine",
        deep: { directory: { file: "mine" } },
        link: link(`${canary.path}/file`),
      });
      writeTree(target, {
        directory: link(canary.path),
        file: link(`${canary.path}/file`),
        deep: { directory: link(canary.path) },
        link: "a file",
        extra: link(canary.path),
      });
      for (const args of [["--no-delete"], [], ["--checksum"]]) {
        assertEnded(await mirror(source, target, args));
        canary.assertAlive();
      }
      await assertSameTree(source, target);
    },
  );

  test(
    `a link whose mtime alone differs is set right, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { link: link("x") });
      writeTree(target, { link: link("x") });
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
      assertIdle(await mirror(source, target));
    },
  );

  test(
    `I12: hard links become files of their own, and outside ones stay whole, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      const canary = new Canary(temp.at("canary"));
      writeTree(source, { one: "new content", big: new Uint8Array(900_000) });
      Deno.linkSync(`${source}/one`, `${source}/two`);
      // Writing in place would reach the canary.
      Deno.linkSync(`${canary.path}/file`, `${target}/one`);
      Deno.linkSync(`${canary.path}/directory/inner`, `${target}/big`);
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
      for (const file of ["file", "directory/inner"]) {
        const text = Deno.readTextFileSync(`${canary.path}/${file}`);
        assertEquals(text, "canary");
      }
    },
  );
}
