/** Deletions that a hub holds back until a person has decided. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { namesIn, writeTree } from "../support/disk_tree.ts";
import { curl, type HubProgram, serve } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { type Ended, run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const FILES = Object.fromEntries(
  Array.from({ length: 160 }, (_, i) => [`f${i}`, `content ${i}`]),
);

/** One directory with many files that syncs with a hub. */
class Scene implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly dir = this.temp.directory("files");
  readonly hub: HubProgram;

  private constructor(hub: HubProgram, data: TempDir) {
    this.hub = hub;
    this.#data = data;
  }

  readonly #data: TempDir;

  static async open(args: readonly string[] = []): Promise<Scene> {
    const data = new TempDir();
    const hub = await serve(data.at("data"), ["--no-auth", ...args]);
    const scene = new Scene(hub, data);
    writeTree(scene.dir, { many: FILES, one: "1" });
    assertEquals((await scene.sync()).code, 0);
    return scene;
  }

  sync(args: readonly string[] = ["--two-way"]): Promise<Ended> {
    const url = `${this.hub.url.replace("http", "ws")}/engine`;
    const env = { XDG_STATE_HOME: this.temp.at("state") };
    const all = [...args, "--allow-delete", "all"];
    return sync(this.dir, url, all, { env });
  }

  approve(...args: readonly string[]): Promise<Ended> {
    return run(["approve", ...args, "--server", this.hub.url, "--json"]);
  }

  async filesAtHub(): Promise<number> {
    const { json } = await curl("", `${this.hub.url}/files?limit=1000`);
    const kinds = json.records.map(({ kind }: { kind: string }) => kind);
    return kinds.filter((kind: string) => kind === "file").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await this.#data[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}

test(
  "a deletion of most files waits at the hub, and is done when it is approved",
  ["curl"],
  async () => {
    await using scene = await Scene.open();
    Deno.removeSync(`${scene.dir}/many`, { recursive: true });
    const held = await scene.sync();
    assertEquals(held.code, 4, held.stderr);
    assertStringIncludes(held.stderr, "160 of 161 files");
    assertStringIncludes(held.stderr, "lockstep approve 1");
    assertEquals(await scene.filesAtHub(), 161);
    const listed = await scene.approve("list");
    const { id, state, files, total, paths } = listed.events[0]!;
    assertEquals([id, state, files, total], [1, "waiting", 160, 161]);
    assertEquals(paths, ["many"]);
    assertEquals((await scene.approve("1")).code, 0);
    assertEquals((await scene.approve("1")).code, 1);
    assertEquals((await scene.sync()).code, 0);
    assertEquals(await scene.filesAtHub(), 1);
  },
);

test("what is rejected stays at the hub, and comes back to the client", [
  "curl",
], async () => {
  await using scene = await Scene.open();
  Deno.removeSync(`${scene.dir}/many`, { recursive: true });
  assertEquals((await scene.sync()).code, 4);
  assertEquals((await scene.approve("--reject", "1")).code, 0);
  const after = await scene.sync();
  assertEquals(after.code, 0, after.stderr);
  assertEquals(namesIn(`${scene.dir}/many`).length, 160);
  assertEquals(await scene.filesAtHub(), 161);
  // Renaming is no deletion, and mirrors are held back like all others.
  Deno.renameSync(`${scene.dir}/many`, `${scene.dir}/renamed`);
  assertEquals((await scene.sync()).code, 0);
  Deno.removeSync(`${scene.dir}/renamed`, { recursive: true });
  const mirrored = await scene.sync([]);
  assertEquals(mirrored.code, 4, mirrored.stderr);
  assertEquals(await scene.filesAtHub(), 161);
  const url = `${scene.hub.url}/files/renamed?recursive=true`;
  const deleted = await curl("", "-X", "DELETE", url);
  assertEquals([deleted.status, deleted.json.code], [409, "needs-approval"]);
  assertEquals(await scene.filesAtHub(), 161);
});

test(
  "a hub that asks nobody deletes what it is told to",
  ["curl"],
  async () => {
    await using scene = await Scene.open(["--no-approval"]);
    const url = `${scene.hub.url}/files/many?recursive=true`;
    assertEquals((await curl("", "-X", "DELETE", url)).status, 200);
    assertEquals(await scene.filesAtHub(), 1);
  },
);

test(
  "an approval is used up: what comes back and is deleted again waits again",
  [
    "curl",
  ],
  async () => {
    await using scene = await Scene.open();
    const url = `${scene.hub.url}/files/many?recursive=true`;
    const remove = async (): Promise<number> =>
      (await curl("", "-X", "DELETE", url)).status;
    for (const id of ["1", "2"]) {
      assertEquals(await remove(), 409);
      assertEquals((await scene.approve(id)).code, 0);
      assertEquals(await remove(), 200);
      assertEquals(await scene.filesAtHub(), 1);
      // Whoever mirrors has it still.
      assertEquals((await scene.sync([])).code, 0);
      assertEquals(await scene.filesAtHub(), 161);
    }
    const [first, second] = [await scene.approve("list"), await remove()];
    assertEquals([first.stdout, second], ["", 409]);
  },
);

test("deletions in rounds and connections of their own add up", [
  "curl",
], async () => {
  await using scene = await Scene.open();
  const remove = (first: number, count: number): void => {
    for (let i = first; i < first + count; i++) {
      Deno.removeSync(`${scene.dir}/many/f${i}`);
    }
  };
  for (const first of [0, 40]) {
    remove(first, 40);
    assertEquals((await scene.sync()).code, 0);
  }
  remove(80, 40);
  const held = await scene.sync();
  assertEquals(held.code, 4, held.stderr);
  assertStringIncludes(held.stderr, "120 of 161 files");
  assertEquals(await scene.filesAtHub(), 81);
  assertEquals((await scene.approve("1")).code, 0);
  assertEquals((await scene.sync()).code, 0);
  assertEquals(await scene.filesAtHub(), 41);
});
