/**
 * Three to five people edit their directories while these sync with one hub, and
 * with each other in between; calls to disks fail, connections break, processes
 * die, the hub starts again and is restored from a backup. Nobody's work is lost
 * (I2), and when all is quiet all directories are equal (I4). Each schedule
 * follows from its number, which a failure shows.
 */
import { assertEquals } from "@std/assert";
import type { ConflictPolicy } from "../../src/core/conflict.ts";
import type { Endpoint } from "../../src/session/endpoint.ts";
import { type HubRun, HubWorld } from "../support/hub_world.ts";
import { People } from "../support/people.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { meddledWith, trouble } from "../support/simulated_trouble.ts";

const SCHEDULES = Number(Deno.env.get("LOCKSTEP_SCHEDULES") ?? 100);
const FIRST = Number(Deno.env.get("LOCKSTEP_FIRST_SCHEDULE") ?? 0);

const POLICIES: readonly ConflictPolicy[] = [
  "newest",
  "newest",
  "keep-both",
  "prefer-alpha",
  "prefer-beta",
];

/** Few runs need as many to get quiet after the last edit. */
const QUIET_PASSES = 6;

/** One life of some clients and their hub. */
class Life {
  readonly world: HubWorld;
  readonly random: Random;
  readonly people: People<string>;
  readonly policies = new Map<string, ConflictPolicy>();
  /** What others do in the middle of a sync, as long as they are at it. */
  readonly #meddling = new Set<Promise<void>>();
  /** Syncs in the middle of which others might do something. */
  #meddledSyncs = 0;

  constructor(world: HubWorld, random: Random) {
    this.world = world;
    this.random = random;
    this.people = new People(world, random, world.names[0]!);
    for (const name of world.names) {
      this.policies.set(name, random.pick(POLICIES));
    }
  }

  log(line: string): void {
    this.people.log.push(line);
  }

  /** Whoever does not sync right now. */
  idle(): string[] {
    return this.world.names.filter((name) => !this.world.isBusy(name));
  }

  /** One sync, whatever comes of it. */
  async sync(name: string, run: HubRun = {}): Promise<void> {
    this.log(`sync ${name} ${JSON.stringify(run.connection)}`);
    const policy = this.policies.get(name)!;
    await this.world.sync(name, { policy, ...run }).then(
      ({ problems }) => {
        for (const { problem } of problems) this.log(`  ${problem.message}`);
      },
      (error) => this.log(`  it failed: ${error.message}`),
    );
  }

  /** Others edit and sync between the calls of a sync. */
  meddled(): (endpoint: Endpoint) => Endpoint {
    const meddle = async (): Promise<void> => {
      const { random, world } = this;
      switch (random.below(10)) {
        case 0:
        case 1:
          return await this.people.edit(random.pick(world.names));
        case 2: {
          const others = this.idle();
          if (others.length === 0 || world.isDead) return;
          return await this.sync(random.pick(others));
        }
        default:
      }
    };
    const number = ++this.#meddledSyncs;
    return (endpoint) =>
      meddledWith(endpoint, async () => {
        // A call that goes on though the sync has failed at its other side.
        if (number !== this.#meddledSyncs) return;
        const done = meddle();
        this.#meddling.add(done);
        await done.finally(() => this.#meddling.delete(done));
      });
  }

  /** What goes on behind the back of a sync that has failed at its other side. */
  async settled(): Promise<void> {
    this.#meddledSyncs++;
    while (this.#meddling.size > 0) {
      await Promise.allSettled(this.#meddling);
    }
  }

  /** Something happens to the hub, now and then. */
  async disturbHub(): Promise<void> {
    const { random, world, people } = this;
    if (!world.isOnDisk) return;
    switch (random.below(6)) {
      case 0:
        this.log("the hub starts again");
        return await world.restart();
      case 1:
        this.log("the hub is backed up");
        return await world.backUp();
      case 2: {
        if (!await world.restore()) return;
        this.log("the hub is restored");
        // What only the history had is gone with it; no more than that may be.
        const live = new Set<string>();
        for (const name of world.names) {
          for (const content of world.contentsAt(name)) live.add(content);
        }
        for (const content of people.written) {
          if (!live.has(content)) people.dropped.add(content);
        }
        return;
      }
      default:
    }
  }

  async assertNothingLost(when: string): Promise<void> {
    const { written, dropped, log } = this.people;
    const kept = await this.world.contentsAtHub();
    for (const name of this.world.names) {
      for (const content of this.world.contentsAt(name)) kept.add(content);
    }
    const lost = [...written]
      .filter((content) => !dropped.has(content) && !kept.has(content))
      .map((content) => content.slice(0, 20));
    assertEquals(lost, [], `${when}:\n${log.join("\n")}`);
  }
}

async function live(number: number): Promise<void> {
  const random = new Random(number);
  await using world = await HubWorld.open({
    clients: random.between(3, 5),
    onDisk: number % 4 === 0,
  });
  const life = new Life(world, random);
  const when = `schedule ${number}`;
  for (let run = 0; run < 12; run++) {
    for (let edits = random.below(6); edits > 0; edits--) {
      await life.people.edit(random.pick(world.names));
    }
    await life.disturbHub();
    const name = random.pick(world.names);
    const wrap = random.below(2) === 0 ? life.meddled() : undefined;
    await life.sync(name, {
      ...trouble(life.world, life.random),
      ...(wrap && { wrap }),
    });
    await life.settled();
    world.fault = undefined;
    world.dieAtStep = Infinity;
    await life.assertNothingLost(when);
  }
  const log = (): string => `${when}:\n${life.people.log.join("\n")}`;
  let isQuiet = false;
  for (let pass = 0; pass < QUIET_PASSES && !isQuiet; pass++) {
    isQuiet = true;
    for (const name of world.names) {
      life.log(`quiet sync ${name}`);
      const policy = life.policies.get(name)!;
      const { changes, problems } = await world.sync(name, { policy });
      for (const side of [changes.alpha, changes.beta]) {
        const { created, replaced, touched, deleted } = side;
        const done = created + replaced + touched + deleted;
        if (done + problems.length > 0) isQuiet = false;
      }
    }
  }
  assertEquals(isQuiet, true, `it does not rest: ${log()}`);
  await life.assertNothingLost(when);
  const [first, ...others] = world.names;
  for (const other of others) {
    assertEquals(world.dump(other), world.dump(first!), log());
  }
}

Deno.test(`I2, I4: ${SCHEDULES} schedules of a hub and its clients lose nothing, and end equal`, async () => {
  for (let i = FIRST; i < FIRST + SCHEDULES; i++) {
    await live(i);
    note("N2", "schedules", 1);
  }
});
