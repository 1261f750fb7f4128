/** `sync --two-way`, between directories and with a listener, as processes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { link, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import {
  type Ended,
  listen,
  type ProgramOptions,
  type Receiver,
  run,
  startSync,
  sync,
} from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { editTree } from "../support/tree_edit.ts";

/** Modes are compared, and processes killed. */
const NEEDS = ["linux"] as const;

/** Two directories, what is remembered of them, and how they are reached. */
class TwoSides implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly alpha = this.temp.directory("alpha");
  readonly beta = this.temp.directory("beta");
  readonly #isRemote: boolean;
  #receiver: Receiver | undefined;

  constructor(isRemote: boolean) {
    this.#isRemote = isRemote;
  }

  /** Two runs of one program remember what they did. */
  state(name = "here"): ProgramOptions {
    return { env: { XDG_STATE_HOME: this.temp.at(`state-${name}`) } };
  }

  /** What `--to` is; a listener is started when it is needed. */
  async target(): Promise<string> {
    if (!this.#isRemote) return this.beta;
    this.#receiver ??= await listen(
      this.beta,
      ["--two-way", "--keep-listening"],
      this.state("there"),
    );
    return this.#receiver.url;
  }

  /** Stops the listener, however it may be. */
  async stopListener(): Promise<void> {
    await this.#receiver?.[Symbol.asyncDispose]();
    this.#receiver = undefined;
  }

  async sync(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const options = { env: { ...this.state().env, ...env } };
    const target = await this.target();
    return await sync(
      this.alpha,
      target,
      ["--two-way", "--retry-for", "5", ...args],
      options,
    );
  }

  /** A sync that goes well and makes both sides equal. */
  async syncWell(args: readonly string[] = []): Promise<Ended> {
    const ended = await this.sync(args);
    assertEquals(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
    await assertSameTree(this.alpha, this.beta);
    assert(!namesIn(this.alpha).includes(".lockstep"));
    return ended;
  }

  write(
    side: "alpha" | "beta",
    path: string,
    text: string,
    mtime?: number,
  ): void {
    const at = join(this[side], path);
    Deno.writeTextFileSync(at, text);
    if (mtime !== undefined) Deno.utimeSync(at, mtime, mtime);
  }

  read(side: "alpha" | "beta", path: string): string {
    return Deno.readTextFileSync(join(this[side], path));
  }

  remove(side: "alpha" | "beta", path: string): void {
    Deno.removeSync(join(this[side], path), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopListener();
    await this.temp[Symbol.asyncDispose]();
  }
}

const TREE = {
  "a.txt": "a",
  b: "b",
  gone: "gone",
  old: "renamed",
  d: { x: "x", y: "y", deep: { z: "z" } },
};

for (const isRemote of [false, true]) {
  const how = isRemote ? "with a listener" : "between directories";

  test(`two-way ${how}: the first run unites both sides`, NEEDS, async () => {
    await using sides = new TwoSides(isRemote);
    writeTree(sides.alpha, { a: "a", d: { x: "x" }, both: "same" });
    writeTree(sides.beta, { b: "b", d: { y: "y" }, both: "same" });
    const ended = await sides.syncWell();
    assertEquals(namesIn(sides.alpha), ["a", "b", "both", "d"]);
    const done = ended.events.at(-1)!;
    assertEquals([done.event, done.conflicts, done.problems], ["done", 0, 0]);
    const again = await sides.syncWell();
    const { alpha, beta } = again.events.at(-1)!;
    const counted = {
      created: 0,
      replaced: 0,
      touched: 0,
      deleted: 0,
      moved: 0,
      files: 0,
      bytes: 0,
    };
    assertEquals([alpha, beta], [counted, counted]);
  });

  test(
    `two-way ${how}: edits, deletions, renames and modes travel both ways`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, TREE);
      await sides.syncWell();
      sides.write("alpha", "a.txt", "edited here");
      sides.write("alpha", "d/new", "n".repeat(300_000));
      sides.remove("alpha", "gone");
      sides.write("beta", "b", "edited there");
      Deno.renameSync(join(sides.beta, "old"), join(sides.beta, "renamed"));
      sides.remove("beta", "d/deep");
      Deno.chmodSync(join(sides.beta, "d", "x"), 0o600);
      await sides.syncWell();
      assertEquals(namesIn(sides.beta), ["a.txt", "b", "d", "renamed"]);
      assertEquals(namesIn(join(sides.alpha, "d")), ["new", "x", "y"]);
      assertEquals(sides.read("beta", "a.txt"), "edited here");
      assertEquals(sides.read("alpha", "b"), "edited there");
      assertEquals(
        Deno.statSync(join(sides.alpha, "d/x")).mode! & 0o777,
        0o600,
      );
    },
  );

  test(
    `G11, G14: two-way ${how}: an edit beats a deletion`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, TREE);
      await sides.syncWell();
      sides.remove("alpha", "a.txt");
      sides.write("beta", "a.txt", "edited");
      sides.remove("beta", "d");
      sides.write("alpha", "d/new", "new");
      await sides.syncWell();
      assertEquals(sides.read("alpha", "a.txt"), "edited");
      assertEquals(namesIn(join(sides.beta, "d")), ["new"]);
    },
  );

  test(
    `G12, E09: two-way ${how}: each policy keeps both versions`,
    NEEDS,
    async () => {
      const expected: Readonly<Record<string, string | undefined>> = {
        newest: "later",
        "keep-both": undefined,
        "prefer-alpha": "early",
        "prefer-beta": "later",
      };
      for (const [policy, winner] of Object.entries(expected)) {
        await using sides = new TwoSides(isRemote);
        writeTree(sides.alpha, { "a.txt": "a", other: "o" });
        await sides.syncWell();
        sides.write("alpha", "a.txt", "early", 1_600_000_000);
        sides.write("beta", "a.txt", "later", 1_700_000_000);
        const { events } = await sides.syncWell(["--conflict", policy]);
        const names = namesIn(sides.alpha);
        assertEquals(names.includes("a.txt"), winner !== undefined, policy);
        const contents = names.map((name) => sides.read("alpha", name));
        assertEquals(
          contents.sort(),
          ["early", "later", "o"],
          `${policy}: ${names}`,
        );
        if (winner !== undefined) {
          assertEquals(sides.read("beta", "a.txt"), winner, policy);
        }
        const conflict = events.find(({ event }) => event === "conflict")!;
        assertEquals(conflict.path, "a.txt");
        for (const copy of conflict.copies as string[]) {
          assert(names.includes(copy), copy);
        }
        const { events: again } = await sides.syncWell(["--conflict", policy]);
        assertEquals(again.at(-1)!.conflicts, 0);
      }
    },
  );

  test(
    `G13, G15-G17, G19, G20: two-way ${how}: what two people rename, move and turn into something else is not lost`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      const { alpha, beta } = sides;
      writeTree(alpha, {
        renamed: "0",
        twice: "twice",
        x: { inX: "x" },
        y: { inY: "y" },
        case: "case",
        mode: "mode",
      });
      await sides.syncWell();
      // G13: three kinds of things at one name.
      writeTree(alpha, { dirFile: { inner: "inner" }, dirLink: { d: "d" } });
      writeTree(beta, { dirFile: "a file", dirLink: link("x") });
      writeTree(alpha, { fileLink: "file here" });
      writeTree(beta, { fileLink: link("x") });
      // G15: renamed here, edited there.
      Deno.renameSync(join(alpha, "renamed"), join(alpha, "new name"));
      sides.write("beta", "renamed", "edited");
      // G16: renamed to two names.
      Deno.renameSync(join(alpha, "twice"), join(alpha, "one"));
      Deno.renameSync(join(beta, "twice"), join(beta, "two"));
      // G17: each into the other.
      Deno.renameSync(join(alpha, "x"), join(alpha, "y", "x"));
      Deno.renameSync(join(beta, "y"), join(beta, "x", "y"));
      // G19: only the case, on both sides.
      Deno.renameSync(join(alpha, "case"), join(alpha, "CASE"));
      Deno.renameSync(join(beta, "case"), join(beta, "Case"));
      // G20: a mode here, content there.
      Deno.chmodSync(join(alpha, "mode"), 0o600);
      sides.write("beta", "mode", "content");

      const { events } = await sides.syncWell();
      const conflicts = events.filter(({ event }) => event === "conflict")
        .map(({ path }) => path);
      assertEquals(conflicts, ["dirFile", "dirLink", "fileLink"]);
      assertEquals(sides.read("beta", "dirFile/inner"), "inner");
      assertEquals(sides.read("beta", "dirLink/d"), "d");
      const names = namesIn(alpha);
      for (const name of ["dirFile", "dirLink", "fileLink"]) {
        const copies = names.filter((each) =>
          each.startsWith(`${name}.conflict-`)
        );
        assertEquals(copies.length, 1, name);
      }
      assertEquals(sides.read("alpha", "renamed"), "edited");
      assertEquals(sides.read("beta", "new name"), "0");
      for (const name of ["one", "two"]) {
        assertEquals(sides.read("alpha", name), "twice");
      }
      const contents = contentsOf(alpha);
      for (const content of ["x", "y", "case"]) {
        assert(contents.has(content), `${content} is lost`);
      }
      assertEquals(sides.read("alpha", "CASE"), sides.read("alpha", "Case"));
      assertEquals(sides.read("alpha", "mode"), "content");
      assertEquals(Deno.statSync(join(beta, "mode")).mode! & 0o777, 0o600);
      await sides.syncWell();
    },
  );

  test(
    `two-way ${how}: a manual conflict is left, told, and exit code 3`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, { a: "a", b: "b" });
      await sides.syncWell();
      sides.write("alpha", "a", "1");
      sides.write("beta", "a", "2");
      sides.write("beta", "b", "new");
      for (let i = 0; i < 2; i++) {
        const { code, events } = await sides.sync(["--conflict", "manual"]);
        assertEquals(code, 3);
        const done = events.at(-1)!;
        assertEquals([done.conflicts, done.open], [1, 1]);
        assertEquals(sides.read("alpha", "a"), "1");
        assertEquals(sides.read("beta", "a"), "2");
        assertEquals(sides.read("alpha", "b"), "new");
      }
    },
  );

  test(
    `two-way ${how}: a clock that is wrong changes who wins, never what is kept`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, { a: "a" });
      await sides.syncWell();
      sides.write("alpha", "a", "from 2100", 4_102_444_800);
      sides.write("beta", "a", "from 1970", 1);
      await sides.syncWell();
      assertEquals(sides.read("beta", "a"), "from 2100");
      const copies = namesIn(sides.beta).filter((name) => name !== "a");
      assertEquals(copies, ["a.conflict-beta-19700101T000001Z"]);
      assertEquals(sides.read("alpha", copies[0]!), "from 1970");
    },
  );

  test(
    `J01, J02: two-way ${how}: a side that was emptied halts it`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, TREE);
      await sides.syncWell();
      for (const name of namesIn(sides.beta)) sides.remove("beta", name);
      const before = listTree(sides.alpha);
      const { code, stderr } = await sides.sync();
      assertEquals(code, 4);
      assertStringIncludes(stderr, "--allow-delete");
      assertUntouched(sides.alpha, before);
      await sides.syncWell(["--allow-delete", "all"]);
      assertEquals(namesIn(sides.alpha), []);
    },
  );

  test(
    `J06: two-way ${how}: another directory at the same path halts it`,
    NEEDS,
    async () => {
      for (const side of ["alpha", "beta"] as const) {
        await using sides = new TwoSides(isRemote);
        writeTree(sides.alpha, TREE);
        await sides.syncWell();
        // A listener learns of it when it is started again, or at once.
        Deno.renameSync(sides[side], sides.temp.at("elsewhere"));
        Deno.mkdirSync(sides[side]);
        writeTree(sides[side], { a: "other" });
        await sides.stopListener();
        const { code, stderr } = await sides.sync();
        assertEquals(code, 4, stderr);
        assertStringIncludes(stderr, "--allow-new-root");
        assertEquals(namesIn(sides[side]), ["a"]);
        await sides.syncWell(["--allow-new-root"]);
        assertEquals(namesIn(sides.alpha), ["a", ...Object.keys(TREE)].sort());
        await sides.syncWell();
      }
    },
  );

  test(
    `J07, J08, K02: two-way ${how}: without its memory, nothing is deleted`,
    NEEDS,
    async () => {
      for (const harm of ["damage", "lose", "lose there"] as const) {
        await using sides = new TwoSides(isRemote);
        writeTree(sides.alpha, TREE);
        await sides.syncWell();
        sides.remove("alpha", "b");
        sides.write("beta", "a.txt", "edited there", 1_600_000_000);
        const name = isRemote && harm === "lose there" ? "there" : "here";
        const state = join(
          sides.state(name).env!.XDG_STATE_HOME!,
          "lockstep/two-way",
        );
        await sides.stopListener();
        for (const file of namesIn(state)) {
          const path = join(state, file);
          if (harm !== "damage") Deno.removeSync(path);
          else if (file.endsWith(".ancestor")) damage(path);
        }
        const { stderr, events } = await sides.sync();
        await assertSameTree(sides.alpha, sides.beta);
        assertEquals(sides.read("alpha", "b"), "b");
        const contents = namesIn(sides.beta).filter((name) => name !== "d")
          .map((name) => sides.read("beta", name));
        assert(
          contents.includes("a") && contents.includes("edited there"),
          harm,
        );
        const warnings = events.filter(({ event }) => event === "warning");
        // A side without a memory is a new one, for the other one, too.
        assertEquals(warnings.length, harm === "damage" ? 1 : 0, stderr);
        sides.remove("beta", "b");
        await sides.syncWell();
        assert(!namesIn(sides.alpha).includes("b"));
      }
    },
  );

  test(
    `J13: two-way ${how}: a dry run tells both directions and changes nothing`,
    NEEDS,
    async () => {
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, TREE);
      await sides.syncWell();
      sides.write("alpha", "new", "new");
      sides.remove("alpha", "b");
      sides.write("beta", "a.txt", "edited");
      sides.write("alpha", "gone", "1");
      sides.write("beta", "gone", "2");
      const before = [listTree(sides.alpha), listTree(sides.beta)] as const;
      const state = sides.state().env!.XDG_STATE_HOME!;
      const memory = listTree(state);
      const { code, events } = await sides.sync(["--dry-run"]);
      assertEquals(code, 0);
      assertUntouched(sides.alpha, before[0]);
      assertUntouched(sides.beta, before[1]);
      assertUntouched(state, memory);
      const actions = events.filter(({ event }) => event === "action")
        .map(({ side, action, path }) => `${side} ${action} ${path}`);
      for (
        const wanted of [
          "alpha replace a.txt",
          "beta create new",
          "beta delete b",
        ]
      ) {
        assert(actions.includes(wanted), `${wanted} in ${actions}`);
      }
      assertEquals(
        events.filter(({ event }) => event === "conflict").map(({ path }) =>
          path
        ),
        ["gone"],
      );
      await sides.syncWell();
    },
  );

  test(
    `two-way ${how}: random edits on both sides, again and again, end equal`,
    NEEDS,
    async () => {
      const random = new Random(isRemote ? 1 : 2);
      await using sides = new TwoSides(isRemote);
      writeTree(sides.alpha, TREE);
      await sides.syncWell();
      let hasLinks = false;
      for (let round = 0; round < 6; round++) {
        const log = [
          ...editTree(sides.alpha, random, 6),
          "and at beta:",
          ...editTree(sides.beta, random, 6),
        ];
        hasLinks ||= log.some((line) => line.startsWith("link "));
        const args = ["--allow-delete", "all"];
        const { code, stderr } = await sides.sync(args);
        assertEquals(code, 0, `${log.join("\n")}\n${stderr}`);
        // To set mode or time of one of two names sets that of the other as well.
        if (!hasLinks) await assertSameTree(sides.alpha, sides.beta);
        await sides.sync(args);
        await assertSameTree(sides.alpha, sides.beta);
        const { events } = await sides.syncWell();
        assertEquals(events.at(-1)!.rounds, 1);
      }
    },
  );
}

