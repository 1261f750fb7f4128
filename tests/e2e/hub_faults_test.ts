/** What a hub survives: kills, damage, a full disk, a second one. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { command, shell } from "../support/command.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { HubClients } from "../support/hub_clients.ts";
import {
  curl,
  type HubProgram,
  serve,
  upload,
} from "../support/hub_program.ts";
import { mounted } from "../support/mounted.ts";
import { test } from "../support/needs.ts";
import { run, sync } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Kill points in one run; more in a soak. */
const STEP = Number(Deno.env.get("LOCKSTEP_KILL_STEP") ?? 6);
const KILLS = Number(Deno.env.get("LOCKSTEP_KILLS") ?? 8);

/** Content by path, as it was acknowledged. */
type Acknowledged = Map<string, string>;

function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Uploads, replaces and deletes until the hub is gone: what was acknowledged. */
async function work(
  hub: HubProgram,
  acknowledged: Acknowledged,
  random: Random,
  steps: number,
): Promise<void> {
  for (let i = 0; i < steps; i++) {
    const path = `d${random.below(3)}/f${random.below(4)}`;
    const isThere = acknowledged.has(path);
    try {
      if (isThere && random.below(4) === 0) {
        const url = `${hub.url}/files/${path}`;
        // Whatever becomes of it, either is right until it was acknowledged.
        acknowledged.delete(path);
        const response = await fetch(url, { method: "DELETE" });
        await response.body?.cancel();
        continue;
      }
      const content = `${i} `.repeat(random.between(1, 60_000));
      const form = new FormData();
      form.set("path", path);
      form.set("file", new Blob([content]), "x");
      const before = acknowledged.get(path);
      acknowledged.delete(path);
      const response = await fetch(`${hub.url}/upload`, {
        method: "POST",
        body: form,
      });
      const { digest } = await response.json();
      if (response.ok) acknowledged.set(path, digest);
      else if (before !== undefined) acknowledged.set(path, before);
    } catch {
      return;
    }
  }
}

/** Starts the hub again, and looks whether all is there and whole. */
async function assertWhole(
  data: string,
  acknowledged: Acknowledged,
): Promise<void> {
  await using hub = await serve(data, ["--no-auth"]);
  const { json } = await curl("", `${hub.url}/files?limit=1000`);
  const there = new Map<string, string>();
  for (const record of json.records) {
    if (record.kind !== "file") continue;
    there.set(record.path, record.digest);
    const response = await fetch(`${hub.url}/download/${record.path}`);
    const body = await response.text();
    assertEquals(response.status, 200, record.path);
    assertEquals(sha256(body), record.digest, record.path);
  }
  for (const [path, digest] of acknowledged) {
    assertEquals(there.get(path), digest, `${path} was acknowledged`);
  }
  hub.kill("SIGTERM");
  assertEquals((await hub.ended).code, 0);
  const database = new DatabaseSync(`${data}/hub.db`);
  assertEquals(
    Object.values(database.prepare("PRAGMA quick_check").get()!)[0],
    "ok",
  );
  database.close();
}

test(
  "E06, E11: a hub that is killed at any change keeps all that it has acknowledged",
  ["curl", "signals"],
  async () => {
    for (let point = 1;; point += STEP) {
      await using temp = new TempDir();
      const data = temp.at("data");
      const acknowledged: Acknowledged = new Map();
      const env = { LOCKSTEP_FAULT: `change:${point}:kill` };
      let isOver = false;
      try {
        await using hub = await serve(data, ["--no-auth"], { env });
        await work(hub, acknowledged, new Random(point), 12);
        hub.kill("SIGTERM");
        isOver = (await hub.ended).signal === null;
      } catch {
        // It died before it was ready.
      }
      await assertWhole(data, acknowledged);
      note("N4", "kills", isOver ? 0 : 1);
      if (isOver) {
        assert(point > 20, `${point} changes`);
        return;
      }
    }
  },
);

