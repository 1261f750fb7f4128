/** Safety stops: what would take too much away halts before it changes anything. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded, assertIdle } from "../support/carriers.ts";
import { exists, link, namesIn, writeTree } from "../support/disk_tree.ts";
import { mounted } from "../support/mounted.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import {
  type Ended,
  listen,
  type Program,
  type Receiver,
  startSync,
  sync,
} from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Scene } from "../support/scene.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Runs that know of each other, between directories or over a socket. */
class GuardScene extends Scene {
  #receiver: Receiver | undefined;

  /** With `serve`, the target is at the other end of a socket. */
  static async of(files: number, serve: boolean): Promise<GuardScene> {
    const scene = new GuardScene();
    scene.fill(files);
    if (serve) {
      scene.#receiver = await listen(scene.target, ["--keep-listening"]);
    }
    return scene;
  }

  /** Makes so many files in the source, in two directories. */
  fill(files: number): void {
    for (let i = 0; i < files; i++) {
      writeTree(this.source, { [i % 2 === 0 ? "a" : "b"]: { [`${i}`]: "1" } });
    }
  }

  sync(...args: string[]): Promise<Ended> {
    const to = this.#receiver?.url ?? this.target;
    return sync(this.source, to, args, { env: this.env });
  }

  /** Fails unless a run halts with all these parts in its message. */
  async halts(parts: readonly string[], ...args: string[]): Promise<void> {
    const before = listTree(this.target);
    const ended = await this.sync(...args);
    assertEnded(ended, 4);
    const error = ended.events.findLast(({ event }) => event === "error");
    assertEquals(error?.code, "guard");
    for (const part of parts) {
      assert(String(error?.message).includes(part), String(error?.message));
    }
    assertUntouched(this.target, before);
    const heard = this.#receiver;
    if (heard !== undefined) await heard.event("ended", { outcome: "halted" });
    note("N10", "lost roots on disk", 1);
  }

  /** Removes these files of the source. */
  remove(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      Deno.removeSync(`${this.source}/${i % 2 === 0 ? "a" : "b"}/${i}`);
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#receiver?.[Symbol.asyncDispose]();
    await super[Symbol.asyncDispose]();
  }
}

for (const serve of [false, true]) {
  const way = serve ? "over WebSocket" : "between directories";

  Deno.test(`A29, J02: a source that lost everything empties nothing ${way}`, async () => {
    await using scene = await GuardScene.of(6, serve);
    assertEnded(await scene.sync());
    Deno.removeSync(`${scene.source}/a`, { recursive: true });
    Deno.removeSync(`${scene.source}/b`, { recursive: true });
    await scene.halts(["source has 0 of 8 entries", "--allow-delete 8", "a/"]);
    await scene.halts(["--allow-delete 8"], "--allow-delete", "7");
    assertEnded(await scene.sync("--allow-delete", "8"));
    assertEquals(namesIn(scene.target), []);
  });

  Deno.test(`J05: a loss of over 25% and over 20 entries halts ${way}`, async () => {
    await using scene = await GuardScene.of(100, serve);
    assertEnded(await scene.sync());
    scene.remove(0, 20);
    assertEnded(await scene.sync());
    scene.remove(20, 46);
    await scene.halts(["26 of 82 entries", "31%", "--allow-delete 26"]);
    await scene.halts(["26 of 82"], "--allow-delete", "30%");
    assertEnded(await scene.sync("--allow-delete", "32%"));
    await assertSameTree(scene.source, scene.target);
    scene.remove(46, 90);
    await scene.halts(["44 of 56"]);
    assertEnded(await scene.sync("--allow-delete", "all"));
  });

  Deno.test(`J06: another directory in the place of the source halts ${way}`, async () => {
    await using scene = await GuardScene.of(6, serve);
    assertEnded(await scene.sync());
    Deno.renameSync(scene.source, scene.temp.at("old"));
    Deno.mkdirSync(scene.source);
    writeTree(scene.source, { a: { 0: "other content" } });
    const was = Deno.statSync(scene.temp.at("old")).ino;
    const is = Deno.statSync(scene.source).ino;
    const parts = [`inode ${was}`, `inode ${is}`, "--allow-new-root"];
    await scene.halts(parts);
    await scene.halts(parts, "--no-delete");
    assertEnded(await scene.sync("--allow-new-root"));
    await assertSameTree(scene.source, scene.target);
    // It is the known one from now on.
    Deno.removeSync(`${scene.source}/a/0`);
    writeTree(scene.source, { c: "" });
    assertEnded(await scene.sync());
  });

  Deno.test(`--max-delete halts also a first run, by number and by share, ${way}`, async () => {
    await using scene = await GuardScene.of(2, serve);
    writeTree(scene.target, { x: { y: "1", z: "2" }, w: "3", a: "a file" });
    // x and what it holds, w, and the file that a directory takes the place of.
    for (const limit of ["4", "99%", "0", "0%"]) {
      await scene.halts(["5 of 5 entries", limit], "--max-delete", limit);
    }
    assertEnded(await scene.sync("--max-delete", "5"));
    await assertSameTree(scene.source, scene.target);
  });
}