function damage(path: string): void {
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length >> 1]! ^= 0x10;
  Deno.writeFileSync(path, bytes);
}

/** What two people did since the last sync, and what nobody may lose of it. */
const EDITS = [
  ...[
    "only here",
    "only there",
    "both, here",
    "both, there",
    "over a deletion",
  ],
  "L".repeat(1_200_000),
];

function diverge(sides: TwoSides): void {
  sides.write("alpha", "a.txt", EDITS[0]!);
  sides.write("beta", "b", EDITS[1]!);
  sides.write("alpha", "gone", EDITS[2]!, 1_600_000_000);
  sides.write("beta", "gone", EDITS[3]!, 1_700_000_000);
  sides.remove("alpha", "old");
  sides.write("beta", "old", EDITS[4]!);
  sides.write("beta", "d/large", EDITS[5]!);
  sides.remove("beta", "d/deep");
  sides.remove("alpha", "d/y");
  Deno.mkdirSync(join(sides.alpha, "d/y"));
}

/** Every content below a directory, and what Lockstep keeps there for people. */
function contentsOf(root: string): Set<string> {
  const found = new Set<string>();
  for (const [path, { kind }] of listTree(root)) {
    if (
      path.startsWith(".lockstep/") && !path.includes("/held") &&
      !path.includes("/kept")
    ) {
      continue;
    }
    if (kind === "file") found.add(Deno.readTextFileSync(join(root, path)));
  }
  return found;
}

