/** Names, kinds and times that are legal, and that sync tools have stumbled over. */
import { assert, assertEquals } from "@std/assert";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  problemPaths,
} from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import {
  type DiskLiteral,
  exists,
  link,
  namesIn,
  writeTree,
} from "../support/disk_tree.ts";
import { meanwhile } from "../support/meanwhile.ts";
import { test } from "../support/needs.ts";
import { assertSameTree, Canary } from "../support/oracle.ts";
import { run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

/** More entries, where there is time for them. */
const MANY = Deno.env.get("LOCKSTEP_SCALE") === undefined ? 10_000 : 100_000;

/** By row. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  I01: [
    ...["line\nbreak", "tab\t", "\u001b[2J", '"', "'", "`id`", "$(id)", ";"],
    ...["trailing ", " leading", "-rf", "--delete", "--", "~", "*", "?", "\\"],
  ],
  I02: ["x".repeat(255), "漢".repeat(85), "é".repeat(127), "👍".repeat(63)],
  I05: ["caf\u00e9", "cafe\u0301", "\u212b", "\u00c5", "A\u030a"],
  I06: ["case", "Case", "CASE", "straße", "strasse", "i", "I", "ı", "İ"],
  I07: ["CON", "aux.txt", "dot.", "space ", "a:b", "a?b", "COM¹", "git~1"],
  I20: ["%2e%2e", "%2e%2e%2fx", "%00", "&lt;b&gt;", "\\u0000", "+"],
};

const ALL = Object.values(NAMES).flat();

/** An entry of each name. */
function named(make: (name: string) => DiskLiteral): DiskLiteral {
  return Object.fromEntries(ALL.map((name) => [name, make(name)]));
}

for (const { name: carrier, mirror } of CARRIERS) {
  test(
    `${
      Object.keys(NAMES).join(", ")
    }: odd names come, change and go, ${carrier}`,
    ["linux"],
    async () => {
      await using temp = new TempDir();
      const canary = new Canary(temp.at("canary"));
      const source = temp.directory("source");
      const target = temp.directory("target");
      const versions: DiskLiteral[] = [
        named((name) => `first ${name}`),
        named((name) => `and then ${name}`),
        named((name) => ({ [name]: `in a directory ${name}` })),
        named((name) => name === "x" ? "" : link(`../${name.slice(0, 20)}`)),
        {},
      ];
      for (const version of versions) {
        await Deno.remove(source, { recursive: true });
        writeTree(source, version);
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
        assert(!exists(`${target}/.lockstep`));
      }
      assertIdle(await mirror(source, target));
      canary.assertAlive();
    },
  );

  test(
    `I09: a file that becomes a pipe at any moment stops nobody, ${carrier}`,
    ["mkfifo"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { small: "small", large: "l".repeat(300_000), a: "a" });
      writeTree(target, { small: "old", large: "old" });
      await shell('mkfifo "$1/0" "$1/1"', temp.directory("aside"));
      const exchange = (path: string, aside: string): void => {
        Deno.renameSync(path, `${aside}.new`);
        Deno.renameSync(aside, path);
        Deno.renameSync(`${aside}.new`, aside);
      };
      for (const args of [[], ["--checksum"]]) {
        let swaps = 0;
        const { result } = await meanwhile(() => {
          exchange(`${source}/small`, temp.at("aside", "0"));
          exchange(`${source}/large`, temp.at("aside", "1"));
          swaps++;
        }, () => mirror(source, target, args));
        assert(swaps > 10, `only ${swaps} swaps`);
        assert(result.code === 0 || result.code === 3, `exit ${result.code}`);
        for (const path of ["small", "large"]) {
          assert(Deno.lstatSync(`${target}/${path}`).isFile, path);
        }
        for (const [i, path] of ["small", "large"].entries()) {
          if (Deno.lstatSync(`${source}/${path}`).isFile) continue;
          exchange(`${source}/${path}`, temp.at("aside", `${i}`));
        }
      }
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
    },
  );

  test(
    `I10: a chain of links that is too long to follow is kept, ${carrier}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { 0: "the end" });
      for (let i = 1; i <= 60; i++) {
        writeTree(source, { [i]: link(`${i - 1}`) });
      }
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
      assertIdle(await mirror(source, target));
    },
  );

  Deno.test(`I15: what is empty is kept, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { file: "", d: { e: { f: {} }, file: "" }, gone: {} });
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
    assertIdle(await mirror(source, target));
    Deno.removeSync(`${source}/gone`);
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
  });

  Deno.test(`I15: a deleted directory with ignored files stays, and is named, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { d: { file: "x", "own.tmp": "source" } });
    const args = ["--exclude", "*.tmp"];
    assertEnded(await mirror(source, target, args));
    assertEquals(namesIn(`${target}/d`), ["file"]);
    writeTree(target, { d: { "own.tmp": "target" } });
    Deno.removeSync(`${source}/d`, { recursive: true });
    const ended = await mirror(source, target, args);
    assertEquals(namesIn(`${target}/d`), ["own.tmp"]);
    assertEnded(ended, 3);
    assertEquals(problemPaths(ended), ["d"]);
  });

  Deno.test(`I17: times of other centuries are kept, and never decide who is right, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const times = [
      ...["1901-12-13T20:45:53Z", "1969-12-31T23:59:59.999Z"],
      ...["1970-01-01T00:00:00.001Z", "2038-01-19T03:14:08Z"],
      ...["2106-02-07T06:28:16.5Z", "2446-05-10T22:38:55.001Z"],
    ].map((text) => new Date(text));
    times.push(new Date(Date.now() + 365 * 24 * 3_600_000));
    for (const [i, time] of times.entries()) {
      writeTree(source, { [`${i}`]: `source ${i}`, [`d${i}`]: { f: "x" } });
      writeTree(target, { [`${i}`]: "newer at the target" });
      Deno.utimeSync(`${source}/${i}`, time, time);
      Deno.utimeSync(`${source}/d${i}`, time, time);
    }
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
    assertIdle(await mirror(source, target));
  });
}

