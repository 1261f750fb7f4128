import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { shell } from "../support/command.ts";
import { exists } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { startSync } from "../support/program.ts";
import { assertSameTree } from "../support/oracle.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { Watching } from "../support/watching.ts";

/** What is in the tree at first; `$1` is the source, `$2` a place outside. */
const PREPARE = `
  mkdir -p "$1/dir/sub" "$1/empty" "$2"
  echo one > "$1/file"; echo two > "$1/dir/two"; echo three > "$1/dir/sub/three"
  ln -s file "$1/link"
  mkdir -p "$2/tree/x/y"; echo in > "$2/tree/x/y/in"; echo in2 > "$2/tree/in2"
`;

/** Each is done to a watched tree, and has to arrive. */
const CHANGES: readonly (readonly [title: string, script: string])[] = [
  ["a new file", `echo new > "$1/new"`],
  ["an empty file", `: > "$1/void"`],
  ["new content", `echo other > "$1/file"`],
  ["appended content", `echo more >> "$1/dir/two"`],
  ["a renamed file", `mv "$1/file" "$1/renamed"`],
  ["a moved file", `mv "$1/dir/two" "$1/empty/moved"`],
  ["a renamed directory", `mv "$1/dir" "$1/folder"`],
  ["a moved directory", `mv "$1/dir/sub" "$1/empty/"`],
  [
    "another file of the same size and time",
    `printf 'eno\\n' > "$2/x"; touch -r "$1/file" "$2/x"; mv "$2/x" "$1/file"`,
  ],
  [
    "content written in place, and the time put back",
    `sleep 1.1; touch -r "$1/file" "$2/time"; printf 'noe\\n' > "$1/file"; touch -r "$2/time" "$1/file"`,
  ],
  ["a mode", `chmod 600 "$1/file"; chmod 700 "$1/dir"`],
  ["a time", `touch -d '2001-02-03 04:05:06.789' "$1/file" "$1/dir/sub"`],
  [
    "the root's own mode and time",
    `chmod 700 "$1"; touch -d '2002-01-01' "$1"`,
  ],
  ["new and dangling links", `ln -s nowhere "$1/l1"; ln -s dir "$1/l2"`],
  ["a link that leads elsewhere", `ln -sfn other "$1/link"`],
  ["a deleted file", `rm "$1/file"`],
  ["a deleted tree", `rm -rf "$1/dir"`],
  ["a tree made at once", `mkdir -p "$1/a/b/c/d"; echo deep > "$1/a/b/c/d/f"`],
  ["a tree moved in", `mv "$2/tree" "$1/tree"`],
  ["a tree moved out", `mv "$1/dir" "$2/out"`],
  [
    "a tree moved out, changed and moved back",
    `mv "$1/dir" "$2/out"; echo x > "$2/out/sub/three"; mv "$2/out" "$1/dir"`,
  ],
  [
    "directories that change places",
    `mkdir "$1/b"; echo b > "$1/b/b"; mv "$1/dir" "$1/t"; mv "$1/b" "$1/dir"; mv "$1/t" "$1/b"`,
  ],
  [
    "what an editor saves by renaming",
    `mv "$1/file" "$1/file~"; echo saved > "$1/file"; rm "$1/file~"`,
  ],
  [
    "what is saved in one step",
    `echo atomic > "$1/.file.tmp"; mv "$1/.file.tmp" "$1/file"`,
  ],
  [
    "a file that becomes a directory",
    `rm "$1/file"; mkdir "$1/file"; echo f > "$1/file/f"`,
  ],
  ["a directory that becomes a file", `rm -r "$1/dir"; echo f > "$1/dir"`],
  [
    "odd names",
    `echo 1 > "$1/ a"; echo 2 > "$1/-b"; echo 3 > "$1/ü?*"; printf 4 > "$1/new
line"`,
  ],
  [
    "many files at once",
    `mkdir "$1/many"; i=0; while [ $i -lt 3000 ]; do echo $i > "$1/many/f$i"; i=$((i+1)); done`,
  ],
];

