/** Many clients of a hub at once: who come back, who idle, who never read. */
import { assert, assertEquals } from "@std/assert";
import type { Session } from "../../src/session/session.ts";
import { command } from "../support/command.ts";
import { type HubProgram, serve } from "../support/hub_program.ts";
import { visitHub } from "../support/hub_visitor.ts";
import { test } from "../support/needs.ts";
import { sync } from "../support/program.ts";
import { noteMost } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";

const NEEDS = ["linux", "curl"] as const;

const IN_SOAK = Number(Deno.env.get("LOCKSTEP_SCALE") ?? 0) > 0;
const CLIENTS = IN_SOAK ? 200 : 50;
const STUCK = IN_SOAK ? 200 : 40;
const FILES = 1_000;
const MAX_RSS_MIB = 300;

/** Connects once, and looks at all there is. */
async function visit(hub: HubProgram, number: number): Promise<Session> {
  const { session, files } = await visitHub(hub.url, number);
  assertEquals(files, FILES);
  return session;
}

function memoryOf({ pid }: HubProgram): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1_024;
}

test(
  `D12: ${CLIENTS} clients come back at once to a hub that was killed`,
  NEEDS,
  async () => {
    await using temp = new TempDir();
    const dir = temp.directory("files");
    for (let i = 0; i < FILES; i++) {
      Deno.writeTextFileSync(`${dir}/f${i}`, `content ${i}`);
    }
    let hub = await serve(temp.at("data"), ["--no-auth"]);
    try {
      const url = `${hub.url.replace("http", "ws")}/engine`;
      assertEquals((await sync(dir, url)).code, 0);
      const numbers = Array.from({ length: CLIENTS }, (_, i) => i);
      const first = await Promise.all(numbers.map((i) => visit(hub, i)));
      hub.kill("SIGKILL");
      await hub[Symbol.asyncDispose]();
      for (const session of first) session.close();
      hub = await serve(temp.at("data"), ["--no-auth"]);
      const again = await Promise.all(numbers.map((i) => visit(hub, i)));
      assertEquals(again.length, CLIENTS);
      assert(memoryOf(hub) < MAX_RSS_MIB, `${memoryOf(hub)} MiB`);
      await Promise.all(
        again.map((session) => session.bye({ kind: "done", message: "" })),
      );
      hub.kill("SIGTERM");
      assertEquals((await hub.ended).code, 0);
    } finally {
      await hub[Symbol.asyncDispose]();
    }
  },
);

test(
  `N13: ${STUCK} who never read what they asked for take little, and slow nobody down`,
  NEEDS,
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"), ["--no-auth"]);
    const big = temp.at("big");
    Deno.writeFileSync(big, new Random(1).bytes(24 * 1024 * 1024));
    const args = ["-sf", "-F", "path=big", "-F", `file=@${big}`];
    assertEquals(
      (await command("curl", [...args, `${hub.url}/upload`])).code,
      0,
    );
    const request = new TextEncoder().encode(
      `GET /download/big HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n\r\n`,
    );
    const stuck: Deno.TcpConn[] = [];
    try {
      for (let i = 0; i < STUCK; i++) {
        const connection = await Deno.connect({
          hostname: "127.0.0.1",
          port: hub.port,
        });
        stuck.push(connection);
        await connection.write(request);
        // Its answer has begun.
        assert(await connection.read(new Uint8Array(1)) === 1);
      }
      const out = temp.at("out");
      const got = await command("curl", [
        ...["-sf", "-o", out],
        `${hub.url}/download/big`,
      ]);
      assertEquals(got.code, 0);
      assertEquals((await command("cmp", [big, out])).code, 0);
      assert(memoryOf(hub) < MAX_RSS_MIB, `${memoryOf(hub)} MiB`);
      noteMost("N13", "stuck readers at once", STUCK);
      noteMost("N13", "MiB of memory", memoryOf(hub));
    } finally {
      for (const connection of stuck) connection.close();
    }
    hub.kill("SIGTERM");
    assertEquals((await hub.ended).code, 0);
  },
);
