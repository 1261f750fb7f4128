/** The commands of a hub, and the engine on its port. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestAuthority } from "../support/certificates.ts";
import { writeTree } from "../support/disk_tree.ts";
import {
  curl,
  type HubProgram,
  serve,
  upload,
} from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import { type Ended, run } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

/** Runs a command for `hub` with its key. */
async function ask(hub: HubProgram, ...words: string[]): Promise<Ended> {
  const env = { LOCKSTEP_API_KEY: hub.key };
  return await run([...words, "--server", hub.url, "--json"], { env });
}

test(
  "history, restore and undo work on a hub, and each is a version",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"));
    const read = async (path: string): Promise<string> =>
      (await curl(hub.key, `${hub.url}/download/${path}`)).body;
    const first = (await upload(hub, hub.key, "d/f", "one")).json;
    await upload(hub, hub.key, "d/f", "two");
    await upload(hub, hub.key, "d/g", "three");

    const listed = await ask(hub, "history", "d/f");
    assertEquals(listed.code, 0, listed.stderr);
    assertEquals(listed.events.map(({ path, size }) => [path, size]), [
      ["d/f", 3],
      ["d/f", 3],
    ]);
    assertEquals((await ask(hub, "history", "--limit", "2")).events.length, 2);

    const back = await ask(
      hub,
      "restore",
      "d/f",
      "--version",
      String(first.revision),
    );
    assertEquals(back.code, 0, back.stderr);
    assertEquals(await read("d/f"), "one");

    const { time } = (await upload(hub, hub.key, "d/f", "good")).json;
    // Times are told to the millisecond.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await upload(hub, hub.key, "d/f", "bad");
    await upload(hub, hub.key, "d/new", "bad");
    const then = await ask(hub, "restore", "d", "--at", time);
    assertEquals(then.code, 0, then.stderr);
    assertEquals(await read("d/f"), "good");
    assertEquals(
      (await curl(hub.key, `${hub.url}/download/d/new`)).status,
      404,
    );

    const undone = await ask(hub, "undo", "--client", "admin");
    assertEquals(undone.code, 0, undone.stderr);
    assertEquals(await read("d/f"), "bad");
    assertEquals(await read("d/new"), "bad");

    const wrong: [string[], number, RegExp][] = [
      [["restore", "d/f"], 2, /--version/],
      [["restore", "--version", "1"], 2, /PATH/],
      [["restore", "d/f", "--version", "1", "--at", "1h"], 2, /exclude/],
      [["restore", "d/f", "--at", "yesterday"], 2, /yesterday/],
      [["restore", "none", "--version", "1"], 1, /no such file/],
      [["undo", "--client", "nobody"], 1, /nothing/],
      [["history", "--server", "ftp://x"], 2, /http/],
    ];
    for (const [words, code, message] of wrong) {
      const ended = await ask(hub, ...words);
      assertEquals(ended.code, code, `${words}: ${ended.stderr}`);
      if (words.at(-1) !== "ftp://x") assertMatch(ended.stderr, message);
    }
    const stranger = await run(["history", "--server", hub.url]);
    assertEquals(stranger.code, 5, stranger.stderr);
    const nobody = await run(["history", "--server", "http://127.0.0.1:1"]);
    assertEquals(nobody.code, 6, nobody.stderr);
  },
);

test(
  "undo leaves alone what somebody else has changed since",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"));
    const source = temp.directory("source");
    writeTree(source, { f: "from the tree", g: "from the tree" });
    const url = `${hub.url.replace("http", "ws")}/engine`;
    const made = await run([
      ...["key", "create", "--data-dir", temp.at("data"), "--name", "laptop"],
    ]);
    const laptop = made.stdout.trim();
    const sent = await run([
      "sync",
      "--from",
      source,
      "--to",
      url,
      "--token",
      laptop,
    ]);
    assertEquals(sent.code, 0, sent.stderr);
    await upload(hub, hub.key, "g", "mine");
    const undone = await ask(hub, "undo", "--client", "laptop");
    assertEquals(undone.code, 3, undone.stderr);
    const left = undone.events.filter(({ event }) => event === "left-out");
    assertEquals(left.map(({ path }) => path), ["g"]);
    assertEquals((await curl(hub.key, `${hub.url}/download/g`)).body, "mine");
    assertEquals((await curl(hub.key, `${hub.url}/download/f`)).status, 404);
  },
);

