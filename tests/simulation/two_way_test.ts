/**
 * Two people edit two directories while two-way syncs run between them, calls to
 * the disks fail, connections break and processes die. Nobody's work is lost
 * (I2), and when all is quiet both sides are equal (I4). Each schedule follows
 * from its number, which a failure shows.
 */
import { assertEquals } from "@std/assert";
import type { ConflictPolicy } from "../../src/core/conflict.ts";
import type { Name } from "../../src/core/path.ts";
import { FileSystemError } from "../../src/errors.ts";
import type { Directory } from "../../src/fs/file_system.ts";
import type { Endpoint } from "../../src/session/endpoint.ts";
import { Random } from "../support/random.ts";
import {
  TwoWayWorld,
  type WorldRun,
  type WorldSide,
} from "../support/two_way_world.ts";

const SCHEDULES = Number(Deno.env.get("LOCKSTEP_SCHEDULES") ?? 30);
const FIRST = Number(Deno.env.get("LOCKSTEP_FIRST_SCHEDULE") ?? 0);

const SIDES: readonly WorldSide[] = ["alpha", "beta"];
const POLICIES: readonly ConflictPolicy[] = [
  "newest",
  "newest",
  "keep-both",
  "prefer-alpha",
  "prefer-beta",
];
const NAMES = ["a", "b", "c.txt", "d"];

/** Few runs need as many to get quiet after the last edit. */
const QUIET_RUNS = 4;

/** Two people, and what each of them has let go of knowingly. */
class People {
  readonly world: TwoWayWorld;
  readonly random: Random;
  readonly log: string[] = [];
  /** All contents ever written, each of which is unique. */
  readonly written = new Set<string>();
  /** What somebody replaced or deleted who had it before their eyes. */
  readonly dropped = new Set<string>();
  #count = 0;

  constructor(world: TwoWayWorld, random: Random) {
    this.world = world;
    this.random = random;
  }

  /** One of them does something; nothing happens where that is not possible. */
  async edit(side: WorldSide): Promise<void> {
    if (this.world.isDead) return;
    // A person's disk does not fail, or they would try again.
    const { fault } = this.world;
    this.world.fault = undefined;
    try {
      const what = await this.#act(side);
      this.log.push(`${side}: ${what}`);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    } finally {
      this.world.fault = fault;
    }
  }

  async #act(side: WorldSide): Promise<string> {
    const { random } = this;
    const path = this.#somePath(side);
    const [parent, name] = await this.#parentOf(side, path);
    try {
      const stat = await parent.lookup(name);
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2: {
          if (stat?.kind === "directory") return "nothing";
          await this.#save(side, parent, name, path);
          return `save ${path}`;
        }
        case 3: {
          if (stat === undefined) return "nothing";
          await this.#remove(side, parent, name, path);
          return `delete ${path}`;
        }
        case 4: {
          if (stat !== undefined) await this.#remove(side, parent, name, path);
          await parent.createDirectory(name);
          const inner = await parent.openDirectory(name);
          const innerName = random.pick(NAMES) as Name;
          await this.#save(side, inner, innerName, `${path}/${innerName}`);
          inner.close();
          return `make directory ${path}`;
        }
        case 5:
        case 6:
          return await this.#rename(side, parent, name, path);
        default: {
          if (stat?.kind !== "file") return "nothing";
          const mode = random.pick([0o600, 0o644, 0o755]);
          await parent.setMetadata(name, { mode, mtime: stat.mtime });
          return `chmod ${path}`;
        }
      }
    } finally {
      parent.close();
    }
  }

  async #rename(
    side: WorldSide,
    parent: Directory,
    name: Name,
    path: string,
  ): Promise<string> {
    const to = this.#somePath(side);
    if (to === path || to.startsWith(`${path}/`)) return "nothing";
    if (await parent.lookup(name) === undefined) return "nothing";
    const [newParent, newName] = await this.#parentOf(side, to);
    try {
      const replaced = this.#contentsAt(side, to);
      await parent.rename(name, newParent, newName);
      for (const content of replaced) this.dropped.add(content);
      return `rename ${path} to ${to}`;
    } finally {
      newParent.close();
    }
  }

  /** As editors do, in place or by a new file. */
  async #save(
    side: WorldSide,
    parent: Directory,
    name: Name,
    path: string,
  ): Promise<void> {
    const content = `${side} ${this.#count++} `.repeat(
      this.random.pick([1, 1, 1, 9_000]),
    );
    const bytes = new TextEncoder().encode(content);
    // The clocks of the two are hours apart, and stand still at times.
    const skew = side === "alpha" ? 0 : 3_600_000;
    const mtime = 1_700_000_000_000 + skew + this.random.below(5) * 1_000;
    const old = this.#contentsAt(side, path);
    const temporary = "~" as Name;
    await parent.createFile(temporary, bytes, { mode: 0o644, mtime });
    await parent.rename(temporary, parent, name);
    this.written.add(content);
    for (const each of old) this.dropped.add(each);
  }

  async #remove(
    side: WorldSide,
    parent: Directory,
    name: Name,
    path: string,
  ): Promise<void> {
    for (const content of this.#contentsAt(side, path)) {
      this.dropped.add(content);
    }
    await removeAll(parent, name);
  }

  /** What is before the eyes of whoever looks at `path`. */
  #contentsAt(side: WorldSide, path: string): string[] {
    const found: string[] = [];
    for (const [at, entry] of this.world.dump(side)) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      if (typeof entry === "string") found.push(entry);
    }
    return found;
  }

  /** Mostly a usual name, or what is there: a conflict copy, too. */
  #somePath(side: WorldSide): string {
    const there = [...this.world.dump(side).keys()];
    if (there.length > 0 && this.random.below(3) === 0) {
      return this.random.pick(there).replace(/\/$/, "");
    }
    const depth = this.random.pick([1, 1, 2, 2, 3]);
    return Array.from({ length: depth }, () => this.random.pick(NAMES))
      .join("/");
  }

  async #parentOf(side: WorldSide, path: string): Promise<[Directory, Name]> {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "/" : path.slice(0, slash);
    const directory = await this.world[side].openRoot(parent);
    return [directory, path.slice(slash + 1) as Name];
  }
}