test(
  "D11, E06: a hub that is killed at any moment keeps all that it has acknowledged",
  ["curl", "signals"],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    const random = new Random(9);
    const acknowledged: Acknowledged = new Map();
    for (let i = 0; i < KILLS; i++) {
      {
        await using hub = await serve(data, ["--no-auth"]);
        const working = work(hub, acknowledged, random, 1_000);
        const size = (): number => acknowledged.size;
        await until("some work", () => size() > 2);
        await new Promise((resolve) => setTimeout(resolve, random.below(60)));
        hub.kill("SIGKILL");
        await working;
      }
      await assertWhole(data, acknowledged);
      note("N4", "kills", 1);
    }
  },
);

test("E11: a collection that is killed at any change loses nothing", [
  "curl",
  "signals",
], async () => {
  for (let point = 1;; point += STEP) {
    await using temp = new TempDir();
    const data = temp.at("data");
    const acknowledged: Acknowledged = new Map();
    {
      await using hub = await serve(data, ["--no-auth"]);
      const random = new Random(3);
      const content = (seed: number): string =>
        new Random(seed).bytes(200_000).toHex();
      for (let i = 0; i < 8; i++) {
        const form = new FormData();
        const text = content(i);
        form.set("path", `f${random.below(3)}`);
        form.set("file", new Blob([text]), "x");
        const response = await fetch(`${hub.url}/upload`, {
          method: "POST",
          body: form,
        });
        const { digest, path } = await response.json();
        acknowledged.set(path, digest);
      }
      hub.kill("SIGTERM");
      await hub.ended;
    }
    const gc = await run(
      ["gc", "--data-dir", data, "--keep-days", "0", "--keep-versions", "0"],
      { env: { LOCKSTEP_FAULT: `change:${point}:kill` } },
    );
    await assertWhole(data, acknowledged);
    note("N4", "kills", gc.signal === null ? 0 : 1);
    if (gc.signal === null) {
      assertMatch(gc.stdout, /5 versions removed/);
      assert(point > 5, `${point} changes`);
      return;
    }
  }
});

test(
  "one directory, one hub: a second one is refused with 1",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    await using hub = await serve(data, ["--no-auth"]);
    for (const words of [["serve", "--port", "0"], ["gc"]]) {
      const ended = await run([...words, "--data-dir", data]);
      assertEquals(ended.code, 1);
      assertMatch(ended.stderr, /Another process has .*data/);
    }
    assertEquals((await upload(hub, "", "f", "1")).status, 201);
  },
);

test(
  "K02, N16: damage is refused at the start, or when it is read, and never served",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    const data = temp.at("data");
    const pack = `${data}/packs/1.pack`;
    {
      await using hub = await serve(data, ["--no-auth"]);
      await upload(hub, "", "good", "good content");
      await upload(hub, "", "bad", "bad content");
      hub.kill("SIGTERM");
      await hub.ended;
    }
    const whole = Deno.readFileSync(pack);
    const damaged = whole.slice();
    damaged[whole.length - 3] = damaged[whole.length - 3]! ^ 4;
    Deno.writeFileSync(pack, damaged);
    {
      await using hub = await serve(data, ["--no-auth"]);
      assertEquals(
        (await curl("", `${hub.url}/download/good`)).body,
        "good content",
      );
      const bad = await curl("", `${hub.url}/download/bad`);
      assertEquals([bad.status, bad.json.code], [500, "damaged"]);
      await until(
        "a warning",
        () =>
          hub.events.some(({ event, message }) =>
            event === "warning" && String(message).includes("damaged")
          ),
      );
      hub.kill("SIGTERM");
      await hub.ended;
    }
    Deno.writeFileSync(pack, whole.subarray(0, whole.length - 1));
    const short = await run(["serve", "--port", "0", "--data-dir", data]);
    assertEquals(short.code, 1, short.stdout);
    assertMatch(short.stderr, /damaged: .*1\.pack.*nothing was changed/);
    assertEquals(Deno.statSync(pack).size, whole.length - 1);
  },
);

