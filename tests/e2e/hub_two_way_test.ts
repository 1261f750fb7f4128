/** Two-way syncs with a hub: pairs of directories, and a hub that was restored. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../support/command.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import {
  curl,
  type HubProgram,
  serve,
  upload,
} from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { type Ended, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const NEEDS = ["linux"] as const;

/** Two directories that sync with one hub. */
class TwoClients implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly a = this.temp.directory("a");
  readonly b = this.temp.directory("b");
  readonly data = this.temp.at("data");
  hub: HubProgram | undefined;

  async start(): Promise<HubProgram> {
    return this.hub = await serve(this.data, ["--no-auth"]);
  }

  async stop(): Promise<void> {
    this.hub!.kill("SIGTERM");
    assertEquals((await this.hub!.ended).code, 0);
    await this.hub![Symbol.asyncDispose]();
    this.hub = undefined;
  }

  async sync(side: "a" | "b"): Promise<Ended> {
    const url = `${this.hub!.url.replace("http", "ws")}/engine`;
    const env = { XDG_STATE_HOME: this.temp.at(`state-${side}`) };
    const ended = await sync(this[side], url, ["--two-way"], { env });
    assertEquals(ended.code, 0, `${ended.stdout}\n${ended.stderr}`);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub?.[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}

test(
  "two directories that sync with a hub two-way end equal",
  NEEDS,
  async () => {
    await using clients = new TwoClients();
    const { a, b } = clients;
    writeTree(a, { one: "1", d: { x: "x", y: "y" }, gone: "soon" });
    writeTree(b, { two: "2", d: { z: "z" } });
    await clients.start();
    for (const side of ["a", "b", "a"] as const) await clients.sync(side);
    await assertSameTree(a, b);
    Deno.removeSync(`${a}/gone`);
    Deno.writeTextFileSync(`${a}/one`, "edited at a");
    Deno.removeSync(`${b}/d/x`);
    for (const side of ["a", "b", "a"] as const) await clients.sync(side);
    await assertSameTree(a, b);
    assertEquals(namesIn(a), ["d", "one", "two"]);
    assertEquals(namesIn(`${b}/d`), ["y", "z"]);
    const done = (await clients.sync("a")).events.at(-1)!;
    assertEquals([done["conflicts"], done["problems"]], [0, 0]);
  },
);

test(
  "J09, C17: after a hub was restored from a backup, what is newer is offered again and nothing deleted",
  NEEDS,
  async () => {
    await using clients = new TwoClients();
    const { a, b, data, temp } = clients;
    writeTree(a, { kept: "1", edited: "old", gone: "old", d: { x: "x" } });
    await clients.start();
    await clients.sync("a");
    await clients.sync("b");
    await clients.stop();
    await command("cp", ["-a", data, temp.at("backup")]);
    await clients.start();
    Deno.removeSync(`${a}/gone`);
    writeTree(a, { edited: "new, and longer", since: "the backup" });
    await clients.sync("a");
    await clients.sync("b");
    writeTree(b, { later: "still", d: { x: "x of b" } });
    await clients.sync("b");
    await clients.stop();
    await command("rm", ["-rf", data]);
    await command("cp", ["-a", temp.at("backup"), data]);
    await clients.start();
    const first = await clients.sync("a");
    const warned = first.events.some(({ event, message }) =>
      event === "warning" && String(message).includes("restored from a backup")
    );
    assertEquals(warned, true, first.stdout);
    // The hub does not know of the deletion any more: that is all that comes back.
    assertEquals(Deno.readTextFileSync(`${a}/gone`), "old");
    await clients.sync("b");
    await clients.sync("a");
    await assertSameTree(a, b);
    for (const side of [a, b]) {
      assertEquals(Deno.readTextFileSync(`${side}/edited`), "new, and longer");
      assertEquals(Deno.readTextFileSync(`${side}/since`), "the backup");
      assertEquals(Deno.readTextFileSync(`${side}/later`), "still");
      assertEquals(Deno.readTextFileSync(`${side}/d/x`), "x of b");
      assertEquals(exists(`${side}/kept`), true);
    }
  },
);

test(
  "J09: a revision that a restored hub counts anew is not the one that a client knows",
  ["curl"],
  async () => {
    await using clients = new TwoClients();
    const { data, temp } = clients;
    let hub = await clients.start();
    await upload(hub, "", "f", "1");
    await clients.stop();
    await command("cp", ["-a", data, temp.at("backup")]);
    hub = await clients.start();
    const { epoch } = (await curl(
      "",
      `${hub.url}/register`,
      "--json",
      '{"name": "laptop"}',
    )).json;
    const mine = (await upload(hub, "", "f", "mine")).json;
    await clients.stop();
    await command("rm", ["-rf", data]);
    await command("mv", [temp.at("backup"), data]);
    hub = await clients.start();
    const theirs = (await upload(hub, "", "f", "somebody else's")).json;
    assertEquals(theirs.revision, mine.revision);
    const { revision, digest } = mine;
    const compare = async (body: unknown): Promise<Record<string, unknown[]>> =>
      (await curl("", `${hub.url}/sync`, "--json", JSON.stringify(body))).json;
    // Whoever replaced or deleted on that ground would do it unseen.
    const edited = { path: "f", digest: "0".repeat(64), revision };
    const plan = await compare({ epoch, files: [edited] });
    assertEquals([plan["send"]!.length, plan["conflicts"]!.length], [0, 1]);
    const same = await compare({
      epoch,
      files: [{ path: "f", digest, revision }],
    });
    assertEquals(same["conflicts"]!.length, 1);
    const gone = await compare({
      epoch,
      files: [],
      deleted: [{ path: "f", revision }],
    });
    assertEquals([gone["remove"]!.length, gone["fetch"]!.length], [0, 1]);
    const { body } = await fetch(`${hub.url}/events`, {
      headers: { "last-event-id": `${revision}.${epoch.slice(0, 12)}` },
    });
    let events = "";
    for await (const text of body!.pipeThrough(new TextDecoderStream())) {
      events += text;
      if (events.includes("event: ")) break;
    }
    assertStringIncludes(events, "event: reset");
  },
);
