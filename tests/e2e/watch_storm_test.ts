/**
 * Random schedules of edits, under cut connections and killed receivers: each
 * ends with equal trees. LOCKSTEP_SEED repeats one, LOCKSTEP_STORMS says how
 * many there are.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { exists } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { listen } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { editTree } from "../support/tree_edit.ts";
import { until } from "../support/until.ts";
import { Watching } from "../support/watching.ts";

const SCHEDULES = Number(Deno.env.get("LOCKSTEP_STORMS") ?? 4);
const SEED = Deno.env.get("LOCKSTEP_SEED");

test(`N11: ${SCHEDULES} storms of edits end with equal trees`, [
  "rsync",
  "signals",
], async () => {
  const chance = new Random(seedOr(Date.now() % 1e9));
  const seeds = SEED === undefined
    ? Array.from({ length: SCHEDULES }, () => chance.below(1e9))
    : [Number(SEED)];
  for (const seed of seeds) {
    const log: string[] = [];
    try {
      await storm(seed, log);
      note("N11", "storms", 1);
    } catch (error) {
      throw new Error(`LOCKSTEP_SEED=${seed}\n${log.join("\n")}`, {
        cause: error,
      });
    }
  }
});

async function storm(seed: number, log: string[]): Promise<void> {
  const random = new Random(seed);
  await using proxy = new TcpProxy(1);
  await using watching = await Watching.start({
    sync: ["--no-state", "--rescan", "2s"],
    prepare: (source) => void editTree(source, random, 30),
    through: proxy,
  });
  const { source, target, temp } = watching;
  const outside = temp.at("outside");
  for (let step = 0; step < 12; step++) {
    switch (random.below(8)) {
      case 0:
        log.push("cut");
        proxy.cut();
        break;
      case 1:
        log.push("kill the receiver");
        watching.receiver.kill("SIGKILL");
        await watching.receiver.ended;
        log.push(...editTree(source, random, random.between(0, 10)));
        watching.receiver = await listen(target);
        proxy.serverPort = watching.receiver.port;
        break;
      case 2:
        moveAround(source, outside, log);
        break;
      case 3:
        log.push("a tree at once");
        Deno.mkdirSync(join(source, `t${step}/a/b/c`), { recursive: true });
        for (let i = 0; i < 300; i++) {
          const path = join(source, `t${step}/a/b/f${i}`);
          Deno.writeTextFileSync(path, `${i}`);
          // As for all edits: what is different has another size or mtime.
          const mtime = new Date(1e12 + step * 1e6 + i);
          Deno.utimeSync(path, mtime, mtime);
        }
        break;
      case 4:
        log.push("removed trees");
        for (const { name } of [...Deno.readDirSync(source)]) {
          if (!name.startsWith("t")) continue;
          Deno.removeSync(join(source, name), { recursive: true });
        }
        break;
      default:
        log.push(...editTree(source, random, random.between(1, 40)));
    }
    const wait = random.pick([0, 0, 1, 5, 30, 120]);
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (random.below(4) === 0) {
      log.push("equal?");
      await watching.equal(`equal trees (seed ${seed})`);
    }
  }
  // What was on the move is named until it was looked at again.
  await until("a round without problems", async () => {
    Deno.writeTextFileSync(join(source, "last"), `${random.below(1e9)}`);
    const rounds = watching.sender.events.length;
    await watching.equal(`equal trees in the end (seed ${seed})`);
    const last = await until(
      "its end",
      () =>
        watching.sender.events.slice(rounds).findLast(({ event }) =>
          event === "synced"
        ),
    );
    return last.problems === 0;
  });
  watching.sender.kill("SIGINT");
  assertEquals((await watching.sender.ended).code, 0);
  assertEquals((await watching.receiver.ended).code, 0);
}

/** Moves something out of the tree, or what is there back in. */
function moveAround(source: string, outside: string, log: string[]): void {
  if (exists(outside)) {
    log.push("moved in");
    const place = join(source, "t-moved");
    assert(
      !exists(place) ||
        Deno.removeSync(place, { recursive: true }) === undefined,
    );
    Deno.renameSync(outside, place);
    return;
  }
  for (const { name, isDirectory } of Deno.readDirSync(source)) {
    if (!isDirectory) continue;
    log.push(`moved out: ${name}`);
    Deno.renameSync(join(source, name), outside);
    return;
  }
}
