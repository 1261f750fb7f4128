/** `--trash`, and the commands on a trash, with the real program. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertEnded, assertIdle } from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, link, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { type Ended, listen, run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { testOnTwoDisks } from "../support/two_disks.ts";

/** A way from a source to a target that has a trash; answers how many entries went there. */
interface Carrier {
  readonly name: string;
  mirror(source: string, target: string, trash: string): Promise<number>;
}

const CARRIERS: readonly Carrier[] = [
  {
    name: "over WebSocket",
    async mirror(source, target, trash): Promise<number> {
      await using receiver = await listen(target, ["--trash", trash]);
      assertEnded(await sync(source, receiver.url, ["--no-state"]));
      assertEnded(await receiver.ended);
      return (await receiver.event("ended")).trashed as number;
    },
  },
  {
    name: "between directories",
    async mirror(source, target, trash): Promise<number> {
      const args = ["--no-state", "--trash", trash];
      const ended = await sync(source, target, args);
      assertEnded(ended);
      return ended.events.at(-1)!.trashed as number;
    },
  },
];

/** What stands at the target before, and what comes in its place. */
const BEFORE = {
  kept: "kept",
  replaced: "old",
  deleted: "gone",
  directory: { deep: { file: "x", empty: {} }, other: "y" },
  "file to directory": "file",
  "directory to file": { inner: "z" },
  "link to file": link("kept"),
  "file to link": "file",
  partly: { stays: "1", goes: "2" },
};
const AFTER = {
  kept: "kept",
  replaced: "new, and longer",
  "file to directory": { inner: "new" },
  "directory to file": "new",
  "link to file": "new",
  "file to link": link("kept"),
  partly: { stays: "1" },
};

const STAYING = ["kept", "partly/stays"];

/** What of {@link BEFORE} the trash holds then: entries, all that is in them counted. */
const TRASHED = 13;

for (const { name, mirror } of CARRIERS) {
  test(
    `what is replaced or deleted goes to the trash, and can be had back, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      await goAndComeBack(temp, temp.at("bin", "trash"), mirror);
    },
  );

  testOnTwoDisks(
    `a trash on another file system is as good, ${name}`,
    (temp, other) => goAndComeBack(temp, `${other}/trash`, mirror),
  );

  Deno.test(`the trash may be in the reserved directory of the target, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const trash = `${target}/.lockstep/trash`;
    writeTree(source, { a: "a" });
    writeTree(target, { a: "old a", b: { c: "c" } });
    assertEquals(await mirror(source, target, trash), 3);
    await assertSameTree(source, target, { except: [".lockstep"] });
    assertEquals(await mirror(source, target, trash), 0);
    assertEquals(namesIn(`${target}/.lockstep`), ["trash"]);
    const [stamp] = namesIn(trash);
    assertEquals(namesIn(`${trash}/${stamp}/files`), ["a", "b"]);
    // And nobody else takes it away.
    assertIdle(await sync(source, target, ["--no-state"]));
    assertEquals(namesIn(trash), [stamp]);
  });
}

