import { assert, assertEquals } from "@std/assert";
import { makeAwkwardTree } from "../support/awkward_tree.ts";
import { assertEnded, assertIdle } from "../support/carriers.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { listen, startSync, sync } from "../support/program.ts";
import { note, noteMost } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { type LaneFaults, TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
/** Each of them is cut four times. */
const CUT_RUNS = Math.ceil(Number(Deno.env.get("LOCKSTEP_ROUNDS") ?? 32) / 4);
/** A missing peer is noticed within 15 s; the rest is for a busy machine. */
const MAX_SILENCE_MS = 20_000;

Deno.test("D01: a connection cut at random places is taken up again, and ends equal", async () => {
  const random = new Random(21);
  for (let run = 0; run < CUT_RUNS; run++) {
    await using temp = new TempDir();
    const source = temp.directory("source");
    makeAwkwardTree(source, { seed: run, wide: 300 });
    await using receiver = await listen(temp.at("target"));
    // Early cuts hit the handshake and the lists, late ones the content.
    const cuts = [400, 20_000, 4 * MIB].map((most) => random.below(most));
    const answerCut = random.below(3_000);
    await using proxy = new TcpProxy(receiver.port, (connection) => {
      const cutAfter = cuts[connection];
      if (cutAfter !== undefined) return { toServer: { cutAfter } };
      return connection === cuts.length
        ? { toClient: { cutAfter: answerCut } }
        : {};
    });
    const ended = await sync(source, proxy.url, ["--retry-for", "30"]);
    const where = `run ${run}, cuts ${cuts}, ${answerCut}`;
    assertEquals(ended.code, 0, `${where}: ${ended.stderr}`);
    assertEnded(await receiver.ended);
    await assertSameTree(source, temp.at("target"));
    assert(!exists(temp.at("target", ".lockstep")), where);
    assert(proxy.counts.connections > cuts.length, where);
    note("N12", "cuts", cuts.length + 1);
  }
});

Deno.test("D01: a file of 64 MiB that is cut in the middle goes on where it was", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const size = 64 * MIB;
  const cutAfter = 32 * MIB;
  writeTree(source, { big: new Random(22).bytes(size) });
  await using receiver = await listen(temp.at("target"));
  await using proxy = new TcpProxy(
    receiver.port,
    (connection) => connection === 0 ? { toServer: { cutAfter } } : {},
  );
  const running = startSync(source, proxy.url, ["--retry-for", "30"]);
  await using _ = running;
  await running.event("retrying");
  assertEnded(await running.ended);
  assertEnded(await receiver.ended);
  await assertSameTree(source, temp.at("target"));
  // What was under way when the connection was reset is lost: at most the window.
  const resent = proxy.counts.toServer - size;
  assert(resent <= 4 * MIB + MIB / 4, `${resent} bytes too many`);
  note("N12", "cuts", 1);
});

Deno.test("a receiver that starts again is found again", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.at("target");
  writeTree(source, { big: new Random(23).bytes(24 * MIB), small: "small" });
  const first = await listen(target);
  await using proxy = new TcpProxy(first.port, (connection) => ({
    toServer: connection === 0 ? { bytesPerSecond: 8 * MIB } : {},
  }));
  await using running = startSync(source, proxy.url, ["--retry-for", "60"]);
  await proxy.passed(4 * MIB);
  await first[Symbol.asyncDispose]();
  await running.event("retrying");
  await using second = await listen(target);
  proxy.serverPort = second.port;
  assertEnded(await running.ended);
  assertEnded(await second.ended);
  await assertSameTree(source, target);
  assert(!exists(`${target}/.lockstep`));
});

Deno.test("D05: a wrong bit on the way is found, and never gets into a file", async () => {
  const random = new Random(24);
  for (let run = 0; run < 4; run++) {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { big: random.bytes(8 * MIB) });
    await using receiver = await listen(temp.at("target"));
    const flipAt = random.between(MIB, 7 * MIB);
    await using proxy = new TcpProxy(
      receiver.port,
      (connection) => connection === 0 ? { toServer: { flipAt } } : {},
    );
    const ended = await sync(source, proxy.url, ["--retry-for", "20"]);
    assertEquals(ended.code, 0, `bit at ${flipAt}: ${ended.stderr}`);
    await assertSameTree(source, temp.at("target"));
  }
});