function assertKept(sides: TwoSides, where: string): void {
  const there = new Set([
    ...contentsOf(sides.alpha),
    ...contentsOf(sides.beta),
  ]);
  for (const edit of EDITS) {
    assert(there.has(edit), `"${edit.slice(0, 20)}" is lost, ${where}`);
  }
}

/** Beyond this call a run between two small directories is through. */
const STEP = Number(Deno.env.get("LOCKSTEP_KILL_STEP") ?? 9);

for (const isRemote of [false, true]) {
  const how = isRemote ? "with a listener" : "between directories";
  // Half of the calls are those of the listener then.
  const step = isRemote ? STEP * 2 : STEP;
  test(
    `E05, E07, E09: two-way ${how}: killed before any of its calls, it loses nothing`,
    NEEDS,
    async () => {
      let kills = 0;
      for (let call = 1;; call += step) {
        await using sides = new TwoSides(isRemote);
        writeTree(sides.alpha, TREE);
        await sides.syncWell();
        diverge(sides);
        const ended = await sides.sync([], {
          LOCKSTEP_FAULT: `change:${call}:kill`,
        });
        const where = `killed before call ${call}`;
        assertKept(sides, where);
        if (ended.signal === null) {
          assertEquals(ended.code, 0, ended.stderr);
          break;
        }
        kills++;
        const after = await sides.sync();
        assertEquals(after.code, 0, `${where}: ${after.stderr}`);
        await assertSameTree(sides.alpha, sides.beta);
        assertKept(sides, where);
        assertEquals(namesIn(sides.beta).includes(".lockstep"), false, where);
        note("N4", "kills", 1);
      }
      assert(kills > 3, `${kills} kills`);
    },
  );
}

