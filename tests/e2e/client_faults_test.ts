/** Clients of a hub, while they and their hub are killed, and while many change at once. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { createHash } from "node:crypto";
import { TwoWayState } from "../../src/cli/commands/two_way_state.ts";
import type { Lock } from "../../src/fs/file_system.ts";
import { HubClients } from "../support/hub_clients.ts";
import { test } from "../support/needs.ts";
import type { Ended } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { editTree } from "../support/tree_edit.ts";
import { until } from "../support/until.ts";

const NEEDS = ["linux"] as const;
const ALL = Deno.env.get("LOCKSTEP_KILL_STEP") === "1";
const FIRST = Number(Deno.env.get("LOCKSTEP_FIRST_SCHEDULE") ?? 0);
/** Schedules of clients that sync now and then, and of some that go on. */
const TURNS = Number(Deno.env.get("LOCKSTEP_LIVE_SCHEDULES") ?? 3);
const GOING_ON = Math.ceil(TURNS / 3);
const OPERATIONS = 15;

/** After the last edit all are equal by then. */
const MAX_PASSES = 4;

/** Contents that have been in a tree when that was to be synced, and where. */
class Seen {
  readonly #clients: HubClients;
  readonly #digests = new Map<string, string>();

  constructor(clients: HubClients) {
    this.#clients = clients;
  }

  /** From now on what is in the tree of `name` must not be lost. */
  look(name: string): void {
    for (const [path, digest] of this.#clients.digestsIn(name)) {
      this.#digests.set(digest, `${name}:${path}`);
    }
  }

