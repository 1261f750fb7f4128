/**
 * A tree is edited at random while it is replicated, over watches that see only
 * their own directory, and a carrier that fails, loses responses, and delivers
 * twice and late; the target's disk fails, too. When it is quiet again, both sides are equal, each directory has
 * one watch, and the next round has nothing to do.
 */
import { assertEquals } from "@std/assert";
import type { WatchReach } from "../../src/fs/file_system.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { compareSides } from "../../src/session/compare_sides.ts";
import { RUNS } from "../support/arbitraries.ts";
import { editOnce } from "../support/memory_edit.ts";
import { Random } from "../support/random.ts";
import { until } from "../support/until.ts";
import {
  type Carrier,
  FORMS,
  ReplicatorKit,
} from "../support/replicator_kit.ts";

const CASES = Math.max(40, Math.floor(RUNS / 40));

for (const watches of ["children", "recursive"] as const) {
  Deno.test(`whatever is edited, a replicator ends equal, with watches of ${watches}`, async () => {
    for (let seed = 0; seed < CASES; seed++) {
      try {
        await replicate(seed, watches);
      } catch (error) {
        throw new Error(`Seed ${seed}, ${watches}`, { cause: error });
      }
    }
  });
}

async function replicate(seed: number, watches: WatchReach): Promise<void> {
  const random = new Random(seed);
  const carrier = unreliable(random, seed % 4);
  const form = random.pick(Object.keys(FORMS));
  await using kit = new ReplicatorKit({ "a/b": "1", "c": "22" }, {
    watches,
    form,
    carrier,
    // Events alone have to do.
    rescanMs: 1e9,
    retryForMs: 1e9,
  });
  const edits: string[] = [];
  let hasStarted = false;
  const started = kit.source.start().then(() => hasStarted = true);
  for (let i = random.below(30); i > 0; i--) {
    edits.push(await editOnce(kit.from, "/a", random));
    // What fails in the first round is for whoever has started it.
    if (seed % 3 === 0 && hasStarted) {
      kit.to.failCall({
        method: random.pick(FAILING),
        nth: random.between(1, 30),
        code: random.pick(["no-space", "io", "denied"]),
      });
    }
    // Sometimes the replicator gets a turn, or several, in between.
    for (let turns = random.below(4); turns > 0; turns--) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  await started;
  await until(
    edits.join("\n"),
    () => Deno.inspect(kit.targetTree) === Deno.inspect(kit.sourceTree),
  );
  kit.to.failNone();
  const { problems } = await kit.source.flush();
  assertEquals(problems, [], edits.join("\n"));
  assertEquals(kit.targetTree, kit.sourceTree, edits.join("\n"));
  assertEquals(await differences(kit), [], edits.join("\n"));
  const { totals } = await kit.source.flush();
  const directories = watches === "children" ? totals.directories + 1 : 1;
  assertEquals(kit.from.watches.active, directories, edits.join("\n"));
  const again = await kit.cost(() => Promise.resolve());
  assertEquals(again.mutations, {}, edits.join("\n"));
  await kit.source.close();
  await kit.target.close();
  const own = Object.keys(kit.to.dump("b")).filter((path) =>
    path.startsWith(".lockstep/")
  );
  // What a failing disk could neither replace nor put back is kept, for a person.
  const isKept = (path: string): boolean => path.startsWith(".lockstep/kept/");
  const left = seed % 3 === 0 ? own.filter((path) => !isKept(path)) : own;
  assertEquals(left, [], edits.join("\n"));
}

/** Calls that the disk of the target may fail in. */
const FAILING = [
  "createFile",
  "createDirectory",
  "setMetadata",
  "rename",
  "moveNew",
  "link",
  "list",
  "openDirectory",
  "flush",
] as const;

/** A carrier that does `share` quarters of its work wrongly. */
function unreliable(random: Random, share: number): Carrier {
  let late: unknown;
  return async (request, deliver) => {
    if (random.below(4) >= share) return await deliver(request);
    switch (random.below(4)) {
      case 0:
        throw new Error("It got lost on its way");
      case 1:
        await deliver(structuredClone(request));
        throw new Error("The response got lost");
      case 2: {
        const twice = [deliver(structuredClone(request)), deliver(request)];
        const [, response] = await Promise.all(twice);
        return response;
      }
      default:
        // One from long ago comes again, and nobody waits for the response.
        if (late !== undefined) void deliver(late);
        late = structuredClone(request);
        return await deliver(request);
    }
  };
}

/** What a comparison by content finds, beside those that the replicator makes. */
async function differences(kit: ReplicatorKit): Promise<readonly unknown[]> {
  const source = await LocalEndpoint.open(kit.from, "/a");
  const target = await LocalEndpoint.open(kit.to, "/b");
  try {
    const { changes } = await compareSides(source, target, {
      checksum: true,
      symlinks: "copy",
      deletes: true,
    });
    return changes;
  } finally {
    const done = { kind: "done", message: "" } as const;
    await source.close(done);
    await target.close(done);
  }
}