test(
  "D01: two-way with a listener: a connection that is cut is made again",
  NEEDS,
  async () => {
    const random = new Random(7);
    for (const lane of ["toServer", "toClient"] as const) {
      for (const cutAfter of [200, 900, 100_000, 2_500_000]) {
        await using sides = new TwoSides(true);
        writeTree(sides.alpha, TREE);
        await sides.syncWell();
        diverge(sides);
        writeTree(sides.alpha, { "large here": random.bytes(3_000_000) });
        writeTree(sides.beta, { "large there": random.bytes(3_000_000) });
        const port = Number(new URL(await sides.target()).port);
        await using proxy = new TcpProxy(
          port,
          (connection) => connection === 0 ? { [lane]: { cutAfter } } : {},
        );
        const args = ["--two-way", "--retry-for", "10", "--compress", "off"];
        const { url } = proxy;
        const ended = await sync(sides.alpha, url, args, sides.state());
        const where = `${lane} cut after ${cutAfter}`;
        assertEquals(ended.code, 0, `${where}: ${ended.stderr}`);
        assert(proxy.counts.connections > 1, where);
        await assertSameTree(sides.alpha, sides.beta);
        assertKept(sides, where);
        await sides.syncWell();
        note("N12", "cuts", 1);
      }
    }
  },
);