async function removeAll(parent: Directory, name: Name): Promise<void> {
  if ((await parent.lookup(name))?.kind !== "directory") {
    return await parent.removeFile(name);
  }
  const directory = await parent.openDirectory(name);
  for (const { name: inner } of (await directory.list()).entries) {
    await removeAll(directory, inner);
  }
  directory.close();
  await parent.removeDirectory(name);
}

/** Lets people edit between the calls of a sync. */
function meddling(people: People): NonNullable<WorldRun["wrap"]> {
  const calls = ["scan", "confirmAbsent", "stage", "transition"];
  return (side, endpoint) =>
    new Proxy(endpoint, {
      get(inner: Endpoint, property): unknown {
        const value = Reflect.get(inner, property, inner);
        if (typeof value !== "function") return value;
        if (!calls.includes(String(property))) return value.bind(inner);
        return async (...args: unknown[]): Promise<unknown> => {
          if (people.random.below(4) === 0) await people.edit(side);
          const result = await value.apply(inner, args);
          if (people.random.below(4) === 0) await people.edit(side);
          return result;
        };
      },
    });
}

/** What goes wrong in one run; mostly nothing. */
function trouble(world: TwoWayWorld, random: Random): WorldRun {
  const isRemote = random.below(2) === 0;
  switch (random.below(5)) {
    case 0: {
      let left = random.below(400);
      const code = random.pick(["io", "no-space", "denied"] as const);
      world.fault = () =>
        left-- === 0 ? new FileSystemError(code, "The call failed") : undefined;
      break;
    }
    case 1:
      world.dieAtStep = world.steps + 1 + random.below(60);
      break;
    case 2: {
      const cutAtMessage = 1 + random.below(20);
      return {
        connection: { [random.pick(["there", "back"])]: { cutAtMessage } },
      };
    }
    default:
  }
  return isRemote ? { connection: {} } : {};
}

function assertNothingLost(people: People, when: string): void {
  const { world, written, dropped, log } = people;
  const kept = new Set([...world.contents("alpha"), ...world.contents("beta")]);
  const lost = [...written]
    .filter((content) => !dropped.has(content) && !kept.has(content))
    .map((content) => content.slice(0, 20));
  assertEquals(lost, [], `${when}:\n${log.join("\n")}`);
}

async function live(number: number): Promise<void> {
  const random = new Random(number);
  const world = new TwoWayWorld({}, {});
  const people = new People(world, random);
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
    assertNothingLost(people, when);
  }
  let summary = await world.sync({ policy, limits });
  for (let run = 1; run < QUIET_RUNS && summary.problems.length > 0; run++) {
    summary = await world.sync({ policy, limits });
  }
  assertNothingLost(people, when);
  const log = `${when}:\n${people.log.join("\n")}`;
  assertEquals(summary.problems, [], log);
  assertEquals(world.dump("alpha"), world.dump("beta"), log);
  const again = await world.sync({ policy, limits });
  const { alpha, beta } = again.changes;
  assertEquals([alpha.created, alpha.replaced, alpha.touched], [0, 0, 0], log);
  assertEquals([beta.created, beta.replaced, beta.touched], [0, 0, 0], log);
}

Deno.test(`I2, I4: ${SCHEDULES} schedules of two people and a sync lose nothing, and end equal`, async () => {
  for (let i = FIRST; i < FIRST + SCHEDULES; i++) {
    await live(i);
  }
});
