/**
 * Two people edit two directories while two-way syncs run between them, calls to
 * the disks fail, connections break and processes die. Nobody's work is lost
 * (I2), and when all is quiet both sides are equal (I4). Each schedule follows
 * from its number, which a failure shows.
 */
import { assertEquals } from "@std/assert";
import type { ConflictPolicy } from "../../src/core/conflict.ts";
import { People } from "../support/people.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { meddledWith, trouble } from "../support/simulated_trouble.ts";
import {
  TwoWayWorld,
  type WorldRun,
  type WorldSide,
} from "../support/two_way_world.ts";

const SCHEDULES = Number(Deno.env.get("LOCKSTEP_SCHEDULES") ?? 100);
const FIRST = Number(Deno.env.get("LOCKSTEP_FIRST_SCHEDULE") ?? 0);

const SIDES: readonly WorldSide[] = ["alpha", "beta"];
const POLICIES: readonly ConflictPolicy[] = [
  "newest",
  "newest",
  "keep-both",
  "prefer-alpha",
  "prefer-beta",
];

/** Schedules that have failed once: what was wrong with them must not come back. */
const CORPUS = [
  // A file is put back as it was while the other side deletes it, and is cut off.
  7_817_938,
];

/** Few runs need as many to get quiet after the last edit. */
const QUIET_RUNS = 4;

/** Lets people edit between the calls of a sync. */
function meddling(people: People<WorldSide>): NonNullable<WorldRun["wrap"]> {
  return (side, endpoint) =>
    meddledWith(endpoint, async () => {
      if (people.random.below(4) === 0) await people.edit(side);
    });
}

function assertNothingLost(
  world: TwoWayWorld,
  { written, dropped, log }: People<WorldSide>,
  when: string,
): void {
  const kept = new Set([...world.contents("alpha"), ...world.contents("beta")]);
  const lost = [...written]
    .filter((content) => !dropped.has(content) && !kept.has(content))
    .map((content) => content.slice(0, 20));
  assertEquals(lost, [], `${when}:\n${log.join("\n")}`);
}

async function live(number: number): Promise<void> {
  const random = new Random(number);
  const world = new TwoWayWorld({}, {});
  const people = new People(world, random, "alpha");
  const policy = random.pick(POLICIES);
  const limits = {
    maxDelete: undefined,
    allowDelete: { kind: "all" },
  } as const;
  const when = `schedule ${number}, ${policy}`;
  for (let run = 0; run < 8; run++) {
    for (let edits = random.below(6); edits > 0; edits--) {
      await people.edit(random.pick(SIDES));
    }
    const { connection } = trouble(world, random);
    people.log.push(`sync ${JSON.stringify(connection)}`);
    await world.sync({
      policy,
      limits,
      ...(connection && { connection }),
      ...(random.below(2) === 0 && { wrap: meddling(people) }),
    }).catch((error) => people.log.push(`it failed: ${error.message}`));
    world.fault = undefined;
    world.dieAtStep = Infinity;
    assertNothingLost(world, people, when);
  }
  let summary = await world.sync({ policy, limits });
  for (let run = 1; run < QUIET_RUNS && summary.problems.length > 0; run++) {
    summary = await world.sync({ policy, limits });
  }
  assertNothingLost(world, people, when);
  const log = `${when}:\n${people.log.join("\n")}`;
  assertEquals(summary.problems, [], log);
  assertEquals(world.dump("alpha"), world.dump("beta"), log);
  const again = await world.sync({ policy, limits });
  const { alpha, beta } = again.changes;
  assertEquals([alpha.created, alpha.replaced, alpha.touched], [0, 0, 0], log);
  assertEquals([beta.created, beta.replaced, beta.touched], [0, 0, 0], log);
}

Deno.test("I2, I4: no schedule that has failed once fails again", async () => {
  for (const number of CORPUS) await live(number);
});

Deno.test(`I2, I4: ${SCHEDULES} schedules of two people and a sync lose nothing, and end equal`, async () => {
  for (let i = FIRST; i < FIRST + SCHEDULES; i++) {
    await live(i);
    note("N2", "schedules", 1);
  }
});
