/** Larger files that are renamed between two runs are renamed at the target. */
import { createHash } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  assertEnded,
  assertIdle,
  type Summary,
  summaryOf,
} from "../support/carriers.ts";
import { exists, link, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree, listTree } from "../support/oracle.ts";
import { type Ended, listen, run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const SIZE = 300_000;

/** A large file that begins with `text`. */
function large(text: string): string {
  return text.padEnd(SIZE, `${text}\n`);
}

/** A source, a target, and what is remembered between them. */
class Scene implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly source = this.temp.directory("source");
  readonly target = this.temp.directory("target");
  readonly state = this.temp.directory("state");
  readonly options = { env: { XDG_STATE_HOME: this.state } };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
  }

  rename(from: string, to: string): void {
    Deno.mkdirSync(join(this.source, to, ".."), { recursive: true });
    Deno.renameSync(join(this.source, from), join(this.source, to));
  }

  inode(path: string): number | null {
    return Deno.lstatSync(join(this.target, path)).ino;
  }

  /** Where the larger files of this pair are remembered. */
  get memory(): string {
    const names = namesIn(join(this.state, "lockstep"))
      .filter((name) => name.endsWith(".files"));
    assertEquals(names.length, 1);
    return join(this.state, "lockstep", names[0]!);
  }
}

/** Runs `work` with a way to mirror, over a socket and between directories. */
function eachWay(
  name: string,
  work: (
    scene: Scene,
    mirror: (...args: string[]) => Promise<Ended>,
  ) => Promise<void>,
): void {
  test(`${name}, between directories`, ["linux"], async () => {
    await using scene = new Scene();
    const { source, target, options } = scene;
    await work(scene, (...args) => sync(source, target, args, options));
  });
  test(`${name}, over WebSocket`, ["linux"], async () => {
    await using scene = new Scene();
    const { source, target, options } = scene;
    await using receiver = await listen(target, ["--keep-listening"]);
    await work(scene, (...args) => sync(source, receiver.url, args, options));
  });
}

function assertMoved(ended: Ended, moved: number, bytes = 0): Summary {
  assertEnded(ended);
  const summary = summaryOf(ended);
  assertEquals([summary.moved, summary.bytes], [moved, bytes]);
  return summary;
}

eachWay(
  "A file that was renamed is renamed, and no content sent",
  async (scene, mirror) => {
    const { source, target } = scene;
    writeTree(source, {
      old: large("old"),
      dir: { inner: large("inner"), small: "small" },
      link: link("old"),
    });
    assertEnded(await mirror());
    const inodes = [scene.inode("old"), scene.inode("dir/inner")];
    scene.rename("old", "new");
    scene.rename("dir/inner", "deep/er/moved");
    Deno.chmodSync(join(source, "deep/er/moved"), 0o600);
    const preview = await mirror("--dry-run");
    assertEquals(
      preview.events.filter(({ action }) => action === "rename")
        .map(({ from, path, reason }) => [from, path, reason]),
      [["dir/inner", "deep/er/moved", "moved"], ["old", "new", "moved"]],
    );
    assert(exists(join(target, "old")));
    const ended = await mirror();
    const { sent, deleted } = assertMoved(ended, 2);
    assert(sent < 2_000, `${sent} bytes sent`);
    assertEquals(deleted, 0);
    assertEquals(
      ended.events.filter(({ event }) => event === "moved")
        .map(({ from, to }) => [from, to]),
      [["dir/inner", "deep/er/moved"], ["old", "new"]],
    );
    assertEquals([scene.inode("new"), scene.inode("deep/er/moved")], inodes);
    await assertSameTree(source, target);
    assertIdle(await mirror());
  },
);

eachWay(
  "What is moved is neither deleted nor goes over a limit",
  async (scene, mirror) => {
    const { source, target } = scene;
    for (let i = 0; i < 30; i++) {
      writeTree(source, {
        [`f${i}`]: large(`${i}`),
      });
    }
    assertEnded(await mirror());
    for (let i = 0; i < 30; i++) scene.rename(`f${i}`, `moved/f${i}`);
    assertMoved(await mirror("--max-delete", "0"), 30);
    await assertSameTree(source, target);
  },
);

eachWay(
  "What is only alike, or not remembered, is sent",
  async (scene, mirror) => {
    const { source, target } = scene;
    const at = (name: string): string => join(source, name);
    writeTree(source, {
      copied: large("copied"),
      replaced: large("replaced"),
      edited: large("edited"),
      swapped1: large("swapped1"),
      swapped2: `${large("swapped2")}!`,
    });
    assertEnded(await mirror());
    // Another file with the same content and time.
    Deno.copyFileSync(at("copied"), at("copy"));
    const { mtime } = Deno.statSync(at("copied"));
    Deno.utimeSync(at("copy"), mtime!, mtime!);
    Deno.removeSync(at("copied"));
    // Another file of the same size and time, perhaps with the same number.
    const { mtime: same } = Deno.statSync(at("replaced"));
    Deno.removeSync(at("replaced"));
    Deno.writeTextFileSync(at("replacement"), large("REPLACED"));
    Deno.utimeSync(at("replacement"), same!, same!);
    scene.rename("edited", "edited2");
    Deno.writeTextFileSync(at("edited2"), large("edited again"));
    scene.rename("swapped1", "swap");
    scene.rename("swapped2", "swapped1");
    scene.rename("swap", "swapped2");
    assertMoved(await mirror(), 0, 5 * SIZE + 1);
    await assertSameTree(source, target);

    scene.rename("copy", "copy2");
    assertMoved(await mirror("--no-state"), 0, SIZE);
    await assertSameTree(source, target);
  },
);