Deno.test("a first run does what it was told, and so does each one with --no-state", async () => {
  await using scene = await GuardScene.of(0, false);
  const fill = (): void => {
    for (let i = 0; i < 30; i++) writeTree(scene.target, { [`${i}`]: "" });
  };
  fill();
  assertEnded(await scene.sync());
  assertEquals(namesIn(scene.target), []);
  await using other = await GuardScene.of(30, false);
  assertEnded(await other.sync("--no-state"));
  other.remove(0, 30);
  assertEnded(await other.sync("--no-state"));
  assertEquals(namesIn(other.temp.path), ["source", "target"]);
});

Deno.test("a listener's own --max-delete protects it, and it goes on listening", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(target, { a: "1", b: { c: "1", d: "2" } });
  const before = listTree(target);
  await using receiver = await listen(target, [
    ...["--max-delete", "50%", "--keep-listening"],
  ]);
  const ended = await sync(source, receiver.url);
  assertEnded(ended, 4);
  const error = ended.events.find(({ event }) => event === "error");
  assert(String(error?.message).includes("4 of 4 entries"));
  await receiver.event("ended", { outcome: "halted" });
  assertUntouched(target, before);
  writeTree(source, { a: "1", b: {} });
  assertEnded(await sync(source, receiver.url));
  assertEquals(namesIn(`${target}/b`), []);
});

Deno.test("a listener that serves one sender ends with 4 when that was halted", async () => {
  await using temp = new TempDir();
  const target = temp.directory("target");
  writeTree(target, { a: "1" });
  await using receiver = await listen(target, ["--max-delete", "0"]);
  assertEnded(await sync(temp.directory("source"), receiver.url), 4);
  assertEnded(await receiver.ended, 4);
});

Deno.test("J01, J10: a source that is gone or no directory ends with 1, one that leads elsewhere with 4", async () => {
  await using scene = await GuardScene.of(6, false);
  const { source, target, temp } = scene;
  assertEnded(await scene.sync());
  const before = listTree(target);
  Deno.renameSync(source, temp.at("old"));
  assertEnded(await scene.sync(), 1);
  writeTree(source, "a file");
  assertEnded(await scene.sync(), 1);
  Deno.removeSync(source);
  if (Deno.build.os !== "windows") {
    writeTree(temp.directory("elsewhere"), { f: "1" });
    writeTree(source, link("elsewhere"));
    await scene.halts([temp.at("elsewhere"), source, "--allow-new-root"]);
  }
  assertUntouched(target, before);
});

test(
  "J03, J04: a source that is not mounted empties nothing",
  ["mount"],
  async () => {
    await using scene = await GuardScene.of(0, false);
    const { source, target } = scene;
    await mounted(source, {}, async () => {
      scene.fill(6);
      assertEnded(await scene.sync());
    });
    const before = listTree(target);
    await scene.halts(["--allow-new-root", "8 entries would be deleted"]);
    // Nothing happens, and what is known of the source stays known.
    assertEnded(await scene.sync("--no-delete"));
    await scene.halts(["--allow-new-root"]);
    assertEquals([...listTree(target).keys()], [...before.keys()]);
    // Another file system, with something else on it.
    await mounted(source, {}, async () => {
      writeTree(source, { marker: "" });
      await scene.halts(["--allow-new-root"]);
    });
  },
);

Deno.test("K10: the state directory is for its owner, and one that can't be used ends with 1", async () => {
  await using scene = await GuardScene.of(2, false);
  const { temp, target } = scene;
  writeTree(temp.path, { file: "in the way" });
  const before = listTree(target);
  const ended = await scene.sync("--state-dir", temp.at("file", "state"));
  assertEnded(ended, 1);
  const { message } = ended.events.at(-1) as unknown as { message: string };
  assert(message.includes("--state-dir") && message.includes("--no-state"));
  assertUntouched(target, before);
  assertEnded(await scene.sync("--state-dir", temp.at("made", "for it")));
  assertEquals(namesIn(temp.at("made", "for it")).length, 1);
  if (Deno.build.os === "windows") return;
  assertEquals(Deno.statSync(temp.at("made")).mode! & 0o777, 0o700);
  const homeless = { HOME: "", XDG_STATE_HOME: "" };
  assertEnded(await sync(scene.source, target, [], { env: homeless }), 1);
  assertEnded(
    await sync(scene.source, target, ["--no-state"], { env: homeless }),
  );
});

