/** Disks that are full, closed, read-only or rotten: real ones. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  problemPaths,
  summaryOf,
} from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { mounted } from "../support/mounted.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { type Ended, run, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { Scene } from "../support/scene.ts";
import { TempDir } from "../support/temp.ts";

/** A user without the powers of root. */
const NOBODY = [
  ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  ...["--bounding-set=-all", "--inh-caps=-all"],
];

/** Fails unless each of `paths`, or something above it, is named as left out. */
function assertNamed(ended: Ended, ...paths: string[]): void {
  const named = problemPaths(ended);
  for (const path of paths) {
    const isNamed = named.some((at) =>
      at === path || path.startsWith(`${at}/`)
    );
    assert(isNamed, `${path} is not among ${named}`);
  }
}

for (const { name, mirror } of CARRIERS) {
  test(
    `F01: what is small finds room where what is large does not, ${name}`,
    ["mount"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      const small = Array.from(
        { length: 20 },
        (_, i) => [`${i}`, `small ${i}`],
      );
      writeTree(source, {
        "a large": new Random(81).bytes(3_000_000),
        "b small": Object.fromEntries(small),
        large: { "new large": new Random(82).bytes(3_000_000), small: "x" },
      });
      await mounted(target, { options: "size=1m" }, async () => {
        writeTree(target, { "a large": "old" });
        const ended = await mirror(source, target);
        assertEnded(ended, 3);
        assertNamed(ended, "a large", "large/new large");
        assert(/no space/i.test(ended.stdout), ended.stdout);
        assertEquals(Deno.readTextFileSync(`${target}/a large`), "old");
        assertEquals(namesIn(`${target}/b small`).length, 20);
        assertEquals(namesIn(`${target}/large`), ["small"]);
        assert(!exists(`${target}/.lockstep`));

        await shell('mount -o remount,size=20m "$1"', target);
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
        assertIdle(await mirror(source, target));
      });
    },
  );

  test(
    `F02: without room for more entries, what is there stays whole, ${name}`,
    ["mount"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      const many = Array.from({ length: 60 }, (_, i) => [`${i}`, `new ${i}`]);
      writeTree(source, {
        many: Object.fromEntries(many),
        replaced: "new content",
      });
      await mounted(target, { options: "nr_inodes=30" }, async () => {
        writeTree(target, { replaced: "old", extra: "old" });
        const ended = await mirror(source, target, ["--retry-for", "0"]);
        // Where there is no room even for what is moved aside, nothing is done.
        assert([1, 3, 5].includes(ended.code), `exit ${ended.code}`);
        assert(/no space/i.test(ended.stdout), ended.stdout);
        const text = Deno.readTextFileSync(`${target}/replaced`);
        assert(text === "old" || ended.code === 3 && text === "new content");
        for (const [name] of many) {
          const isThere = exists(`${target}/many/${name}`);
          if (ended.code === 3 && !isThere) assertNamed(ended, `many/${name}`);
        }

        await shell('mount -o remount,nr_inodes=1000 "$1"', target);
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
      });
    },
  );

  test(
    `F08: what its owner may not write to gets its content and its mode, ${name}`,
    ["setpriv"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      for (const [root, text] of [[source, "new text"], [target, "old"]]) {
        writeTree(root!, {
          closed: { file: text!, [text!]: text!, deep: { file: text! } },
          file: text!,
        });
        for (const path of ["closed/file", "closed/deep", "closed", "file"]) {
          const { isDirectory } = Deno.statSync(`${root}/${path}`);
          Deno.chmodSync(`${root}/${path}`, isDirectory ? 0o555 : 0o444);
        }
      }
      Deno.chmodSync(temp.path, 0o755);
      await shell('chown -R 65534:65534 "$@"', source, target);
      const env = { DENO_DIR: await ownCache(temp) };
      assertEnded(await mirror(source, target, [], { under: NOBODY, env }));
      await assertSameTree(source, target);
    },
  );

  test(
    `F09: few open files are enough for a tree that is wide, ${name}`,
    ["linux", "prlimit"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      for (let i = 0; i < 100; i++) {
        writeTree(source, { [`${i}`]: { file: `${i}`, deep: { file: "x" } } });
      }
      const under = ["prlimit", "--nofile=64:64"];
      assertEnded(await mirror(source, target, [], { under }));
      await assertSameTree(source, target);
      assertIdle(await mirror(source, target, [], { under }));
    },
  );

  test(
    `F09: where files are too deep to be opened, they are named and stay, ${name}`,
    ["linux", "prlimit"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      const deep = Array(120).fill("d").join("/");
      for (const root of [source, target]) {
        Deno.mkdirSync(`${root}/${deep}`, { recursive: true });
      }
      writeTree(`${target}/${deep}`, { extra: "extra" });
      writeTree(`${source}/${deep}`, { file: "content" });
      const under = ["prlimit", "--nofile=64:64"];
      const ended = await mirror(source, target, ["--retry-for", "0"], {
        under,
      });
      assert(ended.code === 1 || ended.code === 3, `exit ${ended.code}`);
      assert(/too many open files/.test(ended.stdout), ended.stdout);
      assert(exists(`${target}/${deep}/extra`));
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
    },
  );

  test(
    `F11: a program that runs is replaced, and runs on, ${name}`,
    ["linux"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { program: "#!/bin/sh\n", extra: {} });
      const sleep = await shell('realpath "$(command -v sleep)"');
      Deno.copyFileSync(sleep.trimEnd(), `${target}/program`);
      const running = new Deno.Command(`${target}/program`, { args: ["60"] })
        .spawn();
      try {
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
      } finally {
        running.kill("SIGTERM");
      }
      // It was ended by this, and by nothing before.
      assertEquals((await running.status).signal, "SIGTERM");
    },
  );

  Deno.test(`F13: bytes that rot do not spread, and are found with --checksum, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { one: "intact", two: "intact" });
    assertEnded(await mirror(source, target));
    rot(`${source}/one`);
    rot(`${target}/two`);
    assertIdle(await mirror(source, target));
    assertEquals(Deno.readTextFileSync(`${target}/one`), "intact");
    Deno.copyFileSync(`${target}/one`, `${source}/one`);
    Deno.utimeSync(`${source}/one`, 1e9, 1e9);
    const ended = await mirror(source, target, ["--checksum"]);
    assertEnded(ended);
    assertEquals(summaryOf(ended).replaced, 1);
    await assertSameTree(source, target);

    /** Changes a byte, and nothing that tells of it. */
    function rot(path: string): void {
      const { mtime } = Deno.statSync(path);
      Deno.writeTextFileSync(path, "inXact");
      Deno.utimeSync(path, mtime!, mtime!);
    }
  });
}

test(
  "F08: a target on a read-only file system is left as it is",
  ["mount"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { file: "new text", directory: { file: "new" } });
    await mounted(target, { options: "size=1m" }, async () => {
      writeTree(target, { file: "old", extra: "old" });
      const before = listTree(target);
      await shell('mount -o remount,ro "$1"', target);
      const port = ["--port", "0"];
      for (
        const args of [
          ["sync", "--from", source, "--to", target],
          ["listen", "--output-dir", target, ...port],
        ]
      ) {
        const ended = await run(args);
        assertEnded(ended, 1);
        assert(/read-only/.test(ended.stderr), ended.stderr);
      }
      assertUntouched(target, before);
      await shell('mount -o remount,rw "$1"', target);
      assertEnded(await sync(source, target));
      await assertSameTree(source, target);
    });
  },
);

/** Mount options of the disk for the own state, and what the run says of it. */
const STATE_DISKS: readonly {
  readonly name: string;
  readonly options: string;
  readonly prepare?: (disk: string) => Promise<unknown>;
  readonly place: string;
  readonly says: RegExp;
}[] = [
  {
    name: "F03: where the own state finds no room, the run says so",
    options: "size=1m,nr_inodes=2",
    prepare: (disk) => shell('touch "$1/the last one"', disk),
    place: "s",
    says: /--state-dir/,
  },
  {
    name: "F12: where the own state is read-only, nothing is synced",
    options: "ro",
    place: "",
    says: /read-only/i,
  },
];

for (const { name, options, prepare, place, says } of STATE_DISKS) {
  test(name, ["mount"], async () => {
    await using scene = new Scene();
    const { temp, source, target } = scene;
    const state = temp.directory("own state");
    writeTree(source, { file: "new" });
    writeTree(target, { file: "old", extra: "old" });
    const before = listTree(target);
    await mounted(state, { options }, async () => {
      await prepare?.(state);
      const args = ["--state-dir", join(state, place)];
      const ended = await sync(source, target, args);
      assertEnded(ended, 1);
      assert(says.test(ended.stderr), ended.stderr);
    });
    assertUntouched(target, before);
  });
}

/** A place for the cache of Deno that a user without privileges can use. */
async function ownCache(temp: TempDir): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  const cache = temp.at("cache");
  await shell('cp -r "$1" "$2" && chown -R 65534:65534 "$2"', denoDir, cache);
  return cache;
}