async function goAndComeBack(
  temp: TempDir,
  trash: string,
  mirror: Carrier["mirror"],
): Promise<void> {
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(source, AFTER);
  for (const path of [target, temp.at("before")]) {
    writeTree(path, BEFORE);
    setTimes(path, ["deleted", "directory/deep", "directory", ...STAYING]);
    Deno.chmodSync(`${path}/directory`, 0o550);
  }
  setTimes(source, STAYING);
  const trashed = await mirror(source, target, trash);
  await assertSameTree(source, target);
  assert(!exists(`${target}/.lockstep`), "nothing is left in the target");
  assertEquals(trashed, TRASHED);

  // To another place: all of it.
  const old = temp.at("old");
  const copy = temp.at("trash copy");
  await shell(`cp -a "$1" "$2"`, trash, copy);
  assertEnded(await trashCommand("restore", copy, [".", "--to", old]));
  const isDeleted = (path: string): boolean =>
    exists(temp.at("before", path)) &&
    !["kept", "partly"].includes(path);
  assertEquals(
    namesIn(old),
    [...namesIn(temp.at("before")).filter(isDeleted), "partly"].sort(),
  );
  await assertSameTree(`${temp.path}/before/directory`, `${old}/directory`);
  assertEquals(namesIn(`${old}/partly`), ["goes"]);

  // To where it was: as far as there is room.
  const paths = ["directory", "deleted", "replaced", "partly"];
  const ended = await trashCommand("restore", trash, paths);
  assertEnded(ended, 3);
  assertEquals(
    ended.events.map(({ event, path }) => [event, path]),
    [
      ["restored", "directory"],
      ["restored", "deleted"],
      ["left-out", "replaced"],
      ["restored", "partly/goes"],
      ["restore-done", undefined],
    ],
  );
  await assertSameTree(`${temp.path}/before/directory`, `${target}/directory`);
  assertEquals(Deno.readTextFileSync(`${target}/deleted`), "gone");
  assertEquals(Deno.readTextFileSync(`${target}/replaced`), "new, and longer");
  Deno.removeSync(`${target}/replaced`);
  assertEnded(await trashCommand("restore", trash, ["./replaced/"]));
  assertEquals(Deno.readTextFileSync(`${target}/replaced`), "old");
}

Deno.test("trash list shows all versions, the newest first; restore takes the newest, or any", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  const trash = temp.at("trash");
  for (const text of ["1", "22", "333"]) {
    writeTree(source, { d: { file: text } });
    assertEnded(await sync(source, target, ["--no-state", "--trash", trash]));
  }
  const listed = await trashCommand("list", trash);
  assertEnded(listed);
  const root = Deno.realPathSync(target);
  assertEquals(
    listed.events.map(({ event, path, kind, size, root }) => ({
      event,
      path,
      kind,
      size,
      root,
    })),
    [
      { event: "trashed", path: "d/file", kind: "file", size: 2, root },
      { event: "trashed", path: "d/file", kind: "file", size: 1, root },
      {
        event: "listed",
        path: undefined,
        kind: undefined,
        size: undefined,
        root: undefined,
      },
    ],
  );
  const text = await run(["trash", "list", "--trash", trash]);
  assertMatch(text.stdout, /^\S+Z, from .*target:\n +file +2 B {2}d\/file\n/);
  assertMatch(text.stdout, /\n2 entries, 3 B$/);

  const oldest = listed.events[1]!.stamp as string;
  const to = temp.at("to");
  const args = ["d/file", "--to", to];
  assertEnded(
    await trashCommand("restore", trash, [...args, "--from", oldest]),
  );
  assertEquals(Deno.readTextFileSync(`${to}/d/file`), "1");
  Deno.removeSync(`${to}/d/file`);
  assertEnded(await trashCommand("restore", trash, args));
  assertEquals(Deno.readTextFileSync(`${to}/d/file`), "22");
  assertEquals(namesIn(trash), [], "nothing is left of what was taken out");
});

Deno.test("trash restore asks which one is meant if it comes from two places", async () => {
  await using temp = new TempDir();
  const trash = temp.at("trash");
  for (const name of ["one", "two"]) {
    writeTree(temp.at(name), { file: name });
    const args = ["--no-state", "--allow-delete", "all", "--trash", trash];
    assertEnded(await sync(temp.directory("source"), temp.at(name), args));
  }
  const ended = await run(["trash", "restore", "file", "--trash", trash]);
  assertEquals(ended.code, 3);
  assertMatch(ended.stderr, /choose by --from \S+Z or \S+Z$/);
  const { events } = await trashCommand("list", trash);
  const stamp = events[1]!.stamp as string;
  assertEnded(await trashCommand("restore", trash, ["file", "--from", stamp]));
  assertEquals(Deno.readTextFileSync(temp.at("one", "file")), "one");
  assertEquals(namesIn(temp.at("two")), []);
});

