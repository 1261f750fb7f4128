/**
 * The program dies before each of its calls that change something, one after the
 * other: in between, every path holds old or new content, whole; afterwards, the
 * next run makes both sides equal and leaves nothing over.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { assertEnded } from "../support/carriers.ts";
import { link, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree, Canary } from "../support/oracle.ts";
import { listen, run, sync } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { TempDir } from "../support/temp.ts";

/**
 * In soaks they die before each call; else before each third one, and begin with
 * another one each time, so that a few runs come by all of them.
 */
const KILL_STEP = Deno.env.get("LOCKSTEP_KILL_STEP");
const LOCAL_STEP = Number(KILL_STEP ?? 3);

/** A receiver does the same as a local sync. */
const RECEIVER_STEP = Number(KILL_STEP ?? 6);

/** Files of 1.5 MiB are staged in parts, and taken up again. */
const LARGE = 1_500_000;

/** Two states of a directory, some 60 operations apart. */
function writeStates(source: string, target: string): void {
  const numbered = (prefix: string, content: string): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [`${prefix}${i}`, content + i]),
    );
  writeTree(target, {
    ...numbered("replaced", "old "),
    ...numbered("deleted", "old "),
    ...numbered("touched", "same "),
    large: "o".repeat(LARGE),
    gone: { deep: { ...numbered("file", "old ") }, link: link("deep") },
    stays: { ...numbered("replaced", "old "), gone: "old" },
    "file to directory": "old",
    "directory to file": { a: "old", b: { c: "old" } },
    "link to file": link("replaced0"),
    "file to link": "old",
    "link to link": link("replaced0"),
  });
  writeTree(source, {
    ...numbered("replaced", "new content "),
    ...numbered("created", "new "),
    ...numbered("touched", "same "),
    large: "n".repeat(LARGE + 1),
    new: { deep: { ...numbered("file", "new "), empty: {} }, link: link("x") },
    stays: { ...numbered("replaced", "new content "), new: "new" },
    "file to directory": { a: "new", b: { c: "new" } },
    "directory to file": "new",
    "link to file": "new",
    "file to link": link("replaced1"),
    "link to link": link("replaced1"),
  });
}

/** What may be at a path while one state turns into the other. */
class States {
  readonly #allowed = new Map<string, Set<string>>();

  constructor(...roots: readonly string[]) {
    for (const root of roots) {
      for (const [path, what] of describeBelow(root)) {
        const allowed = this.#allowed.get(path) ?? new Set();
        this.#allowed.set(path, allowed.add(what));
      }
    }
  }

  /** Paths at which neither state is, or that are missing though both have them. */
  faultsOf(root: string): string[] {
    const found = new Map(describeBelow(root));
    const faults: string[] = [];
    for (const [path, what] of found) {
      if (!this.#allowed.get(path)?.has(what)) faults.push(`${path}: ${what}`);
    }
    for (const [path, allowed] of this.#allowed) {
      // Only where kinds change may a path be empty for a moment.
      const kinds = new Set([...allowed].map((what) => what.split(" ")[0]));
      const isInBoth = path.startsWith("replaced") || path === "large" ||
        path.startsWith("stays/replaced") || path.startsWith("touched");
      if (isInBoth && kinds.size === 1 && !found.has(path)) {
        faults.push(`${path}: missing`);
      }
    }
    return faults;
  }
}

function* describeBelow(
  root: string,
  base = "",
): Generator<[path: string, what: string]> {
  for (const entry of Deno.readDirSync(join(root, base))) {
    if (entry.name === ".lockstep") continue;
    const path = base === "" ? entry.name : `${base}/${entry.name}`;
    const at = join(root, path);
    if (entry.isDirectory) {
      yield [path, "directory"];
      yield* describeBelow(root, path);
    } else if (entry.isSymlink) yield [path, `link ${Deno.readLinkSync(at)}`];
    else yield [path, `file ${Deno.readTextFileSync(at)}`];
  }
}

/** Runs until no fault is met any more: how many kills there were. */
async function killEverywhere(
  runOnce: (source: string, target: string, fault: string) => Promise<boolean>,
  step: number,
): Promise<number> {
  await using temp = new TempDir();
  const canary = new Canary(temp.at("canary"));
  const source = temp.directory("source");
  const before = temp.directory("before");
  writeStates(source, before);
  const states = new States(source, before);
  const first = 1 + Math.floor(Math.random() * step);
  for (let call = first;; call += step) {
    const target = temp.directory(`target${call}`);
    await copyTree(before, target);
    const killed = await runOnce(source, target, `change:${call}:kill`);
    const where = `killed before call ${call}`;
    assertEquals(states.faultsOf(target), [], where);
    if (killed) assertEnded(await sync(source, target));
    await assertSameTree(source, target);
    assert(!namesIn(target).includes(".lockstep"), `${where}: left over`);
    canary.assertAlive();
    note("N4", "kills", killed ? 1 : 0);
    if (!killed) return call - 1;
    await Deno.remove(target, { recursive: true });
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", {
    args: ["-a", `${from}/.`, to],
  }).output();
  assert(success);
}

test(
  "E01-E05, E07, E08: a local sync may die before any of its calls",
  ["linux"],
  async () => {
    const kills = await killEverywhere(async (source, target, fault) => {
      const ended = await run(["sync", "--from", source, "--to", target], {
        env: { LOCKSTEP_FAULT: fault },
      });
      if (ended.signal !== "SIGKILL") assertEquals(ended.code, 0, ended.stderr);
      return ended.signal === "SIGKILL";
    }, LOCAL_STEP);
    assert(kills > 100, `only ${kills} kills`);
  },
);

test(
  "E01-E05, E07, E08: a receiver may die before any of its calls",
  ["linux"],
  async () => {
    const kills = await killEverywhere(async (source, target, fault) => {
      await using receiver = await listen(target, ["--retry-for", "0"], {
        env: { LOCKSTEP_FAULT: fault },
      });
      const sender = await sync(source, receiver.url, ["--retry-for", "0"]);
      const { signal } = await receiver.ended;
      assertEquals(sender.code, signal === "SIGKILL" ? 6 : 0, sender.stderr);
      return signal === "SIGKILL";
    }, RECEIVER_STEP);
    assert(kills > 100, `only ${kills} kills`);
  },
);