test(
  "C15: a full disk refuses with 507, keeps what it has, and works again with room",
  ["curl", "mount"],
  async () => {
    await using temp = new TempDir();
    const disk = temp.directory("disk");
    await shell('mount -t tmpfs -o size=6m tmpfs "$1"', disk);
    try {
      await using hub = await serve(`${disk}/data`, ["--no-auth"]);
      const kept = new Random(1).bytes(400_000).toHex();
      Deno.writeTextFileSync(temp.at("kept"), kept);
      Deno.writeFileSync(temp.at("large"), new Random(2).bytes(7_000_000));
      const send = (path: string, file: string): ReturnType<typeof curl> =>
        curl(
          "",
          `${hub.url}/upload`,
          "-F",
          `path=${path}`,
          "-F",
          `file=@${temp.at(file)}`,
        );
      assertEquals((await send("kept", "kept")).status, 201);
      const full = await send("large", "large");
      assertEquals([full.status, full.json.code], [507, "no-space"]);
      const { json } = await curl("", `${hub.url}/files`);
      assertEquals(
        json.records.map((r: { path: string }) => r.path),
        ["kept"],
      );
      assertEquals((await curl("", `${hub.url}/download/kept`)).body, kept);
      await shell('mount -o remount,size=40m "$1"', disk);
      assertEquals((await send("large", "large")).status, 201);
      const sum = (await shell('sha256sum < "$1"', temp.at("large"))).slice(
        0,
        64,
      );
      const latest =
        (await curl("", `${hub.url}/files?path=large`)).json.records[0];
      assertEquals(latest.digest, sum);
      hub.kill("SIGTERM");
      assertEquals((await hub.ended).code, 0);
      await using again = await serve(`${disk}/data`, ["--no-auth"]);
      assertEquals((await curl("", `${again.url}/download/kept`)).body, kept);
    } finally {
      await command("umount", [disk]);
    }
  },
);

test(
  "a failing disk is told of, and nothing is acknowledged that is not there",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    for (const [i, point] of [12, 14, 15, 16].entries()) {
      const data = temp.at(`data${i}`);
      const acknowledged: Acknowledged = new Map();
      const env = { LOCKSTEP_FAULT: `change:${point}:EIO` };
      await using hub = await serve(data, ["--no-auth"], { env });
      await work(hub, acknowledged, new Random(4), 8);
      hub.kill("SIGTERM");
      await hub.ended;
      await assertWhole(data, acknowledged);
      note("N15", "failed calls", 1);
    }
  },
);

test(
  "F01: what did not fit on a hub's disk is given back at once, and a client with less is taken",
  ["mount"],
  async () => {
    await using temp = new TempDir();
    const small = temp.directory("small");
    await mounted(small, { options: "size=8m" }, async () => {
      const data = join(small, "data");
      const pack = join(data, "packs", "1.pack");
      await using hub = await serve(data, ["--no-auth"]);
      const url = `${hub.url.replace("http", "ws")}/engine`;
      const large = temp.directory("large");
      const little = temp.directory("little");
      const random = new Random(1);
      writeTree(little, { before: "before" });
      const go = (dir: string): ReturnType<typeof sync> =>
        sync(dir, url, ["--two-way", "--retry-for", "0"], {
          env: { XDG_STATE_HOME: temp.at(`state-${dir.slice(-5)}`) },
        });
      assertEquals((await go(little)).code, 0);
      const before = Deno.statSync(pack).size;
      Deno.writeFileSync(join(large, "large"), random.bytes(9_000_000));
      for (let i = 0; i < 2; i++) {
        const refused = await go(large);
        assertEquals(refused.code, 5, refused.stderr);
        assertMatch(refused.stderr, /no space left/);
        await until(
          "room again",
          () => Deno.statSync(pack).size === before,
        );
      }
      Deno.writeFileSync(join(little, "after"), random.bytes(3_000_000));
      assertEquals((await go(little)).code, 0);
      Deno.removeSync(join(large, "large"));
      assertEquals((await go(large)).code, 0);
      assertEquals(Deno.statSync(join(large, "after")).size, 3_000_000);
      hub.kill("SIGTERM");
      assertEquals((await hub.ended).code, 0);
      await using again = await serve(data, ["--no-auth"]);
      const { json } = await curl("", `${again.url}/files`);
      assertEquals(
        json.records.map(({ path }: { path: string }) => path),
        ["after", "before"],
      );
    });
  },
);