test(
  "E05: two-way with a listener: a listener that is killed loses nothing",
  NEEDS,
  async () => {
    let kills = 0;
    // The first call is the lock of the listener, before anybody can come.
    for (let call = 2; call < 400; call += STEP * 4) {
      await using sides = new TwoSides(false);
      writeTree(sides.alpha, TREE);
      writeTree(sides.beta, TREE);
      const there = sides.state("there");
      const sync1 = async (env: Record<string, string>): Promise<Ended> => {
        await using receiver = await listen(
          sides.beta,
          ["--two-way", "--keep-listening"],
          { env: { ...there.env, ...env } },
        );
        const args = ["--two-way", "--retry-for", "0"];
        const ended = await sync(
          sides.alpha,
          receiver.url,
          args,
          sides.state(),
        );
        receiver.kill("SIGKILL");
        return ended;
      };
      assertEquals((await sync1({})).code, 0);
      diverge(sides);
      const ended = await sync1({ LOCKSTEP_FAULT: `change:${call}:kill` });
      const where = `killed before call ${call}`;
      assertKept(sides, where);
      if (ended.code === 0) break;
      kills++;
      assertEquals((await sync1({})).code, 0, where);
      await assertSameTree(sides.alpha, sides.beta);
      assertKept(sides, where);
      note("N4", "kills", 1);
    }
    assert(kills > 1, `${kills} kills`);
  },
);

