/**
 * Whatever is wrong with the command line or the surroundings: one line on
 * stderr, the documented exit code, and nothing touched.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { upgradeToTransport } from "../../src/net/upgrade.ts";
import { connectWebSocket } from "../../src/net/websocket.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../src/protocol/limits.ts";
import { writeError, writeHello } from "../../src/protocol/session_codec.ts";
import { assertEnded } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { mounted } from "../support/mounted.ts";
import { test } from "../support/needs.ts";
import {
  assertUntouched,
  type EntryState,
  listTree,
} from "../support/oracle.ts";
import { type Ended, listen, Program, run } from "../support/program.ts";
import { RawServer } from "../support/raw_http.ts";
import { bytesOf, party, RawPeer } from "../support/session_pair.ts";
import { TempDir } from "../support/temp.ts";

const TOKEN = "c4nary-s3cret_token";
/** None of these runs does anything that takes time. */
const MAX_RUN_MS = 30_000;
const ONCE = ["--retry-for", "0"];

/** A command line, the exit code it ends with, and what it says. */
type Case = readonly [args: readonly string[], code: number, words: RegExp];

/** Trees that nobody may touch. */
class Trees implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly source = this.temp.directory("source");
  readonly target = this.temp.directory("target");
  readonly #before: ReadonlyMap<string, EntryState>;

  constructor() {
    writeTree(this.source, { file: "new", more: { inner: "content" } });
    writeTree(this.target, { file: "old", extra: { inner: "content" } });
    Deno.writeTextFileSync(this.temp.at("token"), TOKEN, { mode: 0o600 });
    this.#before = listTree(this.temp.path);
  }

  /** Runs all cases at once: each is a process of its own, and changes nothing. */
  async check(cases: readonly Case[]): Promise<void> {
    const results = await Promise.all(cases.map(async (it) => ({
      line: it[0].join(" "),
      code: it[1],
      words: it[2],
      ended: await runSoon(it[0], this.temp.path),
    })));
    for (const { line, code, words, ended } of results) {
      assertOneLine(ended, code, words, line);
    }
    this.assertUntouched();
  }

  /** Fails if anything was written, also beside the two trees. */
  assertUntouched(): void {
    assertUntouched(this.temp.path, this.#before);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temp[Symbol.asyncDispose]();
  }
}

/** Runs the program; where it goes on instead of failing, it is killed. */
async function runSoon(args: readonly string[], cwd: string): Promise<Ended> {
  await using program = new Program(args, { cwd });
  const timer = setTimeout(() => program.kill("SIGKILL"), MAX_RUN_MS);
  try {
    return await program.ended;
  } finally {
    clearTimeout(timer);
  }
}

/** Fails unless a run ended with `code` and one line that says why. */
function assertOneLine(
  ended: Ended,
  code: number,
  words: RegExp,
  line: string,
): void {
  const { stdout, stderr } = ended;
  assertEquals(ended.code, code, `${line}: ${stderr}`);
  assertMatch(stderr, /^lockstep: [^\n]+$/, line);
  assertMatch(stderr, words, line);
  assert(!/file:\/\/|\.ts:\d|^ +at /m.test(stdout + stderr), stderr);
  assert(!(stdout + stderr).includes(TOKEN), line);
  const [error, more] = ended.events.filter(({ event }) => event === "error");
  if (error === undefined) return assertEquals(stdout, "", line);
  assertEquals([error.exit, more], [code, undefined], line);
}