Deno.test("D07: a slow and distant network is no fault", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { file: new Random(25).bytes(400_000), d: { e: {} } });
  await using receiver = await listen(temp.at("target"));
  const lane: LaneFaults = { delayMs: 150, bytesPerSecond: 1_000_000 };
  await using proxy = new TcpProxy(receiver.port, () => ({
    toServer: lane,
    toClient: lane,
  }));
  const ended = await sync(source, proxy.url, ["--retry-for", "0"]);
  assertEnded(ended);
  await assertSameTree(source, temp.at("target"));
  assertEquals(proxy.counts.connections, 1);
});

test(
  "a second sender is told that the receiver is busy, and disturbs nothing",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const other = temp.directory("other");
    writeTree(source, { big: new Random(26).bytes(16 * MIB) });
    writeTree(other, { other: "other" });
    await using receiver = await listen(temp.at("target"));
    const toServer = { bytesPerSecond: 8 * MIB };
    await using proxy = new TcpProxy(receiver.port, () => ({ toServer }));
    await using first = startSync(source, proxy.url);
    await proxy.passed(2 * MIB);
    // It is under way for as long as the others take.
    toServer.bytesPerSecond = MIB / 16;
    for (const args of [["--retry-for", "0"], []]) {
      const second = await sync(other, receiver.url, args);
      assertEnded(second, 5);
      assert(/busy/i.test(second.stderr), second.stderr);
      const error = second.events.find(({ event }) => event === "error");
      assertEquals([error?.code, error?.exit], ["busy", 5]);
    }
    toServer.bytesPerSecond = Infinity;
    assertEnded(await first.ended);
    assertEnded(await receiver.ended);
    await assertSameTree(source, temp.at("target"));
  },
);

test(
  "D02, D03: a frozen peer is noticed within 15 s, on either side",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { big: new Random(27).bytes(48 * MIB) });
    await Promise.all([frozenReceiver(), frozenSender(), blackHole()]);

    async function frozenReceiver(): Promise<void> {
      await using receiver = await listen(temp.at("frozen"));
      await using proxy = slowProxy(receiver.port);
      await using sender = startSync(source, proxy.url, ["--retry-for", "60"]);
      await proxy.passed(2 * MIB);
      receiver.kill("SIGSTOP");
      const since = performance.now();
      await sender.event("retrying");
      const silence = performance.now() - since;
      assert(silence < MAX_SILENCE_MS, `noticed after ${silence} ms`);
      noteMost("N12", "ms until a silent peer was noticed", silence);
      // It thaws: the next try succeeds, and the old session does no harm.
      receiver.kill("SIGCONT");
      assertEnded(await sender.ended);
      assertEnded(await receiver.ended);
      await assertSameTree(source, temp.at("frozen"));
    }

    async function frozenSender(): Promise<void> {
      await using receiver = await listen(temp.at("free"), [
        "--keep-listening",
      ]);
      await using proxy = slowProxy(receiver.port);
      await using sender = startSync(source, proxy.url, ["--retry-for", "60"]);
      await proxy.passed(2 * MIB);
      sender.kill("SIGSTOP");
      // The receiver is free again for somebody else.
      const other = temp.directory("other");
      await until("the receiver to be free", async () => {
        const { code } = await sync(other, receiver.url, ["--retry-for", "0"]);
        assert(code === 0 || code === 5, `exit ${code}`);
        return code === 0;
      }, MAX_SILENCE_MS);
      sender.kill("SIGCONT");
      assertEnded(await sender.ended);
      await assertSameTree(source, temp.at("free"));
    }

    /** Nothing passes any more, and nobody says so. */
    async function blackHole(): Promise<void> {
      await using receiver = await listen(temp.at("black hole"));
      const lost = { stallAfter: 2 * MIB };
      await using proxy = new TcpProxy(
        receiver.port,
        (connection) =>
          connection === 0
            ? { toServer: lost, toClient: { stallAfter: 3_000 } }
            : {},
      );
      await using sender = startSync(source, proxy.url, ["--retry-for", "60"]);
      await sender.event("retrying");
      assertEnded(await sender.ended);
      assertEnded(await receiver.ended);
      await assertSameTree(source, temp.at("black hole"));
      assert(!exists(temp.at("black hole", ".lockstep")));
    }

    function slowProxy(port: number): TcpProxy {
      return new TcpProxy(port, (connection) => ({
        toServer: connection === 0 ? { bytesPerSecond: 4 * MIB } : {},
      }));
    }
  },
);