test(
  "H04, H05: sync --watch carries out each kind of change, and both sides end well",
  [
    "bash",
    "rsync",
  ],
  async () => {
    await using watching = await Watching.start({ sync: ["--no-state"] });
    const { source, temp } = watching;
    const outside = temp.at("outside");
    for (const [title, script] of CHANGES) {
      await shell(
        `find "$1" -mindepth 1 -delete; rm -rf "$2"; ${PREPARE}`,
        source,
        outside,
      );
      await watching.equal(`the tree before ${title}`);
      await shell(script, source, outside);
      await watching.equal(title);
    }
    await watching.stop();
    const rounds = watching.sender.events.filter(({ event }) =>
      event === "synced"
    );
    const heard = watching.receiver.events.filter(({ event }) =>
      event === "synced"
    );
    assertEquals(
      heard.map(({ round, digest }) => [round, digest]),
      rounds.map(({ round, digest }) => [round, digest]),
    );
  },
);

test("sync --watch renames whole directories, and sends nothing for it", [
  "bash",
  "linux",
], async () => {
  await using watching = await Watching.start({
    prepare: (source) => {
      Deno.mkdirSync(join(source, "a/deep"), { recursive: true });
      for (let i = 0; i < 500; i++) {
        Deno.writeTextFileSync(join(source, `a/deep/f${i}`), `file ${i}`);
      }
    },
  });
  const { source, target, sender } = watching;
  await watching.equal();
  const { ino } = Deno.statSync(join(target, "a/deep/f7"));
  await shell(`mv "$1/a" "$1/b"`, source);
  await watching.equal();
  assertEquals(Deno.statSync(join(target, "b/deep/f7")).ino, ino);
  const other = Deno.statSync(join(target, "b/deep/f8")).ino;
  await shell(
    `mkdir "$1/new"; mv "$1/b/deep" "$1/new/"; echo x > "$1/new/deep/f7"`,
    source,
  );
  await watching.equal();
  assertEquals(Deno.statSync(join(target, "new/deep/f8")).ino, other);
  await watching.stop();
  const rounds = sender.events.filter(({ event }) => event === "synced");
  const sum = (field: string): number =>
    rounds.slice(1).reduce((total, round) => total + Number(round[field]), 0);
  assert(sum("moved") >= 2, JSON.stringify(rounds));
  assert(sum("files") <= 2, JSON.stringify(rounds));
});

