import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertEnded, assertIdle, summaryOf } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { link, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

/** A tree in which each entry belongs to somebody else. */
async function writeOwned(root: string): Promise<void> {
  writeTree(root, {
    file: "content",
    large: "x".repeat(1_200_000),
    link: link("file"),
    directory: { empty: {}, file: "content" },
  });
  const owners = {
    ".": "12:34",
    file: "1000:100",
    large: "1001:101",
    link: "1002:102",
    directory: "1003:103",
    "directory/empty": "1004:104",
    "directory/file": "65534:65534",
  };
  for (const [path, owner] of Object.entries(owners)) {
    const args = ["-h", owner, `${root}/${path}`];
    assertEquals((await command("chown", args)).code, 0);
  }
}

/** Fails unless rsync, as root, sees nothing to do: owners included. */
async function assertSameOwners(source: string, target: string): Promise<void> {
  await assertSameTree(source, target);
  const { stdout } = await command("rsync", [
    "-nai",
    "--numeric-ids",
    "--delete",
    `${source}/`,
    `${target}/`,
  ]);
  assertEquals(stdout, "");
}

for (const isRemote of [false, true]) {
  const way = isRemote ? "over a socket, where both sides say so" : "locally";

  test(`--owner makes owners equal, in new and old entries, ${way}`, [
    "root",
    "rsync",
    "linux",
  ], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    await writeOwned(source);
    await using receiver = isRemote
      ? await listen(target, ["--owner", "--keep-listening"])
      : undefined;
    const to = receiver?.url ?? target;
    assertEnded(await sync(source, to, ["--owner"]));
    await assertSameOwners(source, target);
    assertIdle(await sync(source, to, ["--owner"]));

    // Owners alone differ: nothing is copied.
    await command("chown", ["-R", "-h", "5:5", target]);
    const ended = await sync(source, to, ["--owner"]);
    assertEnded(ended);
    await assertSameOwners(source, target);
    assertEquals(summaryOf(ended).bytes, 0);
  });
}

test("without --owner, owners are neither set nor compared", [
  "root",
  "linux",
], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.at("target");
  await writeOwned(source);
  assertEnded(await sync(source, target));
  const { uid, gid } = Deno.lstatSync(`${target}/file`);
  assertEquals([uid, gid], [Deno.uid(), Deno.gid()]);
  assertIdle(await sync(source, target));
});

test("a listener that does not allow it sets no owners, and says so", [
  "root",
  "linux",
], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { file: "content" });
  await using receiver = await listen(temp.at("target"), ["--keep-listening"]);
  const ended = await sync(source, receiver.url, ["--owner"]);
  assertEquals(ended.code, 5);
  assertStringIncludes(ended.stderr, "can't set owners");
  assertEquals([...Deno.readDirSync(temp.at("target"))], []);
});