  /** Fails if something is neither in a tree nor at the hub. */
  async assertKept(what: string): Promise<void> {
    const kept = await this.#clients.digestsAtHub();
    for (const name of this.#clients.directories.keys()) {
      for (const digest of this.#clients.digestsIn(name).values()) {
        kept.add(digest);
      }
    }
    const lost = [...this.#digests].filter(([digest]) => !kept.has(digest));
    assertEquals(lost, [], what);
  }
}

/** The files of a tree that may change meanwhile, with their texts. */
function texts(root: string, base = ""): Map<string, string> {
  const found = new Map<string, string>();
  try {
    for (const { name, isDirectory } of Deno.readDirSync(join(root, base))) {
      const path = base === "" ? name : `${base}/${name}`;
      if (path === ".lockstep") continue;
      if (isDirectory) {
        for (const [at, text] of texts(root, path)) found.set(at, text);
      } else found.set(path, Deno.readTextFileSync(join(root, path)));
    }
  } catch (error) {
    // It went away this moment.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** Writes, moves or removes a file: what it did, and the text that is gone by that. */
function editFiles(
  root: string,
  random: Random,
  text: string,
): { readonly log: string; readonly gone: string | undefined } {
  const paths = ["x", "y", "d/z", "d/e/f", "n/1", "n/2"];
  const path = random.pick(paths);
  const there = texts(root).get(path);
  const at = join(root, path);
  const choice = there === undefined ? 0 : random.below(4);
  if (choice === 1) {
    Deno.removeSync(at);
    return { log: `remove ${path}`, gone: there };
  }
  if (choice === 2) {
    const to = `${path}-${random.below(1_000)}`;
    Deno.renameSync(at, join(root, to));
    return { log: `rename ${path} to ${to}`, gone: undefined };
  }
  Deno.mkdirSync(dirname(at), { recursive: true });
  Deno.writeTextFileSync(at, text);
  return { log: `write ${path}`, gone: there };
}

/** A little of everything, on both sides. */
async function diverged(): Promise<HubClients> {
  const clients = await HubClients.begin({ a: {}, b: {} });
  try {
    clients.fill("a", { x: "1", y: "2", gone: "3", d: { z: "4", w: "5" } });
    await clients.round("a", "b");
    clients.write("a", "x", "x of a", 1_700_000_000);
    clients.write("b", "x", "x of b", 1_700_000_100);
    clients.write("a", "new at a", "new at a");
    clients.write("b", "new at b", "new at b");
    Deno.removeSync(clients.at("a", "gone"));
    Deno.renameSync(clients.at("b", "d"), clients.at("b", "e"));
    await clients.round("a");
    return clients;
  } catch (error) {
    await clients[Symbol.asyncDispose]();
    throw error;
  }
}

test(
  "E01: a client that is killed before any change loses nothing, and goes on",
  NEEDS,
  async () => {
    let kills = 0;
    for (let call = 1;; call += ALL ? 1 : 11) {
      await using clients = await diverged();
      const seen = new Seen(clients);
      seen.look("a");
      seen.look("b");
      const where = `killed before call ${call}`;
      const fault = { LOCKSTEP_FAULT: `change:${call}:kill` };
      const ended = await clients.once("b", [], fault);
      await seen.assertKept(where);
      await clients.round("b", "a", "b");
      await clients.assertEqual();
      await seen.assertKept(where);
      if (ended.signal === null) break;
      kills++;
      note("N4", "kills", 1);
    }
    assert(kills >= 2, `${kills} kills`);
  },
);

test(
  "E06: a hub that is killed while a client syncs loses nothing, and the client goes on",
  NEEDS,
  async () => {
    for (const [seed, delay] of [[1, "scanned"], [2, "planned"]] as const) {
      await using clients = await diverged();
      const seen = new Seen(clients);
      seen.look("a");
      seen.look("b");
      clients.fill("b", { large: new Random(seed).bytes(8_000_000) });
      await using client = clients.start("b", ["--once", "--retry-for", "30"]);
      await client.event(delay);
      await clients.stopHub("SIGKILL");
      await clients.serve();
      const ended = await client.ended;
      assertEquals(ended.code, 0, ended.stderr);
      await clients.round("a", "b");
      await clients.assertEqual();
      await seen.assertKept(`killed when ${delay}`);
      note("N4", "kills", 1);
    }
  },
);

for (let seed = FIRST + 1; seed <= FIRST + TURNS; seed++) {
  test(
    `three clients that change at once end equal, and lose nothing (seed ${seed})`,
    NEEDS,
    async () => {
      const policies = ["newest", "keep-both", "merge"] as const;
      await using clients = await HubClients.begin({
        a: { policy: policies[seed % 3]! },
        b: {},
        c: { policy: "prefer-hub" },
      });
      const names = ["a", "b", "c"] as const;
      const random = new Random(seed);
      const seen = new Seen(clients);
      const log: string[] = [];
      const exchange = async (
        name: string,
        env: Record<string, string> = {},
      ): Promise<Ended> => {
        seen.look(name);
        // What looks like an accident may be none here.
        const args = ["--allow-delete", "all"];
        const ended = await clients.once(name, args, env);
        log.push(`start ${name}: ${ended.signal ?? ended.code}`);
        return ended;
      };
      clients.fill("a", {
        x: "1",
        y: "2\n3\n4\n",
        d: { z: "5", e: { f: "6" } },
      });
      for (const name of names) await exchange(name);
      for (let done = 0; done < OPERATIONS;) {
        const name = random.pick(names);
        const count = random.between(1, 3);
        done += count;
        for (const edit of editTree(clients.at(name), random, count)) {
          log.push(`${name}: ${edit}`);
        }
        // Two at a time, or one that is killed on its way, or nobody.
        const choice = random.below(4);
        if (choice === 0) {
          await Promise.all(names.slice(1).map((it) => exchange(it)));
        } else if (choice === 1) {
          const call = random.between(1, 30);
          await exchange(name, { LOCKSTEP_FAULT: `change:${call}:kill` });
          await exchange(name);
        }
      }
      // A mode that comes for one name of a file is another's as well: what a client
      // has only now it can tell of in the pass that follows.
      for (let pass = 1;; pass++) {
        for (const name of names) {
          const ended = await exchange(name);
          assertEquals(ended.code, 0, [...log, ended.stderr].join("\n"));
        }
        if (pass === 1) continue;
        try {
          await clients.assertEqual();
          break;
        } catch (error) {
          if (pass < MAX_PASSES) continue;
          throw new Error(`${log.join("\n")}\n${error}`);
        }
      }
      await seen.assertKept(log.join("\n"));
      note("N3", "live schedules", 1);
      const kills = log.filter((line) => line.endsWith("SIGKILL")).length;
      note("N4", "kills", kills);
    },
  );
}

for (let seed = FIRST + 1; seed <= FIRST + GOING_ON; seed++) {
  test(
    `three clients that go on while their hub is killed end equal, and lose nothing (seed ${seed})`,
    NEEDS,
    async () => {
      await using clients = await HubClients.begin({ a: {}, b: {}, c: {} });
      const names = ["a", "b", "c"] as const;
      const random = new Random(seed + 1_000);
      const log: string[] = [];
      const written = new Set<string>();
      const edit = (): void => {
        const name = random.pick(names);
        const text = `${name} ${log.length}`;
        const root = clients.at(name);
        const { log: line, gone } = editFiles(root, random, text);
        if (line.startsWith("write")) written.add(text);
        if (gone !== undefined) written.delete(gone);
        log.push(`${name}: ${line}`);
      };
      clients.fill("a", { x: "1", y: "2", d: { z: "5", e: { f: "6" } } });
      const args = ["--allow-delete", "all"];
      await using _a = await clients.hold("a", args);
      await using _b = await clients.hold("b", args);
      await using _c = await clients.hold("c", args);
      for (let done = 0; done < OPERATIONS; done++) {
        edit();
        if (done !== 5 && done !== 10) continue;
        log.push("the hub is killed");
        await clients.stopHub("SIGKILL");
        edit();
        await clients.serve();
      }
      let trees: string[] = [];
      await until("all hold the same", () => {
        trees = names.map((it) =>
          JSON.stringify([...texts(clients.at(it))].sort())
        );
        return new Set(trees).size === 1;
      }).catch((error) => {
        throw new Error([...log, ...trees, error].join("\n"));
      });
      const kept = await clients.digestsAtHub();
      const lost = [...written].filter((text) =>
        !kept.has(createHash("sha256").update(text).digest("hex"))
      );
      assertEquals(lost, [], log.join("\n"));
      note("N3", "live schedules", 1);
      note("N4", "kills", 2);
    },
  );
}

test(
  "K05: a client that finds another sync of its directory leaves alone what that remembers",
  NEEDS,
  async () => {
    await using clients = await HubClients.begin({ a: {} });
    const stateDir = join(clients.temp.at("state-a"), "lockstep");
    const roots = (): string[] =>
      [...Deno.readDirSync(join(stateDir, "two-way"))]
        .map(({ name }) => join(stateDir, "two-way", name))
        .filter((path) => path.endsWith(".root"))
        .map((path) => Deno.readTextFileSync(path));
    const lock = async (): Promise<Lock> =>
      await TwoWayState.open({ stateDir, readOnly: false }, () => {})
        .lock(clients.at("a"));
    {
      const other = await lock();
      const refused = await clients.once("a");
      other.release();
      assertEquals(refused.code, 1, refused.stderr);
      assertStringIncludes(refused.stderr, "another two-way sync");
      assertEquals(roots(), []);
    }
    await clients.round("a");
    const [before] = roots();
    // Another directory has come to its place.
    Deno.renameSync(clients.at("a"), clients.temp.at("aside"));
    Deno.mkdirSync(clients.at("a"));
    const other = await lock();
    const refused = await clients.once("a", ["--allow-new-root"]);
    other.release();
    assertEquals(refused.code, 1, refused.stderr);
    assertEquals(roots(), [before]);
    assertEquals((await clients.once("a", ["--allow-new-root"])).code, 0);
    assert(roots()[0] !== before);
  },
);