test(
  "two-way: a listener that only receives is left alone, and says so",
  NEEDS,
  async () => {
    await using temp = new TempDir();
    const alpha = temp.directory("alpha");
    const beta = temp.directory("beta");
    writeTree(alpha, { a: "a" });
    writeTree(beta, { secret: "s" });
    await using receiver = await listen(beta, ["--keep-listening"]);
    const { code, stderr } = await sync(alpha, receiver.url, ["--two-way"]);
    assertEquals(code, 5);
    assertStringIncludes(stderr, "listen --two-way");
    assertEquals([namesIn(alpha), namesIn(beta)], [["a"], ["secret"]]);
  },
);

test(
  "two-way: a mirror does not get at a listener for two-way syncs",
  NEEDS,
  async () => {
    await using sides = new TwoSides(true);
    writeTree(sides.alpha, { a: "a" });
    writeTree(sides.beta, { b: "b" });
    const { code, stderr } = await sync(sides.alpha, await sides.target());
    assertEquals(code, 5);
    assertStringIncludes(stderr, "sync --two-way");
    assertEquals(namesIn(sides.beta), ["b"]);
  },
);

test(
  "G22: two-way: what becomes ignored is deleted nowhere",
  NEEDS,
  async () => {
    await using sides = new TwoSides(true);
    writeTree(sides.alpha, { "a.log": "1", d: { "b.log": "2", c: "3" } });
    await sides.syncWell();
    sides.remove("alpha", "a.log");
    sides.write("beta", "d/b.log", "edited");
    const { code } = await sides.sync(["--exclude", "*.log"]);
    assertEquals(code, 0);
    assertEquals(sides.read("beta", "a.log"), "1");
    assertEquals(sides.read("alpha", "d/b.log"), "2");
    await sides.syncWell();
    assertEquals(namesIn(sides.alpha), ["a.log", "d"]);
    assertEquals(sides.read("alpha", "d/b.log"), "edited");
  },
);

test(
  "two-way with a listener: edits of large files cost little, both ways and as conflict copies",
  NEEDS,
  async () => {
    const bytes = 4 * 1024 * 1024;
    const random = new Random(77);
    await using sides = new TwoSides(true);
    for (const name of ["here", "there", "both"]) {
      Deno.writeFileSync(join(sides.alpha, name), random.bytes(bytes));
    }
    await sides.syncWell();
    const edit = (
      side: "alpha" | "beta",
      name: string,
      mtime: number,
    ): void => {
      const at = join(sides[side], name);
      const content = Deno.readFileSync(at);
      content.set(random.bytes(64), random.below(bytes - 64));
      Deno.writeFileSync(at, content);
      Deno.utimeSync(at, mtime, mtime);
    };
    edit("alpha", "here", 1_600_000_000);
    edit("beta", "there", 1_600_000_000);
    edit("alpha", "both", 1_600_000_000);
    edit("beta", "both", 1_700_000_000);
    const loser = Deno.readFileSync(join(sides.alpha, "both"));
    const winner = Deno.readFileSync(join(sides.beta, "both"));
    const { events } = await sides.syncWell();
    const copy = namesIn(sides.beta).find((name) => name.includes("conflict"));
    assertEquals(Deno.readFileSync(join(sides.beta, copy!)), loser);
    assertEquals(Deno.readFileSync(join(sides.alpha, "both")), winner);
    const { sent, received } = events.at(-1)!;
    assert(Number(sent) + Number(received) < 100_000, `${sent} ${received}`);
  },
);

