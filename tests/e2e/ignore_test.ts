/** What is to be left out is left alone at both ends, by the real program. */
import { assert, assertEquals } from "@std/assert";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  summaryOf,
} from "../support/carriers.ts";
import { type DiskLiteral, namesIn, writeTree } from "../support/disk_tree.ts";
import { run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const SOURCE: DiskLiteral = {
  ".syncignore": "# built\nbuild/\n*.o\n!keep.o\n/notes.txt\n",
  ".gitignore": "*.log\n",
  "main.c": "code",
  "main.o": "object",
  "keep.o": "kept",
  "notes.txt": "mine",
  "x.log": "log",
  build: { "main": "program" },
  src: {
    ".syncignore": "!lib.o\ntmp*\n",
    "lib.o": "library",
    "tmp1": "scratch",
    "notes.txt": "sent",
    build: { "lib": "library" },
  },
};

for (const { name, mirror } of CARRIERS) {
  Deno.test(`what ignore files name is neither sent nor deleted, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, SOURCE);
    writeTree(target, {
      "other.o": "theirs",
      "other.c": "extra",
      build: { "theirs": "program" },
    });
    const first = await mirror(source, target);
    assertEnded(first);
    assertEquals(summaryOf(first).rounds, 1);
    assertEquals(namesIn(target), [
      ...[".gitignore", ".syncignore", "build", "keep.o", "main.c", "other.o"],
      ...["src", "x.log"],
    ]);
    assertEquals(namesIn(`${target}/build`), ["theirs"]);
    assertEquals(namesIn(`${target}/src`), [
      ".syncignore",
      "lib.o",
      "notes.txt",
    ]);
    assertIdle(await mirror(source, target));

    // Ignored from now on, and then deleted: it stays at the target.
    Deno.writeTextFileSync(`${source}/.syncignore`, "main.c\n", {
      append: true,
    });
    Deno.removeSync(`${source}/main.c`);
    const next = await mirror(source, target);
    assertEnded(next);
    assert(namesIn(target).includes("main.c"));
    assertIdle(await mirror(source, target));

    // Ignored no longer: what is extra goes, what is there is sent, in one run.
    Deno.removeSync(`${source}/.syncignore`);
    const last = await mirror(source, target);
    assertEnded(last);
    assertEquals(namesIn(target), namesIn(source));
    assertEquals(namesIn(`${target}/build`), ["main"]);
  });

  Deno.test(`--gitignore and --exclude leave out more, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, SOURCE);
    writeTree(target, { "old.log": "theirs" });
    const list = temp.at("list");
    Deno.writeTextFileSync(list, "# lists\n*.c\n!keep.o\nsrc/tmp1\n");
    const args = [
      "--gitignore",
      "--exclude-from",
      list,
      "--exclude=*.txt",
      "--exclude",
      "!main.o",
      "--exclude=/src/l*",
    ];
    assertEnded(await mirror(source, target, args));
    assertEquals(namesIn(target), [
      ...[".gitignore", ".syncignore", "keep.o", "main.o", "old.log", "src"],
    ]);
    assertEquals(namesIn(`${target}/src`), [".syncignore"]);
    assertIdle(await mirror(source, target, args));
  });

  Deno.test(`a directory that holds ignored entries is not replaced, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { ".syncignore": "*.o\n", d: "a file now" });
    writeTree(target, { d: { "x.o": "theirs", "y": "old" } });
    const ended = await mirror(source, target);
    assertEnded(ended, 3);
    assertEquals(namesIn(`${target}/d`), ["x.o", "y"]);
    const [problem, more] = ended.events.filter(({ event }) =>
      event === "problem"
    );
    assertEquals([problem?.path, problem?.code], ["d", "blocked"]);
    assert(String(problem?.message).includes("d/x.o (ignored)"));
    assertEquals(more, undefined);
  });
}

Deno.test("explain tells the rule, its file and its line", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, SOURCE);
  const table: readonly (readonly [string, string, string])[] = [
    ["main.o", "", '.syncignore line 3: "*.o"'],
    ["keep.o", "", 'synced: .syncignore line 4: "!keep.o"'],
    ["src/lib.o", "", 'synced: src/.syncignore line 1: "!lib.o"'],
    ["build/main", "", 'as all in build/: .syncignore line 2: "build/"'],
    ["src/build", "", '.syncignore line 2: "build/"'],
    ["none/build/", "", 'left alone: .syncignore line 2: "build/"'],
    ["none/build", "", "no rule applies: it is synced"],
    ["src/notes.txt", "", "no rule applies: it is synced"],
    ["x.log", "", "no rule applies: it is synced"],
    ["x.log", "--gitignore", 'left alone: .gitignore line 1: "*.log"'],
    ["main.c", "--exclude=*.c", 'left alone: --exclude: "*.c"'],
    [`${source}/main.o`, "", "left alone"],
    [".", "", "no rule applies"],
    [".lockstep/stage", "", "never synced"],
  ];
  for (const [path, option, expected] of table) {
    const options = option === "" ? [] : [option];
    const ended = await run(["explain", path, "--from", source, ...options]);
    assertEquals([ended.code, ended.stderr], [0, ""], path);
    assert(ended.stdout.includes(expected), `${path}: ${ended.stdout}`);
  }
  const { events } = await run(
    ["explain", "--json", "--from", source, "--", "build/main"],
  );
  const { event, path, directory, synced, at, pattern, file, line } =
    events[0]!;
  assertEquals(
    { event, path, directory, synced, at, pattern, file, line },
    {
      event: "explained",
      path: "build/main",
      directory: false,
      synced: false,
      at: "build",
      pattern: "build/",
      file: ".syncignore",
      line: 2,
    },
  );
});

Deno.test("what can't be answered or used is a wrong command line", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { "a": "1" });
  const many = temp.at("many");
  Deno.writeTextFileSync(many, "a\n".repeat(1_001));
  const table: readonly (readonly [readonly string[], string])[] = [
    [["explain", "../x"], "../x lies outside --from"],
    [["explain", "/"], "/ lies outside --from"],
    [["explain"], "PATH is missing"],
    [["explain", "a", "b"], 'Unexpected argument "b"'],
    [["explain", "a", "--exclude-from", "/none"], "there is no such file"],
    [["explain", "a", "--exclude-from", many], "1001 rules, at most 1000"],
    [
      ["explain", "a", `--exclude=${"a".repeat(4_097)}`],
      "4097 bytes in a pattern, at most 4096",
    ],
  ];
  for (const [args, message] of table) {
    const ended = await run([...args, "--from", source]);
    assertEquals(ended.code, 2, ended.stdout);
    assert(ended.stderr.includes(message), ended.stderr);
  }
  const target = temp.at("target");
  const ended = await sync(source, target, ["--exclude-from", "/none"]);
  assertEquals([ended.code, namesIn(temp.path).includes("target")], [2, false]);
});