test(
  "F12: a state directory that can't be written to ends with 1, and nothing is synced",
  ["mount"],
  async () => {
    await using scene = await GuardScene.of(2, false);
    const state = scene.temp.directory("read-only");
    await mounted(state, { options: "ro" }, async () => {
      for (const place of [state, `${state}/new`]) {
        assertEnded(await scene.sync("--state-dir", place), 1);
      }
    });
    assertEquals(namesIn(scene.target), []);
  },
);

Deno.test("K10: a state directory inside the source or the target ends with 2", async () => {
  await using scene = await GuardScene.of(2, false);
  const { source, target, temp } = scene;
  const before = listTree(temp.path);
  for (const place of [source, `${source}/new/deep`, target, `${target}/x`]) {
    assertEnded(await scene.sync("--state-dir", place), 2);
  }
  const missing = temp.at("missing");
  const state = ["--state-dir", `${missing}/state`];
  assertEnded(await sync(source, missing, state), 2);
  assertUntouched(temp.path, before);
});

Deno.test("the usual state directory is left out of a sync of the home directory that holds it", async () => {
  await using temp = new TempDir();
  const home = temp.directory("home [of] *me*");
  writeTree(home, { notes: "text", ".local": { state: { other: "x" } } });
  const target = temp.at("target");
  const cache = Deno.env.get("DENO_DIR") ??
    `${Deno.env.get("HOME")}/.cache/deno`;
  const places = { HOME: home, XDG_STATE_HOME: "", LOCALAPPDATA: "" };
  const env = { ...places, DENO_DIR: cache };
  assertEnded(await sync(home, target, [], { env }));
  assertIdle(await sync(home, target, [], { env }));
  const state = ".local/state/lockstep";
  assertEquals(namesIn(`${home}/${state}`).length > 0, true);
  assert(!exists(`${target}/${state}`));
  await assertSameTree(home, target, { except: [state] });
});

Deno.test("a damaged record is warned of, and replaced by the next run", async () => {
  await using scene = await GuardScene.of(2, false);
  assertEnded(await scene.sync());
  const directory = `${scene.env.XDG_STATE_HOME}/lockstep`;
  const [name] = namesIn(directory);
  Deno.writeTextFileSync(`${directory}/${name}`, "{");
  const ended = await scene.sync();
  assertEnded(ended);
  const warnings = ended.events.filter(({ event }) => event === "warning");
  assertEquals(warnings.length, 1);
  assert(String(warnings[0]?.message).includes("damaged"));
  const again = await scene.sync();
  assertEquals(again.events.filter(({ event }) => event === "warning"), []);
});

for (
  const mode of [["--watch"], ["--watch", "--two-way"], ["--interval", "200"]]
) {
  test(
    `what is allowed to a run that goes on (${
      mode.join(" ")
    }) holds for its first complete round`,
    [],
    async () => {
      await using scene = await GuardScene.of(60, false);
      const start = (...allowed: string[]): Program =>
        startSync(scene.source, scene.target, [...mode, ...allowed], {
          env: scene.env,
        });
      {
        await using first = start();
        await first.event("synced");
        first.kill("SIGINT");
        assertEnded(await first.ended);
      }
      scene.remove(0, 30);
      const names = (): number =>
        namesIn(`${scene.target}/a`).length +
        namesIn(`${scene.target}/b`).length;
      await using second = start("--allow-delete", "all");
      await second.event("synced");
      assertEquals(names(), 30);
      scene.remove(30, 58);
      const isHeld = ({ event }: { readonly event?: unknown }): boolean =>
        event === "halted" || event === "paused";
      await until("a halt", () => second.events.some(isHeld));
      assertEquals(names(), 30);
      second.kill("SIGINT");
      assertEnded(await second.ended, 4);
      await using third = start("--allow-delete", "always");
      await third.event("synced");
      scene.fill(60);
      await until("all of it", () => names() === 60);
      scene.remove(0, 58);
      await until("the deletion", () => names() === 2);
      third.kill("SIGINT");
      assertEnded(await third.ended);
    },
  );
}