test(
  "two-way: options that make no sense with it are refused",
  NEEDS,
  async () => {
    await using sides = new TwoSides(false);
    const refused: readonly (readonly [string, ...string[]])[] = [
      ["--checksum"],
      ["--no-delete"],
      ["--owner"],
      ["--watch", "--repair", "1m"],
      ["--interval", "500"],
      ["--log-file", sides.temp.at("log")],
      ["--on-change", "true"],
      ["--no-state"],
      ["--symlinks", "follow"],
      ["--trash", sides.temp.at("trash")],
      ["--dry-run", "--plan", sides.temp.at("plan")],
      ["--conflict", "latest"],
    ];
    for (const args of refused) {
      const { code, stderr } = await sides.sync(args);
      assertEquals(code, 2, `${args}: ${stderr}`);
    }
    const lonely = await run([
      ...["sync", "--from", sides.alpha, "--to", sides.beta],
      ...["--conflict", "manual"],
    ]);
    assertEquals(lonely.code, 2);
    assertStringIncludes(lonely.stderr, "--conflict needs --two-way");
    const listener = await run([
      "listen",
      "--two-way",
      "-o",
      sides.beta,
      "--no-state",
    ]);
    assertEquals(listener.code, 2);
    assertStringIncludes(listener.stderr, "does not go with --no-state");
    const inside = await sides.sync([
      "--state-dir",
      join(sides.alpha, "state"),
    ]);
    assertEquals(inside.code, 2, inside.stderr);
  },
);

test(
  "G04: two-way: an edit that keeps size and time is seen",
  NEEDS,
  async () => {
    await using sides = new TwoSides(false);
    writeTree(sides.alpha, { a: "one" });
    await sides.syncWell();
    await sides.syncWell();
    const { mtime } = Deno.statSync(join(sides.alpha, "a"));
    sides.write("alpha", "a", "two", mtime!.getTime() / 1000);
    await sides.syncWell();
    assertEquals(sides.read("beta", "a"), "two");
  },
);

test(
  "H14: a directory that takes part in a two-way sync takes part in no other one",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const state = { env: { XDG_STATE_HOME: temp.at("state") } };
    const [a, b, c] = ["a", "b", "c"].map((name) => temp.directory(name));
    writeTree(a!, { "a.txt": "a" });
    await using watch = startSync(a!, b!, ["--two-way", "--watch"], state);
    await watch.event("synced");
    for (const [from, to, taken] of [[a, c, a], [c, a, a], [c, b, b]]) {
      const second = await sync(from!, to!, ["--two-way"], state);
      assertEquals(second.code, 1, second.stdout);
      assertStringIncludes(
        second.stderr,
        `${taken} takes part in another two-way sync`,
      );
      assertEquals(namesIn(c!), []);
    }
    const args = ["--two-way", "--output-dir", b!, "--port", "0"];
    const listener = await run(["listen", ...args], state);
    assertEquals(listener.code, 1, listener.stderr);
    assertStringIncludes(listener.stderr, "another two-way sync");
    const look = await sync(a!, c!, ["--two-way", "--dry-run"], state);
    assertEquals(look.code, 0, look.stderr);
    watch.kill("SIGKILL");
    await watch.ended;
    // Nothing is left of a run that was killed.
    const next = await sync(c!, a!, ["--two-way"], state);
    assertEquals(next.code, 0, next.stderr);
    assertEquals(namesIn(c!), ["a.txt"]);
  },
);