test("a directory is mirrored to a hub, by whoever may write all of it", [
  "curl",
  "symlinks",
], async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  await using hub = await serve(data);
  const source = temp.directory("source");
  writeTree(source, {
    a: { b: "text", empty: {} },
    big: new Uint8Array(2_000_000),
  });
  Deno.symlinkSync("a/b", temp.at("source", "link"));
  const url = `${hub.url.replace("http", "ws")}/engine`;
  const key = async (...words: string[]): Promise<string> =>
    (await run(["key", "create", "--data-dir", data, ...words])).stdout.trim();
  const sync = (token: string, ...more: string[]): Promise<Ended> =>
    run([
      "sync",
      "--from",
      source,
      "--to",
      url,
      "--token",
      token,
      "--json",
      ...more,
    ]);
  for (
    const refused of [
      "wrong",
      await key("--name", "reader", "--role", "read"),
      await key("--name", "part", "--path", "a"),
    ]
  ) assertEquals((await sync(refused)).code, 5);
  const writer = await key("--name", "writer");
  const sent = await sync(writer);
  assertEquals(sent.code, 0, sent.stderr);
  for (const more of [[], ["--checksum"]]) {
    const again = await sync(writer, ...more);
    const { created, replaced, touched, deleted } = again.events.at(-1)!;
    assertEquals([created, replaced, touched, deleted], [0, 0, 0, 0]);
  }
  const verified = await run([
    "verify",
    "--from",
    source,
    "--to",
    url,
    "--token",
    writer,
  ]);
  assertEquals(verified.code, 0, verified.stdout);
  Deno.removeSync(temp.at("source", "a"), { recursive: true });
  assertEquals((await sync(writer)).code, 0);
  assertEquals((await curl(hub.key, `${hub.url}/download/a/b`)).status, 404);
  const versions = await curl(hub.key, `${hub.url}/files/a/b/versions`);
  assertEquals(versions.json.records.length, 2);
  assertEquals(versions.json.records[0].client, "writer");
});

test("a hub serves https, and refuses to be open to others", [
  "curl",
  "openssl",
], async () => {
  await using temp = new TempDir();
  const open = await run([
    ...["serve", "--data-dir", temp.at("x"), "--host", "0.0.0.0", "--no-auth"],
  ]);
  assertEquals(open.code, 2);
  const authority = await TestAuthority.create(temp.directory("ca"));
  const { cert, key } = await authority.issue("hub");
  await using hub = await serve(temp.at("data"), [
    ...["--tls-cert", cert, "--tls-key", key],
  ]);
  const answer = await curl(
    hub.key,
    `https://localhost:${hub.port}/files`,
    ...["--cacert", authority.caFile],
  );
  assertEquals(answer.status, 200);
  const env = { LOCKSTEP_API_KEY: hub.key };
  const server = ["--server", `https://localhost:${hub.port}`];
  const listed = await run([
    "history",
    ...server,
    "--ca-file",
    authority.caFile,
  ], { env });
  assertEquals(listed.code, 0, listed.stderr);
  assertEquals((await run(["history", ...server], { env })).code, 6);
});

test(
  "the key of the first start is shown once, and commands for no hub make none",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    for (
      const words of [["gc"], ["key", "list"], ["key", "create", "--name", "x"]]
    ) {
      const ended = await run([...words, "--data-dir", data]);
      assertEquals(ended.code, 1, ended.stdout);
      assertMatch(ended.stderr, /no hub/);
    }
    let key: string;
    {
      await using hub = await serve(data);
      key = hub.key;
      hub.kill("SIGTERM");
      await hub.ended;
    }
    assert(key.startsWith("lsk_"));
    await using again = await serve(data);
    assertEquals(again.key, "");
    assertEquals((await curl(key, `${again.url}/clients`)).status, 200);
  },
);