test(
  "F01: clients that go on wait for room at a full hub, and go on by themselves when there is some",
  ["mount", "linux"],
  async () => {
    await using clients = new HubClients();
    Deno.mkdirSync(clients.data);
    await mounted(clients.data, { options: "size=8m" }, async () => {
      await clients.serve();
      try {
        for (const name of ["a", "b"]) {
          clients.configure(name);
          clients.write(name, `of ${name}`, "1");
        }
        await using a = await clients.hold("a");
        await using b = await clients.hold("b");
        const random = new Random(2);
        Deno.writeFileSync(clients.at("a", "large"), random.bytes(9_000_000));
        await until(
          "a word of the full disk",
          () =>
            a.events.some(({ message }) => /no space left/.test(`${message}`)),
        );
        // What had come is no burden for the others.
        Deno.writeFileSync(clients.at("b", "less"), random.bytes(2_000_000));
        await until("less at the hub", async () => {
          const { json } = await curl("", `${clients.url}/files?path=less`);
          return json.records?.length === 1;
        });
        await shell('mount -o remount,size=40m "$1"', clients.data);
        await until(
          "all of it",
          () =>
            exists(clients.at("a", "less")) && exists(clients.at("b", "large")),
        );
        assertEquals((await a.end()).code, 0);
        assertEquals((await b.end()).code, 0);
        await clients.assertEqual();
      } finally {
        await clients.stopHub();
      }
    });
  },
);

test(
  "F01, F06: a hub that could not flush once goes on without a restart",
  ["curl"],
  async () => {
    await using temp = new TempDir();
    let failures = 0;
    for (let point = 13; point < 25; point++) {
      const data = temp.at(`data${point}`);
      const acknowledged: Acknowledged = new Map();
      const env = {
        LOCKSTEP_FAULT: `change:${point}:${point % 2 === 0 ? "EIO" : "ENOSPC"}`,
      };
      await using hub = await serve(data, ["--no-auth"], { env });
      let failed = 0;
      for (let i = 0; i < 5; i++) {
        const content = `content ${i}`;
        const { status } = await upload(hub, "", `f${i}`, content);
        if (status === 201) acknowledged.set(`f${i}`, sha256(content));
        else failed++;
      }
      assert(failed <= 1, `${failed} uploads failed, with ${point}`);
      failures += failed;
      hub.kill("SIGTERM");
      await hub.ended;
      await assertWhole(data, acknowledged);
    }
    assert(failures > 5, `${failures} uploads failed`);
  },
);

test(
  "a hub stops in order when it is told to, with 0",
  ["signals", "curl"],
  async () => {
    await using temp = new TempDir();
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await using hub = await serve(temp.at("data"), ["--no-auth"]);
      // Somebody listens meanwhile.
      using connection = await Deno.connect({
        hostname: "127.0.0.1",
        port: hub.port,
      });
      const request =
        `GET /events HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n\r\n`;
      await connection.write(new TextEncoder().encode(request));
      await connection.read(new Uint8Array(1_000));
      hub.kill(signal);
      assertEquals((await hub.ended).code, 0);
    }
  },
);

test(
  "F01: a hub whose disk is full turns clients away at once, and takes them when there is room",
  ["mount"],
  async () => {
    await using temp = new TempDir();
    const small = temp.directory("small");
    await mounted(small, { options: "size=4m" }, async () => {
      await using hub = await serve(join(small, "data"), ["--no-auth"]);
      const dir = temp.directory("dir");
      writeTree(dir, { a: "a" });
      const id = "0123456789abcdef0123456789abcdef";
      const url = `${
        hub.url.replace("http", "ws")
      }/engine?client_id=${id}&name=x`;
      const args = ["--two-way", "--retry-for", "0"];
      const state = { env: { XDG_STATE_HOME: temp.at("state") } };
      const first = await sync(dir, url, args, state);
      assertEquals(first.code, 0, first.stderr);
      const filler = join(small, "filler");
      try {
        Deno.writeFileSync(filler, new Uint8Array(8_000_000));
      } catch {
        // It takes what there is room for.
      }
      const full = await sync(dir, url, args, state);
      assert(full.code !== 0, full.stdout);
      assert(!full.stderr.includes("did not introduce itself"), full.stderr);
      Deno.removeSync(filler);
      const after = await sync(dir, url, args, state);
      assertEquals(after.code, 0, after.stderr);
    });
  },
);
