/**
 * Somebody swaps directories with links that lead elsewhere, as fast as a machine
 * can, while the program is at work below them: it never writes there, and never
 * takes anything from there. LOCKSTEP_RACE_SECONDS says how long each race lasts.
 */
import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { assertEnded } from "../support/carriers.ts";
import { type DiskLiteral, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { type Ended, listen, sync } from "../support/program.ts";
import { note, noteMost } from "../support/proof.ts";
import { TempDir } from "../support/temp.ts";
import type { Swap } from "../support/swapper.ts";

const SECONDS = Number(Deno.env.get("LOCKSTEP_RACE_SECONDS") ?? 5);
const SWAPPER = fromFileUrl(new URL("../support/swapper.ts", import.meta.url));

/** Directories that are swapped; nothing above them ever is. */
const PLACES = ["one", "two", "parent/three", "parent/inner/four"];

/** One of two versions of what is in each of the places. */
function contentOf(version: number, text: string): DiskLiteral {
  const numbered = (count: number): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`${i}`, `${text} ${i}`]),
    );
  return {
    ...numbered(10),
    large: text.repeat(100_000 / text.length),
    deep: { deeper: numbered(5), [`only ${version}`]: text },
    [`only ${version}`]: numbered(3),
    "file or directory": version === 0 ? text : { inner: text },
  };
}

function treeOf(content: DiskLiteral): DiskLiteral {
  return {
    one: content,
    two: content,
    parent: { three: content, inner: { four: content } },
  };
}

/** Swaps the places below `root` with links to `outside`, until it is stopped. */
class Race {
  readonly #child: Deno.ChildProcess;

  constructor(root: string, outside: string, aside: string) {
    const swaps: Swap[] = PLACES.map((place, i) => ({
      path: `${root}/${place}`,
      aside: `${aside}/${i}`,
      target: `${outside}/${place}`,
    }));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", SWAPPER, JSON.stringify(swaps)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
  }

  /**
   * Calls `round` again and again while it lasts, and more than once for each
   * second, however long that takes; answers how many rounds there were.
   */
  async during(round: (number: number) => Promise<void>): Promise<number> {
    const end = performance.now() + SECONDS * 1000;
    let rounds = 0;
    try {
      while (performance.now() < end || rounds <= SECONDS) {
        await round(rounds++);
      }
    } finally {
      await this.#child.stdin.close();
      const { stdout } = await this.#child.output();
      const swaps = Number(new TextDecoder().decode(stdout));
      assert(swaps > 100 * SECONDS, `only ${swaps} swaps`);
    }
    return rounds;
  }
}

/** Fails unless the run ended on its own terms, whatever it found. */
function assertSane(ended: Ended): void {
  assert([0, 1, 3].includes(ended.code), `exit ${ended.code}: ${ended.stderr}`);
  assert(!/^\s+at /m.test(ended.stderr), ended.stderr);
}

test(
  "A09: links that take the place of directories lead no change outside",
  ["linux", "symlinks"],
  async () => {
    await using temp = new TempDir();
    const [outside, target] = ["outside", "target"].map((name) =>
      temp.directory(name)
    ) as [string, string];
    const sources = [0, 1].map((version) => {
      const source = temp.directory(`source ${version}`);
      writeTree(source, treeOf(contentOf(version, `version ${version}`)));
      return source;
    });
    // What could be replaced or deleted is there as well, in both versions.
    writeTree(outside, treeOf(contentOf(0, "canary")));
    writeTree(target, treeOf(contentOf(0, "version x")));
    const before = listTree(outside);
    await using receiver = await listen(target, [
      "--keep-listening",
      "--retry-for",
      "0",
    ]);
    const race = new Race(target, outside, temp.directory("aside"));
    const rounds = await race.during(async (round) => {
      const source = sources[round % 2]!;
      // By turns over the socket and without one.
      const to = round % 4 < 2 ? receiver.url : target;
      assertSane(await sync(source, to, ["--retry-for", "0"]));
      assertUntouched(outside, before);
    });
    assert(rounds > SECONDS, `only ${rounds} rounds`);
    assertUntouched(outside, before);

    assertEnded(await sync(sources[0]!, target));
    // What the swapping had moved meanwhile may have been kept.
    await assertSameTree(sources[0]!, target, { except: [".lockstep"] });
    noteMost("N8", "seconds of each race", SECONDS);
    note("N8", "rounds", rounds);
  },
);

test(
  "B02: links that take the place of directories let nothing in from outside",
  ["linux", "symlinks"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const outside = temp.directory("outside");
    // The same sizes and times: only what it is tells them apart.
    writeTree(source, treeOf(contentOf(0, "public")));
    writeTree(outside, treeOf(contentOf(0, "secret")));
    for (const root of [source, outside]) {
      for (const path of listTree(root).keys()) {
        Deno.utimeSync(`${root}/${path}`, 1e9, 1e9);
      }
    }
    const race = new Race(source, outside, temp.directory("aside"));
    const rounds = await race.during(async (round) => {
      const target = temp.directory(`target ${round}`);
      await using receiver = await listen(target, ["--retry-for", "0"]);
      const args = round % 2 === 0 ? [] : ["--checksum"];
      const to = round % 4 < 2 ? receiver.url : target;
      assertSane(await sync(source, to, [...args, "--retry-for", "0"]));
      for (const [path, { kind }] of listTree(target)) {
        if (kind !== "file") continue;
        const text = Deno.readTextFileSync(`${target}/${path}`);
        assert(!text.includes("secret"), `${path} came from outside`);
      }
      await Deno.remove(target, { recursive: true });
    });
    assert(rounds > SECONDS, `only ${rounds} rounds`);

    const target = temp.at("target");
    assertEnded(await sync(source, target));
    await assertSameTree(source, target);
    assert(!namesIn(target).includes(".lockstep"));
    note("N8", "rounds", rounds);
  },
);
