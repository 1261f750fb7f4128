/** A replicator between two directories on the disk, carried by HTTP. */
import { assertEquals } from "@std/assert";
import {
  decodeMessage,
  DenoFileSystem,
  encodeMessage,
  ReplicatorSource,
  ReplicatorTarget,
} from "../../src/mod.ts";
import { link, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { editTree } from "../support/tree_edit.ts";
import { until } from "../support/until.ts";

/** Serves `target`; requests and responses are bytes. */
function serve(target: ReplicatorTarget): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen(): void {} },
    async (request) => {
      const message = decodeMessage(await request.bytes());
      const response = await target.handle(message);
      return new Response(encodeMessage(response) as Uint8Array<ArrayBuffer>);
    },
  );
}

async function post(port: number, body: Uint8Array): Promise<Uint8Array> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`HTTP ${response.status}`);
  }
  return await response.bytes();
}

test("a directory on the disk is replicated over HTTP, while it is edited", [
  "symlinks",
  "modes",
], async () => {
  await using temp = new TempDir();
  writeTree(temp.directory("source"), {
    "read me": "first",
    d: { e: { f: "deep" }, link: link("e") },
    large: "0123456789".repeat(200_000),
  });
  const fileSystem = new DenoFileSystem();
  const target = new ReplicatorTarget(fileSystem, temp.at("made", "target"));
  await using server = serve(target);
  await using source = new ReplicatorSource(
    fileSystem,
    temp.at("source"),
    async (request) =>
      decodeMessage(await post(server.addr.port, encodeMessage(request))),
  );
  const { changes } = await source.start();
  assertEquals(changes.created, 6);
  await assertSameTree(temp.at("source"), temp.at("made", "target"));

  // Without a word to the source.
  Deno.writeTextFileSync(temp.at("source", "d", "new"), "new");
  await until(
    "the new file",
    () => namesIn(temp.at("made", "target", "d")).includes("new"),
  );

  const random = new Random(5);
  for (let i = 0; i < 15; i++) {
    editTree(temp.at("source"), random, 10);
    await new Promise((resolve) => setTimeout(resolve));
  }
  const { problems } = await source.flush();
  assertEquals(problems, []);
  await assertSameTree(temp.at("source"), temp.at("made", "target"));
  await source.close();
  await target.close();
  assertEquals(namesIn(temp.at("made")), ["target"]);
});

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name);
}