Deno.test("K11: a wrong command line ends with 2", async () => {
  await using trees = new Trees();
  const both = ["sync", "--from", "source", "--to", "target"];
  const from = ["sync", "--from", "source", "--to"];
  const into = ["listen", "--output-dir", "target"];
  const token = ["--token", TOKEN];
  await trees.check([
    [["snyc"], 2, /Unknown command "snyc"; did you mean sync\?/],
    [["sync", "--fron", "source"], 2, /--fron; did you mean --from\?/],
    [[...both, "--cheksum"], 2, /--cheksum; did you mean --checksum\?/],
    [[...into, "--tokenfile", "x"], 2, /did you mean --token-file\?/],
    [[...both, "-x"], 2, /Unknown option -x/],
    [[...both, "--port", "1"], 2, /Unknown option --port/],
    [["--port", "1", "--to", "target"], 2, /different commands/],
    [["sync", "--to", "target"], 2, /--from DIR is missing/],
    [["sync", "--from", "source"], 2, /--to URL\|DIR is missing/],
    [["listen"], 2, /--output-dir DIR is missing/],
    [["sync", "--to", "target", "--from"], 2, /--from needs a value \(DIR\)/],
    [["sync", "--to", "target", "--from", ""], 2, /--from needs a value/],
    [["sync", "--to", "target", "--from="], 2, /--from needs a value/],
    [[...from, ""], 2, /--to needs a value/],
    [[...into, "--port", ""], 2, /--port needs a value/],
    [[...into, "--host", ""], 2, /--host needs a value/],
    [[...into, "--token", ""], 2, /--token needs a value/],
    [[...into, "--tls-cert="], 2, /--tls-cert needs a value/],
    [["sync", "--from", "-rf", "--to", "target"], 2, /"--from=-rf"/],
    [[...both, "extra"], 2, /Unexpected argument "extra"/],
    [[...into, "--", "-p"], 2, /Unexpected argument "-p"/],
    [[...both, ...both.slice(1)], 2, /--from is given more than once/],
    [[...both, "--quiet", "--verbose"], 2, /--quiet and --verbose exclude/],
    [[...both, "-qv"], 2, /--quiet and --verbose exclude/],
    [[...both, "--quiet=yes"], 2, /--quiet takes no value/],
    [[...both, "--symlinks", "maybe"], 2, /expected copy, skip, follow/],
    [[...both, "--retry-for", "soon"], 2, /"soon" is not a time/],
    [[...both, "--retry-for", "-1"], 2, /"-1" is not a time/],
    ...["-1", "65536", "http", "80.5", "0x50"].map((port): Case => [
      [...into, "--port", port],
      2,
      /is not a port: 0 to 65535/,
    ]),
    [[...into, "--host", "a b"], 2, /is not a host name or an IP address/],
    [[...into, "--host", "127.0.0.1:1"], 2, /the port belongs to --port/],
    [["listen", "--output-dir", "/"], 2, /the whole system/],
    [[...from, "http://h"], 2, /write "ws:\/\/h"/],
    [[...from, "https://h"], 2, /write "wss:\/\/h"/],
    [[...from, "ftp://h"], 2, /only ws:\/\/ and wss:\/\/ addresses/],
    [[...from, "ws://"], 2, /not a valid address/],
    [[...from, "ws://h:99999"], 2, /not a valid address/],
    [[...from, "ws://h:0"], 2, /0 is not a port/],
    [[...from, "localhost:8080"], 2, /write "ws:\/\/localhost:8080"/],
    [[...from, "source"], 2, /are the same directory/],
    [[...from, "source/more"], 2, /lies inside --from/],
    [[...from, `ws://u:${TOKEN}@h`], 2, /can't hold a user or password/],
    [[...from, `ws://h?token=${TOKEN}`], 2, /can't hold a token/],
    [[...from, "ws://h", "--token", `${TOKEN} `], 2, /a token has 1 to 1024/],
    [[...from, "ws://h", "--token", `-${TOKEN}`], 2, /"--token=TOKEN"/],
    [[...both, ...token], 2, /--token is for an address/],
    [[...into, ...token, ...token], 2, /--token is given more than once/],
    [[...into, ...token, "--token-file", "token"], 2, /exclude each other/],
    [[...into, ...token, "--no-auth"], 2, /exclude each other/],
    [[...into, "--token-file", "missing"], 2, /there is no such file/],
    [[...into, "--token-file", "target"], 2, /it is no file/],
    [[...into, "--host", "0.0.0.0"], 2, /--no-auth/],
    [[...into, "--tls-cert", "token"], 2, /--tls-cert and --tls-key/],
    [[...into, "--tls-key", "token"], 2, /--tls-cert and --tls-key/],
    [
      [...into, "--tls-cert", "token", "--tls-key", "token"],
      2,
      /--tls-cert token holds no certificate/,
    ],
    [[...from, "ws://h", "--ca-file", "token"], 2, /for a wss:\/\/ address/],
    [[...from, "wss://h", "--ca-file", "token"], 2, /holds no certificate/],
    [[...from, "wss://h", "--ca-file", "missing"], 2, /there is no such file/],
  ]);
});

Deno.test("what this machine does not have, or does not allow, ends with 1", async () => {
  await using trees = new Trees();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);
  const into = ["listen", "--output-dir", "target"];
  const any = [...into, "--no-auth", "-p", "0", "--host"];
  await trees.check([
    [[...into, "--port", port], 1, new RegExp(`:${port}: the port is in use`)],
    [[...any, "192.0.2.1"], 1, /this machine does not have that address/],
    [[...any, "no-such-host.invalid"], 1, /Cannot listen on no-such-host/],
    [
      ["listen", "-p", "0", "-o", "token"],
      1,
      /token": it is a file, not a directory/,
    ],
    [["listen", "-p", "0", "-o", "token/x"], 1, /it is not a directory/],
    [["listen", "-p", "0", "-o", "x".repeat(300)], 1, /name is too long/],
    [["sync", "--from", "missing", "--to", "target"], 1, /no such file/],
    [["sync", "--from", "token", "--to", "target"], 1, /not a directory/],
    [["sync", "--from", "missing", "--to", "ws://h"], 1, /no such file/],
    [["-q", "--from", "source", "--to", "token"], 1, /not a directory/],
  ]);
});

test("a target that can't be written to is named before anything is sent", [
  "chattr",
], async () => {
  await using trees = new Trees();
  const made = await command("chattr", ["+i", trees.target]);
  // Not every file system knows it.
  if (made.code !== 0) return;
  try {
    await trees.check([
      [["listen", "-p", "0", "-o", "target"], 1, /operation not permitted/],
      [["listen", "-p", "0", "-o", "target/x"], 1, /operation not permitted/],
      [["-f", "source", "-t", "target/x", "-q"], 1, /not permitted/],
      [["-f", "source", "-t", "target", "-q"], 1, /not permitted/],
    ]);
  } finally {
    await command("chattr", ["-i", trees.target]);
  }
});

test("a target on a file system that is read-only or full is left alone", [
  "mount",
], async () => {
  await using trees = new Trees();
  const place = trees.temp.directory("mounted");
  await mounted(place, { options: "size=1m" }, async () => {
    Deno.mkdirSync(`${place}/target`);
    await command("mount", ["-o", "remount,ro", place]);
    const readOnly = /the file system is read-only/;
    const cases: Case[] = [
      [["listen", "-p", "0", "-o", `${place}/target`], 1, readOnly],
      [["listen", "-p", "0", "-o", `${place}/new`], 1, readOnly],
      [["-f", trees.source, "-t", `${place}/target`, "-q"], 1, readOnly],
      [["-f", trees.source, "-t", `${place}/new`, "-q"], 1, readOnly],
    ];
    for (const [args, code, words] of cases) {
      const ended = await runSoon(args, place);
      assertOneLine(ended, code, words, args.join(" "));
    }
    assertEquals(namesIn(place), ["target"]);

    await command("mount", ["-o", "remount,rw", place]);
    const big = trees.temp.directory("big");
    writeTree(big, { big: new Uint8Array(3_000_000).fill(7) });
    const full = await run(["-f", big, "-t", `${place}/target`, "-q"]);
    assertOneLine(full, 3, /big.*no space left on device/, "a full disk");
    assertEquals(namesIn(`${place}/target`), []);
  });
});

Deno.test("D09: where nobody listens, one line names host and port", async () => {
  await using trees = new Trees();
  const port = freePort();
  const to = (url: string): string[] => [
    ...["sync", "--from", "source", "--to", url, "--json", ...ONCE],
    ...["--token", TOKEN],
  ];
  await trees.check([
    [to(`ws://127.0.0.1:${port}`), 6, new RegExp(`127.0.0.1:${port}: nobody`)],
    [to(`wss://127.0.0.1:${port}`), 6, new RegExp(`127.0.0.1:${port}: nobody`)],
    [to("wss://no-such-host.invalid"), 6, /no-such-host.invalid:443: the name/],
  ]);
});

Deno.test("D08: a server that is no receiver is refused at once, with what it said", async () => {
  await using trees = new Trees();
  const table: [answer: string, words: RegExp][] = [
    ...[200, 301, 302, 400, 401, 403, 404, 407, 426, 500].map((
      status,
    ): [string, RegExp] => [
      http(status),
      new RegExp(`HTTP status ${status} \\(`),
    ]),
    [http(200).replace("HTTP/1.1", "HTTP/1.0"), /HTTP status 200/],
    ["SSH-2.0-OpenSSH_9.9\r\n", /does not speak HTTP/],
    ["\x15\x03\x01\x00\x02\x02\x16", /wss:\/\/ instead of ws:\/\//],
    ["HTTP/1.1 abc\r\n\r\n", /does not speak HTTP/],
    [http(101), /not a Lockstep receiver/],
  ];
  for (const [answer, words] of table) {
    await using server = new RawServer(answer);
    const ended = await syncTo(trees, `ws://127.0.0.1:${server.port}`);
    assertOneLine(ended, 5, words, answer);
    assertEquals(server.connections, 1, answer);
  }
  await using plain = new RawServer(http(400));
  const ended = await syncTo(trees, `wss://127.0.0.1:${plain.port}`);
  assertOneLine(ended, 5, /does not speak TLS/, "wss:// to http://");
  // Deno itself tries twice: HTTP/2, then HTTP/1.1.
  assert(plain.connections <= 2, `${plain.connections} connections`);
  trees.assertUntouched();
});

Deno.test("D08: an answer that may pass is tried again until the time is over", async () => {
  await using trees = new Trees();
  const table: [answer: string, words: RegExp][] = [
    ...[429, 502, 503, 504].map((status): [string, RegExp] => [
      http(status),
      new RegExp(`HTTP status ${status} \\(`),
    ]),
    ["", /hangs up without an answer/],
  ];
  await Promise.all(table.map(async ([answer, words]) => {
    await using server = new RawServer(answer);
    const url = `ws://127.0.0.1:${server.port}`;
    const ended = await syncTo(trees, url, ["--retry-for", "700ms"]);
    assertOneLine(ended, 6, words, answer);
    assert(server.connections > 1, `${answer}: ${server.connections}`);
  }));
  trees.assertUntouched();
});

Deno.test("D10: a receiver of another version is named with both versions", async () => {
  await using trees = new Trees();
  const answers: [name: string, send: (peer: RawPeer) => void, RegExp][] = [
    [
      "newer",
      (peer) => void peer.send(FrameType.hello, { payload: hello(2, 3) }),
      /speaks version 2 to 3 of the protocol, this side speaks 1: update/,
    ],
    [
      "older, which refuses",
      (peer) =>
        void peer.send(FrameType.refuse, {
          payload: bytesOf((writer) =>
            writeError(writer, { code: 2, message: "I speak version 7" })
          ),
        }),
      /I speak version 7/,
    ],
    [
      "before the first",
      (peer) => void peer.send(FrameType.hello, { payload: hello(0, 0) }),
      /the versions 0 to 0/,
    ],
  ];
  for (const [name, answer, words] of answers) {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => {
        const { response, transport } = upgradeToTransport(request, info);
        transport?.then((transport) => answer(new RawPeer(transport)));
        return response;
      },
    );
    const ended = await syncTo(trees, `ws://127.0.0.1:${server.addr.port}`);
    assertOneLine(ended, 5, words, name);
  }
  trees.assertUntouched();
});

Deno.test("D10: a sender of another version is turned away, and the next one served", async () => {
  await using trees = new Trees();
  await using receiver = await listen(trees.target);
  for (const [min, max] of [[2, 3], [7, 7]] as const) {
    const transport = await connectWebSocket(receiver.url);
    const peer = new RawPeer(transport);
    await peer.send(FrameType.hello, { payload: hello(min, max) });
    const frame = await peer.receive();
    assertEquals(frame?.type, FrameType.refuse);
    const said = new TextDecoder().decode(frame?.payload);
    assertMatch(said, new RegExp(`speaks version ${min}.*this side speaks 1`));
    peer.close();
  }
  await receiver.event("turned-away");
  trees.assertUntouched();
  assertEnded(
    await run(["sync", "--from", trees.source, "--to", receiver.url]),
  );
  assertEnded(await receiver.ended);
  assertEquals(exists(`${trees.target}/extra`), false);
});

function syncTo(
  trees: Trees,
  url: string,
  args: readonly string[] = [],
): Promise<Ended> {
  const { source } = trees;
  return run([
    ...["sync", "--from", source, "--to", url, "--json", "--token", TOKEN],
    ...args,
  ]);
}

/** A whole answer with this status. */
function http(status: number): string {
  const lines = [
    `HTTP/1.1 ${status} X`,
    "Location: http://127.0.0.1/",
    "Content-Type: text/html",
    "Content-Length: 6",
  ];
  return `${lines.join("\r\n")}\r\n\r\n<html>`;
}

/** The payload of a hello that is ours but for the versions. */
function hello(min: number, max: number): Uint8Array {
  return bytesOf((writer) =>
    writeHello(writer, { min, max }, {
      ...party(1),
      windowBytes: MAX_WINDOW_BYTES,
      capabilities: [],
    })
  );
}

/** A port on which nobody listens, a moment ago at least. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