test(
  "trash restore leaves the tree by no path and no link",
  ["symlinks"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const trash = temp.at("trash");
    writeTree(temp.at("outside"), {});
    writeTree(target, { d: { file: "x" } });
    writeTree(source, { d: {} });
    assertEnded(await sync(source, target, ["--no-state", "--trash", trash]));
    Deno.removeSync(`${target}/d`);
    writeTree(target, { d: link(temp.at("outside")) });
    assertEnded(await trashCommand("restore", trash, ["d/file"]), 3);
    assertEnded(await trashCommand("restore", trash, ["d"]), 3);
    for (const path of ["../outside", "d/../../x", "/etc/passwd", "d//file"]) {
      const ended = await run(["trash", "restore", path, "--trash", trash]);
      assertRefused(ended, 2);
    }
    assertEquals(namesIn(temp.at("outside")), []);
  },
);

Deno.test("trash empty removes what is old enough, and nothing but its own", async () => {
  await using temp = new TempDir();
  const trash = temp.at("trash");
  const origin = (time: string): string =>
    JSON.stringify({ version: 1, root: "/r", time });
  const old = "2020-01-01T00-00-00.000Z";
  const fresh = new Date().toISOString();
  writeTree(trash, {
    [old]: {
      "origin.json": origin("2020-01-01T00:00:00.000Z"),
      files: { d: { file: "x" } },
    },
    [fresh.replaceAll(":", "-")]: { "origin.json": origin(fresh), files: {} },
    "2021-01-01T00-00-00.000Z": { "origin.json": "{", files: { f: "x" } },
    "2022-01-01T00-00-00.000Z": "a file",
    "notes.txt": "mine",
  });
  const damaged = await run(["trash", "list", "--trash", trash]);
  assertEquals(damaged.code, 3);
  assertEquals(damaged.stderr.split("\n").length, 2);
  assertMatch(damaged.stderr, /2021-01-01T00-00-00.000Z: .*is damaged/);

  const some = await trashCommand("empty", trash, ["--older-than", "30d"]);
  assertEnded(some, 3);
  assertEquals(some.events[0]!.stamp, old);
  assertEquals(some.events.at(-1)!.count, 1);
  assertEquals(some.events.at(-1)!.leftOut, 3);
  assertEnded(await trashCommand("empty", trash), 3);
  assertEquals(namesIn(trash), [
    "2021-01-01T00-00-00.000Z",
    "2022-01-01T00-00-00.000Z",
    "notes.txt",
  ]);
});

Deno.test("a folder that a killed run left in a trash hides nothing of the others", async () => {
  await using temp = new TempDir();
  const trash = temp.at("trash");
  const root = temp.directory("root");
  const origin = (time: string): string =>
    JSON.stringify({ version: 1, root, time });
  writeTree(trash, {
    "2026-01-01T00-00-00.000Z": {
      "origin.json": origin("2026-01-01T00:00:00.000Z"),
      files: { d: { file: "x" } },
    },
    // Killed while it was made, or while it was removed.
    "2026-01-02T00-00-00.000Z": {},
    "2026-01-03T00-00-00.000Z": { files: {} },
    "2026-01-04T00-00-00.000Z": {
      "origin.json": origin("2026-01-04T00:00:00.000Z"),
    },
  });
  const listed = await trashCommand("list", trash);
  assertEnded(listed);
  assertEquals(listed.events.map(({ path }) => path), ["d/file", undefined]);
  const restored = await run(["trash", "restore", "d/file", "--trash", trash]);
  assertEnded(restored);
  assertEquals(restored.stderr, "");
  assertEquals(Deno.readTextFileSync(`${root}/d/file`), "x");
  assertEnded(await trashCommand("empty", trash));
  assertEquals(namesIn(trash), []);
});