Deno.test("where nobody listens, the sender gives up when told to, with exit 6", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const port = freePort();
  const url = `ws://127.0.0.1:${port}`;
  const once = await sync(source, url, ["--retry-for", "0"]);
  assertEnded(once, 6);
  assert(once.stderr.includes(`127.0.0.1:${port}`), once.stderr);
  assertEquals(once.events.some(({ event }) => event === "retrying"), false);

  const since = performance.now();
  const often = await sync(source, url, ["--retry-for", "2"]);
  assertEnded(often, 6);
  assert(often.events.some(({ event }) => event === "retrying"));
  const seconds = (performance.now() - since) / 1000;
  assert(seconds > 1 && seconds < 8, `gave up after ${seconds} s`);
});

Deno.test("a sender that comes first waits for the receiver", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { file: "content" });
  const port = freePort();
  await using sender = startSync(source, `ws://127.0.0.1:${port}`);
  await sender.event("retrying");
  await using receiver = await listen(temp.at("target"), [
    "--port",
    String(port),
  ]);
  assertEnded(await sender.ended);
  assertEnded(await receiver.ended);
  await assertSameTree(source, temp.at("target"));
});

Deno.test("a server that is no receiver is refused at once, with what it said", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const answers: [number, Response][] = [
    [200, new Response("<html>hello</html>")],
    [302, Response.redirect("http://127.0.0.1/")],
    [401, new Response("no", { status: 401 })],
    [403, new Response("no", { status: 403 })],
    [404, new Response("no", { status: 404 })],
  ];
  for (const [status, answer] of answers) {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => answer.clone(),
    );
    const url = `ws://127.0.0.1:${server.addr.port}`;
    const ended = await sync(source, url, ["--retry-for", "1"]);
    assert([5, 6].includes(ended.code), `${status}: exit ${ended.code}`);
    if (status === 401 || status === 403) assertEnded(ended, 5);
    if (status !== 200) {
      assert(ended.stderr.includes(`${status}`), ended.stderr);
    }
  }
});

Deno.test("a server that talks garbage, or nothing, does not hang the sender", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("SSH-2.0-x\r\n\r\n"));
      connection.close();
    }
  })();
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const ended = await sync(source, url, ["--retry-for", "1"]);
  assert([5, 6].includes(ended.code), `exit ${ended.code}`);
  listener.close();
  await serving;
});

Deno.test("the receiver takes no strangers, and stays well", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(source, { file: "content" });
  writeTree(target, { file: "content" });
  const before = listTree(target);
  await using receiver = await listen(target, ["--keep-listening"]);
  const upgrade = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol: lockstep.v1",
  ];
  const host = `Host: 127.0.0.1:${receiver.port}`;
  const strangers: Record<string, string[]> = {
    "a web page": [host, ...upgrade, "Origin: http://evil.example"],
    "a page without origin": [host, ...upgrade, "Origin: null"],
    "a rebound name": ["Host: evil.example", ...upgrade],
    "a browser": [host],
  };
  for (const [who, headers] of Object.entries(strangers)) {
    const status = await request(receiver.port, headers);
    assert(status >= 400 && status < 500, `${who} got ${status}`);
  }
  for (const bytes of ["\r\n\r\n", "\0\0\0\0", "GET"]) {
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: receiver.port,
    });
    await connection.write(new TextEncoder().encode(bytes));
    connection.close();
  }
  assertUntouched(target, before);
  assertEnded(await sync(source, receiver.url));
  await assertSameTree(source, target);
  assertIdle(await sync(source, receiver.url));
});

/** Sends a request by hand: the status of the answer. */
async function request(port: number, headers: string[]): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const text = ["GET / HTTP/1.1", ...headers, "", ""].join("\r\n");
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(256);
  const length = await connection.read(buffer) ?? 0;
  const answer = new TextDecoder().decode(buffer.subarray(0, length));
  return Number(answer.split(" ")[1]);
}

/** A port on which nobody listens, a moment ago at least. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