eachWay(
  "What the target has changed meanwhile is sent, not moved",
  async (scene, mirror) => {
    const { source, target } = scene;
    writeTree(source, { edited: large("edited"), taken: large("taken") });
    assertEnded(await mirror());
    scene.rename("edited", "edited2");
    scene.rename("taken", "taken2");
    Deno.writeTextFileSync(join(target, "edited"), "by somebody");
    Deno.writeTextFileSync(join(target, "taken2"), "by somebody");
    assertMoved(await mirror(), 0, 2 * SIZE);
    await assertSameTree(source, target);
  },
);

eachWay(
  "A damaged memory is no evidence, and an unchanged run leaves it",
  async (scene, mirror) => {
    const { source, target } = scene;
    writeTree(source, { old: large("old") });
    assertEnded(await mirror());
    const { memory } = scene;
    const { ino } = Deno.statSync(memory);
    assertIdle(await mirror());
    assertEquals(Deno.statSync(memory).ino, ino);
    const damages = ["", "{", "[]", '{"format":"lockstep-files","version":1}'];
    const whole = Deno.readTextFileSync(memory);
    damages.push(whole.slice(0, -9), whole.replace("old", "../old"));
    let name = "old";
    for (const [i, damage] of damages.entries()) {
      Deno.writeTextFileSync(memory, damage);
      scene.rename(name, `new${i}`);
      name = `new${i}`;
      assertMoved(await mirror(), 0, SIZE);
      await assertSameTree(source, target);
    }
    scene.rename(name, "last");
    assertMoved(await mirror(), 1);
    await assertSameTree(source, target);
  },
);

test(
  "A plan that is saved says what is sent, and does it",
  ["linux"],
  async () => {
    await using scene = new Scene();
    const { source, target, options } = scene;
    writeTree(source, { old: large("old") });
    assertEnded(await sync(source, target, [], options));
    scene.rename("old", "new");
    const plan = scene.temp.at("plan");
    const saved = ["--dry-run", "--plan", plan];
    const { events } = await sync(source, target, saved, options);
    assertEquals(
      events.filter(({ event, path }) => event === "action" && path !== "")
        .map(({ action, path }) => `${action} ${path}`),
      ["create new", "delete old"],
    );
    const applied = ["sync", "--apply", plan, "--json"];
    assertMoved(await run(applied, options), 0, SIZE);
    await assertSameTree(source, target);
  },
);

test("With a trash, what is moved does not go there", ["linux"], async () => {
  await using scene = new Scene();
  const { source, target, options } = scene;
  const trash = scene.temp.at("trash");
  writeTree(source, { old: large("old"), gone: "gone" });
  assertEnded(await sync(source, target, ["--trash", trash], options));
  scene.rename("old", "new");
  Deno.removeSync(join(source, "gone"));
  const ended = await sync(source, target, ["--trash", trash], options);
  assertMoved(ended, 1);
  const names = [...listTree(trash).keys()].map((path) =>
    path.split("/").pop()
  );
  assert(names.includes("gone"));
  assert(!names.includes("old") && !names.includes("new"));
  await assertSameTree(source, target);
});

test(
  "E10: a run that moves files may die before any of its calls",
  ["linux"],
  async () => {
    await using scene = new Scene();
    const { source, options } = scene;
    const before = scene.temp.directory("before");
    writeTree(source, {
      a: large("a"),
      d: { b: large("b"), c: large("c"), stays: "stays" },
      gone: "gone",
    });
    assertEnded(await sync(source, before, [], options));
    scene.rename("a", "new/deep/a");
    scene.rename("d/b", "b");
    scene.rename("d/c", "d/c2");
    Deno.chmodSync(join(source, "d/c2"), 0o600);
    Deno.removeSync(join(source, "gone"));
    const contents = new Set(["a", "b", "c"].map(large));
    const state = scene.temp.at("state-copy");
    await copy(scene.state, state);
    const { target } = scene;
    let call = 1;
    for (;; call++) {
      await Deno.remove(target, { recursive: true });
      await copy(before, target);
      await Deno.remove(scene.state, { recursive: true });
      await copy(state, scene.state);
      // The target has another name than the one that was remembered.
      retarget(scene, before, target);
      const args = ["sync", "--from", source, "--to", target, "--json"];
      const ended = await run(args, {
        env: { ...options.env, LOCKSTEP_FAULT: `change:${call}:kill` },
      });
      const found = new Set([...largeFiles(target)]);
      const where = `killed before call ${call}`;
      for (const content of contents) assert(found.has(content), where);
      if (ended.signal === "SIGKILL") {
        assertEnded(await sync(source, target, [], options));
      } else assertMoved(ended, 3);
      await assertSameTree(source, target);
      assert(!exists(join(target, ".lockstep")), `${where}: left over`);
      if (ended.signal !== "SIGKILL") break;
    }
    assert(call > 20, `only ${call} kills`);
  },
);

async function copy(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-a", from, to] })
    .output();
  assert(success);
}

/** Remembers for `target` what is remembered for `before`. */
function retarget(
  { state, source }: Scene,
  before: string,
  target: string,
): void {
  const directory = join(state, "lockstep");
  for (const name of namesIn(directory)) {
    const text = Deno.readTextFileSync(join(directory, name));
    assert(text.includes(JSON.stringify(before)), name);
    const changed = text.replaceAll(
      JSON.stringify(before),
      JSON.stringify(target),
    );
    const kind = name.slice(name.lastIndexOf("."));
    const digest = hashOf(`${source}\0${target}`);
    Deno.writeTextFileSync(join(directory, digest + kind), changed);
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** The contents of all large files in a directory, at any depth. */
function* largeFiles(directory: string): Generator<string> {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* largeFiles(path);
    else if (isFile && Deno.statSync(path).size === SIZE) {
      yield Deno.readTextFileSync(path);
    }
  }
}