test(
  "H06: sync --watch never shows a target without a file that is saved by renaming",
  [
    "bash",
  ],
  async () => {
    await using watching = await Watching.start({
      prepare: (source) => Deno.writeTextFileSync(join(source, "file"), "0"),
    });
    const { source, target } = watching;
    let missing = 0;
    let isOver = false;
    const looking = (async () => {
      while (!isOver) {
        if (!exists(join(target, "file"))) missing++;
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    })();
    for (let i = 1; i <= 20; i++) {
      // In one process, as editors do: between two of a shell anything may happen.
      Deno.renameSync(join(source, "file"), join(source, "file~"));
      Deno.writeTextFileSync(join(source, "file"), String(i));
      Deno.removeSync(join(source, "file~"));
      await watching.equal(`save ${i}`);
    }
    isOver = true;
    await looking;
    assertEquals(missing, 0);
    await watching.stop("SIGTERM");
  },
);

test("H06: sync --watch shows what git checks out as one change", [
  "git",
  "bash",
], async () => {
  await using watching = await Watching.start({
    sync: ["--no-state"],
    prepare: (source) => {
      const { success } = new Deno.Command("bash", {
        args: ["-euc", GIT_REPOSITORY, "bash", source],
        stdout: "null",
        stderr: "null",
      }).outputSync();
      assert(success);
    },
  });
  const { source } = watching;
  for (const branch of ["other", "main", "other"]) {
    await shell(`cd "$1" && git checkout -q ${branch}`, source);
    await watching.equal(`branch ${branch}`);
  }
  await watching.stop();
});

const GIT_REPOSITORY = `
  cd "$1"; git init -q -b main .; git config user.email a@b; git config user.name a
  mkdir -p src/deep; for i in $(seq 60); do echo "main $i" > src/deep/f$i; done
  git add -A; git commit -qm one
  git checkout -qb other; git rm -qr src/deep; mkdir lib
  for i in $(seq 60); do echo "other $i" > lib/f$i; done
  git add -A; git commit -qm two; git checkout -q main
`;

test("sync --watch holds back while git has its lock", ["bash"], async () => {
  await using watching = await Watching.start({
    prepare: (source) =>
      Deno.mkdirSync(join(source, "repo/.git"), {
        recursive: true,
      }),
  });
  const { source, target } = watching;
  Deno.writeTextFileSync(join(source, "repo/.git/index.lock"), "");
  Deno.writeTextFileSync(join(source, "repo/one"), "1");
  // Whatever is done after the lock has come waits for it.
  for (let i = 0; i < 40; i++) {
    Deno.writeTextFileSync(join(source, "repo/one"), String(i));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert(!exists(join(target, "repo/one")));
  Deno.removeSync(join(source, "repo/.git/index.lock"));
  await watching.equal();
  assert(!exists(join(target, "repo/.git/index.lock")));
  await watching.stop();
});

test(
  "sync --watch to a local directory, and it puts right what others did there",
  [
    "bash",
  ],
  async () => {
    await using temp = new TempDir();
    const [source, target] = [temp.at("source"), temp.at("target")];
    await shell(`mkdir -p "$1/dir"; echo 1 > "$1/dir/f"`, source);
    await using sender = startSync(source, target, [
      "--watch",
      "--repair",
      "100ms",
      "--no-state",
    ]);
    await sender.event("synced");
    await shell(`echo 2 > "$1/dir/f"; echo g > "$1/g"`, source);
    await equal();
    await shell(
      `rm -r "$1/dir"; echo foreign > "$1/g"; echo x > "$1/x"`,
      target,
    );
    await equal();
    sender.kill("SIGINT");
    assertEquals((await sender.ended).code, 0);

    async function equal(): Promise<void> {
      await until(
        "equal trees",
        () => assertSameTree(source, target).then(() => true, () => false),
      );
    }
  },
);

test("sync --watch leaves out what is ignored, and follows new rules", [
  "bash",
  "rsync",
], async () => {
  await using watching = await Watching.start({
    sync: ["--exclude", "*.log", "--no-state"],
  });
  const { source, target } = watching;
  await shell(
    `mkdir "$1/out"; echo a > "$1/a.log"; echo o > "$1/out/o"; echo b > "$1/b"`,
    source,
  );
  await until("all but the log", () => exists(join(target, "out/o")));
  await shell(`echo 'out/' > "$1/.syncignore"; echo p > "$1/out/p"`, source);
  await until("the rules", () => exists(join(target, ".syncignore")));
  await shell(`echo c > "$1/c"`, source);
  await until("a later file", () => exists(join(target, "c")));
  assert(!exists(join(target, "a.log")) && !exists(join(target, "out/p")));
  await shell(`rm "$1/.syncignore"`, source);
  await until(
    "what is not ignored any more",
    () => exists(join(target, "out/p")),
  );
  await watching.stop();
});

test("sync --watch sends a log that is being written to all the time", [
  "bash",
], async () => {
  await using watching = await Watching.start();
  const { source, target } = watching;
  let isOver = false;
  const writing = (async () => {
    for (let i = 0; !isOver; i++) {
      const line = `line ${i}\n`;
      Deno.writeTextFileSync(join(source, "log"), line, { append: true });
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  })();
  Deno.writeTextFileSync(join(source, "other"), "1");
  await until("another file", () => exists(join(target, "other")));
  isOver = true;
  await writing;
  await watching.equal();
  await watching.stop();
});
