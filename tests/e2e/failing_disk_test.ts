/** Calls to the disk that fail on order, at either side: see `fault_point.ts`. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded, problemPaths } from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, link, writeTree } from "../support/disk_tree.ts";
import { assertSameTree, Canary, listTree } from "../support/oracle.ts";
import { type Ended, listen, sync } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { tornPaths, writeVersion } from "../support/versions.ts";

/** Faults at random calls, per error. */
const SAMPLES = Math.ceil(Number(Deno.env.get("LOCKSTEP_ROUNDS") ?? 30) / 3);

/** Of the calls that look at something, one of so many fails. */
const STRIDE = Deno.env.get("LOCKSTEP_ROUNDS") === undefined ? 3 : 1;

/** A run of the scene in `versions.ts` makes some more calls that change something. */
const CALLS = 200;

/** Where things were kept that could neither stay nor go, as the runs have said. */
function keptPaths(...runs: Ended[]): string[] {
  return runs.flatMap(({ events }) => events)
    .filter(({ code }) => code === "kept")
    .map(({ message }) => / kept as (\S+)$/.exec(String(message))?.[1] ?? "");
}

/** Fails if `target` holds anything of ours but what the runs have named as kept. */
function assertNothingLeft(target: string, ...runs: Ended[]): void {
  const kept = keptPaths(...runs);
  const left = [...listTree(target)].filter(([path, { kind }]) =>
    path.startsWith(".lockstep") && kind !== "directory" &&
    !kept.some((at) => path.startsWith(at))
  );
  assertEquals(left.map(([path]) => path), []);
  if (kept.length === 0) assert(!exists(`${target}/.lockstep`));
}

/** A source and a target, two versions apart, beside a canary. */
class Scene implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly canary = new Canary(this.temp.at("canary"));
  readonly source = this.temp.directory("source");
  readonly #old = this.temp.directory("old");
  #count = 0;

  constructor() {
    writeVersion(this.source, "new");
    writeVersion(this.#old, "old");
    writeTree(this.source, { "to canary": link(this.canary.path) });
    writeTree(this.#old, { "to canary": link(this.canary.path) });
  }

  /** A target with the old version. */
  async target(): Promise<string> {
    const target = this.temp.at(`target ${this.#count++}`);
    await shell('cp -a "$1" "$2"', this.#old, target);
    return target;
  }

  /** Fails unless `target` came through `ended` unharmed, and the next run completes. */
  async assertUnharmed(
    target: string,
    ended: Ended,
    where: string,
  ): Promise<void> {
    assert([0, 1, 3, 5].includes(ended.code), `${where}: exit ${ended.code}`);
    assert(!/^\s+at /m.test(ended.stderr), `${where}: ${ended.stderr}`);
    assertEquals(tornPaths(target, [this.#old, this.source]), [], where);
    if (ended.code === 0) await this.#assertEqual(target, where);
    const next = await sync(this.source, target);
    assertEquals(next.code, keptPaths(next).length > 0 ? 3 : 0, where);
    await this.#assertEqual(target, where);
    assertNothingLeft(target, ended, next);
    this.canary.assertAlive();
    await Deno.remove(target, { recursive: true });
  }

  async #assertEqual(target: string, where: string): Promise<void> {
    try {
      await assertSameTree(this.source, target, { except: [".lockstep"] });
    } catch (error) {
      throw new Error(where, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
  }
}

Deno.test("F04: a file that can't be read is named, and its old version stays", async () => {
  await using scene = new Scene();
  let named = 0;
  let quiet = 0;
  for (let call = 1; quiet < 4; call += STRIDE) {
    const target = await scene.target();
    await using receiver = await listen(target, ["--retry-for", "0"]);
    const ended = await sync(scene.source, receiver.url, [], {
      env: { LOCKSTEP_FAULT: `read:${call}:EIO` },
    });
    if (ended.code === 0) {
      // No such call any more; or one that was to spare content, which then is sent.
      quiet++;
      await receiver.ended;
      await scene.assertUnharmed(target, ended, `read ${call}`);
      continue;
    }
    quiet = 0;
    named++;
    assertEnded(ended, 3);
    assertEquals(problemPaths(ended).length, 1);
    assert(/input\/output error/.test(ended.stdout), ended.stdout);
    await receiver.ended;
    await scene.assertUnharmed(target, ended, `read ${call}`);
  }
  assert(named >= 3, `only ${named} calls`);
});

for (const side of ["source", "target"] as const) {
  Deno.test(`F05: where the ${side} can't be listed, nothing below is deleted or made`, async () => {
    await using scene = new Scene();
    const old = [...listTree(await scene.target()).keys()];
    for (let call = 1;; call += STRIDE) {
      const target = await scene.target();
      const env = { LOCKSTEP_FAULT: `list:${call}:EIO` };
      await using receiver = await listen(
        target,
        ["--retry-for", "0"],
        side === "target" ? { env } : {},
      );
      const ended = await sync(
        scene.source,
        receiver.url,
        ["--retry-for", "0"],
        side === "source" ? { env } : {},
      );
      if (ended.code === 0) {
        assert(call > 5, `only ${call} calls`);
        break;
      }
      if (ended.code === 3) await receiver.ended;
      else await receiver[Symbol.asyncDispose]();
      const where = `list ${call}: ${problemPaths(ended)} ${ended.stderr}`;
      // What the source still has was never taken for gone.
      const wanted = listTree(scene.source);
      const lost = old.filter((path) =>
        wanted.has(path) && !exists(`${target}/${path}`)
      );
      assertEquals(lost, [], where);
      await scene.assertUnharmed(target, ended, where);
      note("N10", "lost roots on disk", 1);
    }
  });
}

for (const code of ["EIO", "ENOSPC", "EACCES"]) {
  Deno.test(`F01, F06: ${SAMPLES} calls that fail with ${code} tear nothing, and the next run completes`, async () => {
    const random = new Random(83);
    await using scene = new Scene();
    let failed = 0;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const call = random.between(1, CALLS);
      const target = await scene.target();
      const ended = await sync(scene.source, target, [], {
        env: { LOCKSTEP_FAULT: `change:${call}:${code}` },
      });
      if (ended.code !== 0) failed++;
      await scene.assertUnharmed(target, ended, `${code} at call ${call}`);
    }
    assert(failed > SAMPLES / 3, `only ${failed} runs heard of it`);
    note("N15", "failed calls", SAMPLES);
  });
}