test(
  "I01: names are shown without what a terminal would obey, and told exactly",
  ["mkfifo"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const name = "red\u001b[31m\u009b2J\r\nnext\u202e\u0007";
    await shell('mkfifo "$1/$2"', source, name);
    const paths = ["--from", source, "--to", temp.at("target")];
    const shown = await run(["sync", ...paths, "--verbose"]);
    assertEnded(shown, 3);
    const text = shown.stdout + shown.stderr;
    assert(text.includes("red"), text);
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assert(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), text);
    assertEquals(problemPaths(await sync(source, temp.at("target"))), [name]);
  },
);

Deno.test(`I16: ${MANY} entries in one directory are synced`, async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  temp.directory("source/many");
  temp.directory("source/directories");
  for (let i = 0; i < MANY; i++) {
    Deno.writeTextFileSync(`${source}/many/${i}`, `${i}`);
    if (i % 5 === 0) Deno.mkdirSync(`${source}/directories/${i}`);
  }
  const [socket] = CARRIERS;
  assertEnded(await socket!.mirror(source, target));
  await assertSameTree(source, target);
  assertIdle(await socket!.mirror(source, target));
});

test("I19: files of the kernel without a size are named, and read no further", [
  "linux",
], async () => {
  await using temp = new TempDir();
  const target = temp.directory("target");
  const ended = await sync("/proc/sys/fs", target);
  assertEnded(ended, 3);
  const named = problemPaths(ended);
  assert(named.includes("file-max"), `${named}`);
  // What was taken holds nothing: no part of a file is passed off as the whole.
  for (const name of namesIn(target)) {
    const { isFile, size } = Deno.lstatSync(`${target}/${name}`);
    if (isFile) assertEquals(size, 0, name);
  }
});