Deno.test("trash empty without an age also removes what a fast clock has stamped", async () => {
  await using temp = new TempDir();
  const trash = temp.at("trash");
  const time = "2999-01-01T00:00:00.000Z";
  const stamp = time.replaceAll(":", "-");
  writeTree(trash, {
    [stamp]: {
      "origin.json": JSON.stringify({ version: 1, root: "/r", time }),
      files: { file: "x" },
    },
  });
  assertEnded(await trashCommand("empty", trash, ["--older-than", "1h"]));
  assertEquals(namesIn(trash), [stamp]);
  const ended = await trashCommand("empty", trash);
  assertEnded(ended);
  assertEquals(ended.events.at(-1)!.count, 1);
  assertEquals(namesIn(trash), []);
});

Deno.test("a trash that can't be is refused in one line", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(temp.path, { file: "x", trash: { kept: "x" } });
  const refusals: [words: string[], code: number, message: RegExp][] = [
    [["list", "--trash", "none"], 1, /no such file or directory/],
    [["restore", "x", "--trash", "none"], 1, /no such file or directory/],
    [["empty", "--trash", "none"], 1, /no such file or directory/],
    [["list", "--trash", "file"], 1, /it is a file, not a directory/],
    [["restore", "x", "--trash", "trash", "--to", "trash/x"], 2, /inside/],
    [
      [
        "restore",
        "x",
        "--trash",
        "trash",
        "--from",
        "2026-11-21T00-51-07.123Z",
      ],
      2,
      /nothing of that stamp/,
    ],
  ];
  for (const [words, code, message] of refusals) {
    const ended = await run(["trash", ...words], { cwd: temp.path });
    assertRefused(ended, code, message);
  }
  const places: [trash: string, code: number, message: RegExp][] = [
    ["target", 2, /inside --to target: only target\/\.lockstep\/trash/],
    ["target/x/y", 2, /inside --to target: only target\/\.lockstep\/trash/],
    ["target/.lockstep", 2, /inside --to target: only/],
    [".", 2, /--to target lies inside --trash/],
    ["source/x", 2, /inside --from source/],
    ["file", 1, /it is a file, not a directory/],
  ];
  for (const [trash, code, message] of places) {
    const words = ["--from", source, "--to", target, "--trash", trash];
    words.splice(1, 1, "source");
    words.splice(3, 1, "target");
    const ended = await run(["sync", "--quiet", "--no-state", ...words], {
      cwd: temp.path,
    });
    assertRefused(ended, code, message);
    if (trash.startsWith("source")) continue;
    const heard = await run(
      ["listen", "-p", "0", "-o", "target", "--trash", trash],
      { cwd: temp.path },
    );
    const own = new RegExp(message.source.replaceAll("--to", "--output-dir"));
    assertRefused(heard, code, own);
  }
  assertEquals(namesIn(target), []);
  for (const option of ["--trash=t", "--no-fsync"]) {
    const ended = await sync(source, "ws://127.0.0.1:9", [option]);
    assertRefused(ended, 2, /receiver .*: lockstep listen --/);
  }
});

Deno.test("--no-fsync mirrors as well", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { d: { file: "x" } });
  const target = temp.at("target");
  assertEnded(await sync(source, target, ["--no-state", "--no-fsync"]));
  await assertSameTree(source, target);
  const other = temp.at("other");
  await using receiver = await listen(other, ["--no-fsync"]);
  assertEnded(await sync(source, receiver.url, ["--no-state"]));
  assertEnded(await receiver.ended);
  await assertSameTree(source, other);
});

function setTimes(root: string, paths: readonly string[]): void {
  for (const path of paths) Deno.utimeSync(`${root}/${path}`, 1e9, 1e9);
}

async function trashCommand(
  name: string,
  trash: string,
  words: readonly string[] = [],
): Promise<Ended> {
  return await run(["trash", name, ...words, "--trash", trash, "--json"]);
}

function assertRefused(ended: Ended, code: number, message = /^/): void {
  assertEquals(ended.code, code, ended.stderr);
  assertMatch(ended.stderr, /^lockstep: [^\n]+$/);
  assertMatch(ended.stderr, message);
}
