/** Who gets in, who does not, and that no secret gets out. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { TestAuthority } from "../support/certificates.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import {
  type Ended,
  listen,
  Program,
  type Receiver,
  run,
  sync,
} from "../support/program.ts";
import { askRaw, UPGRADE } from "../support/raw_http.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const TOKEN = "c4nary-s3cret_token";
const ONCE = ["--retry-for", "0"];

interface Place extends AsyncDisposable {
  readonly temp: TempDir;
  readonly source: string;
  readonly target: string;
  readonly tokenFile: string;
}

/** A source, a target with something in it, and a file with the token. */
function place(): Place {
  const temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  const tokenFile = temp.at("token");
  writeTree(source, { file: "content" });
  writeTree(target, { old: "old" });
  Deno.writeTextFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  return {
    temp,
    source,
    target,
    tokenFile,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

function assertNoSecret(ended: Ended | Program): void {
  const said = ended.stdout + ended.stderr;
  assert(!said.includes(TOKEN), said);
}

function turnedAway(receiver: Program): unknown[] {
  return receiver.events.filter(({ event }) => event === "turned-away")
    .map(({ reason }) => reason);
}

/** The one line that a run ended with. */
function lastWords(ended: Ended): string {
  assertEquals(ended.stderr.split("\n").length, 1, ended.stderr);
  return ended.stderr;
}

Deno.test("C01: a sender with the token gets in, however it was told", async () => {
  await using first = place();
  const { tokenFile } = first;
  const env = { LOCKSTEP_TOKEN: TOKEN };
  const ways: [string[], Record<string, string>][] = [
    [["--token", TOKEN], {}],
    [["--token-file", tokenFile], {}],
    [[], env],
    [["--token", TOKEN], { LOCKSTEP_TOKEN: "another" }],
  ];
  for (const [i, [args, env]] of ways.entries()) {
    await using here = place();
    const [otherArgs, otherEnv] = ways[(i + 1) % ways.length]!;
    await using receiver = await listen(here.target, args, { env });
    const sent = await sync(
      here.source,
      receiver.url,
      [...otherArgs, ...ONCE],
      {
        env: otherEnv,
      },
    );
    assertEnded(sent);
    const received = await receiver.ended;
    assertEnded(received);
    await assertSameTree(here.source, here.target);
    assertNoSecret(sent);
    assertNoSecret(received);
  }
});

Deno.test("C01: without the token nobody gets in, and all hear the same", async () => {
  await using here = place();
  const before = listTree(here.target);
  await using receiver = await listen(here.target, [
    "--token-file",
    here.tokenFile,
    "--keep-listening",
  ]);
  const host = `Host: 127.0.0.1:${receiver.port}`;
  const line = (value: string): string => `Authorization: ${value}`;
  const latin1 = Uint8Array.from(
    [...line("Bearer ")].map((it) => it.charCodeAt(0)).concat(0xe9, 0xff),
  );
  const cases: [name: string, header: string | Uint8Array, status: number][] = [
    ["nothing", "X: y", 401],
    ["empty", line(""), 401],
    ["no word", line("Bearer"), 401],
    ["wrong", line("Bearer wrong"), 401],
    ["a part", line(`Bearer ${TOKEN.slice(0, -1)}`), 401],
    ["more", line(`Bearer ${TOKEN}x`), 401],
    ["blanks", line(`Bearer   ${TOKEN}`), 401],
    ["another scheme", line(`Basic ${TOKEN}`), 401],
    ["not ASCII", latin1, 401],
    ["60 kB", line(`Bearer ${"x".repeat(60_000)}`), 401],
    // These are no HTTP, and do not get as far as that.
    ["1 MiB", line(`Bearer ${"x".repeat(1024 * 1024)}`), 400],
    ["CR", line(`Bearer ${TOKEN}\rx`), 400],
    ["a folded line", line(`Bearer\r\n ${TOKEN}`), 400],
  ];
  const bodies = new Set<string>();
  for (const [name, header, status] of cases) {
    const answer = await askRaw(receiver.port, [host, ...UPGRADE, header]);
    // Of 1 MiB the server reads but the beginning: its answer may get lost.
    if (Number.isNaN(answer.status)) {
      assertEquals(name, "1 MiB");
      continue;
    }
    // Some releases of Deno say 431 to headers that are too long.
    const said = answer.status === 431 ? 400 : answer.status;
    assertEquals(said, status, name);
    if (status !== 401) continue;
    assertEquals(answer.headers.get("www-authenticate"), "Bearer", name);
    bodies.add(answer.body);
  }
  assertEquals([...bodies], ["Unauthorized\n"]);
  assertUntouched(here.target, before);
  assertEquals(turnedAway(receiver), ["no token", "a wrong token"]);
  assertNoSecret(receiver);
});

Deno.test("C03: a foreign Origin is refused before the upgrade, with or without the token", async () => {
  await using here = place();
  const before = listTree(here.target);
  for (const args of [[], ["--token", TOKEN]]) {
    await using receiver = await listen(here.target, args);
    const headers = [
      `Host: localhost:${receiver.port}`,
      ...UPGRADE,
      `Authorization: Bearer ${TOKEN}`,
    ];
    const origins = [
      ["Origin: http://evil.example"],
      [`Origin: http://localhost:${receiver.port}`],
      ["Origin: null"],
      ["Origin:"],
      ["Origin: http://[::1"],
      ["Origin: http://localhost", "Origin: http://evil.example"],
    ];
    for (const origin of origins) {
      const { status } = await askRaw(receiver.port, [...headers, ...origin]);
      assertEquals(status, 403, origin.join());
    }
    assertEquals((await askRaw(receiver.port, headers)).status, 101);
  }
  assertUntouched(here.target, before);
});

Deno.test("C04: a name that was made to point to this machine is refused", async () => {
  await using here = place();
  await using receiver = await listen(here.target, ["--token", TOKEN]);
  const headers = [...UPGRADE, `Authorization: Bearer ${TOKEN}`];
  const hosts: [host: string, status: number][] = [
    ["evil.example", 403],
    [`evil.example:${receiver.port}`, 403],
    ["localhost.evil.example", 403],
    ["", 403],
    ["[::1", 403],
    ["127.0.0.1@evil.example", 403],
    ["[::1]:1", 101],
    ["localhost:1", 101],
  ];
  for (const [host, status] of hosts) {
    const answer = await askRaw(receiver.port, [`Host: ${host}`, ...headers]);
    assertEquals(answer.status, status, host);
  }
});

Deno.test("C18: guessing is limited, logged at the first and the last, and does not stop the listener", async () => {
  await using here = place();
  await using receiver = await listen(here.target, [
    "--token",
    TOKEN,
    "--keep-listening",
  ]);
  const headers = [`Host: localhost`, ...UPGRADE];
  const statuses: Record<number, number> = {};
  for (let i = 0; i < 500; i++) {
    const guess = `Authorization: Bearer guess${i}`;
    const { status, headers: answer } = await askRaw(receiver.port, [
      ...headers,
      guess,
    ]);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === 429) assert(Number(answer.get("retry-after")) <= 60);
  }
  assertEquals(statuses, { 401: 10, 429: 490 });
  // Also who is right has to wait: the sender would, unless told not to.
  const ended = await sync(here.source, receiver.url, [
    "--token",
    TOKEN,
    ...ONCE,
  ]);
  assertEnded(ended, 6);
  assertMatch(ended.stderr, /status 429/);
  const [first, limit, ...others] = turnedAway(receiver);
  assertEquals([first, others], ["a wrong token", []]);
  assertMatch(String(limit), /^10 wrong tokens: none is taken .* \d\d s$/);
});

Deno.test("a wrong token, or none, ends the sender at once with 5", async () => {
  await using here = place();
  await using receiver = await listen(here.target, ["--token", TOKEN]);
  for (const args of [["--token", "wrong"], []]) {
    const ended = await sync(here.source, receiver.url, args);
    assertEnded(ended, 5);
    assertMatch(
      lastWords(ended),
      /status 401 \(the token is missing or wrong\)/,
    );
    assertEquals(ended.events.some(({ event }) => event === "retrying"), false);
  }
});

Deno.test("C23: no token gets into any output, an address or an error", async () => {
  await using here = place();
  const env = { LOCKSTEP_DEBUG: "1" };
  const url = `ws://127.0.0.1:9/?token=${TOKEN}`;
  const from = ["sync", "--from", here.source];
  const lines: [args: string[], code: number][] = [
    [[...from, "--to", url], 2],
    [[...from, "--to", `ws://user:${TOKEN}@127.0.0.1:9`], 2],
    [[...from, "--to", `http://user:${TOKEN}@127.0.0.1:99999`], 2],
    [[...from, "--to", "ws://127.0.0.1:9", "--token", `${TOKEN} x`], 2],
    [[...from, "--to", "ws://127.0.0.1:9", "--token", `-${TOKEN}`], 2],
    [[...from, "--to", "ws://127.0.0.1:9", "--token", TOKEN, ...ONCE], 6],
    [["listen", "-o", here.target, "--token", TOKEN, "--host", "192.0.2.1"], 1],
    [["listen", "-o", here.target, "--token", TOKEN, "--token-file", "f"], 2],
  ];
  const results = await Promise.all(
    lines.map(async ([args, code]) => ({
      line: args.join(" "),
      code,
      ended: await run([...args, "-v"], { env }),
    })),
  );
  for (const { line, code, ended } of results) {
    assertEquals(ended.code, code, `${line}: ${ended.stderr}`);
    assertNoSecret(ended);
  }
  await using receiver = new Program(
    ["listen", "-p", "0", "-o", here.target, "-v", "--token", TOKEN],
    { env },
  );
  const address = await until(
    "the address",
    () => /ws:\/\/127\S+:\d+/.exec(receiver.stdout)?.[0],
  );
  for (const token of ["wrong", TOKEN]) {
    const args = [...from, "--to", address, "-v", "--token", token];
    assertNoSecret(await run(args, { env }));
  }
  assertNoSecret(await receiver.ended);
});

test(
  "K09: a token file that others can read stops the program, and it says what to do",
  [
    "modes",
  ],
  async () => {
    await using here = place();
    const before = listTree(here.target);
    Deno.chmodSync(here.tokenFile, 0o644);
    const ended = await run([
      "listen",
      "-o",
      here.target,
      "--token-file",
      here.tokenFile,
    ]);
    assertEnded(ended, 2);
    assertMatch(
      lastWords(ended),
      /open to other users; .*: chmod 600 \S+token$/,
    );
    assertUntouched(here.target, before);
  },
);

test("other machines get in by token only, unless --no-auth says otherwise", [
  "linux",
], async () => {
  await using here = place();
  const missing = here.temp.at("missing");
  const open = ["--host", "0.0.0.0"];
  const refused = await run(["listen", "-p", "0", "-o", missing, ...open]);
  assertEnded(refused, 2);
  assertMatch(lastWords(refused), /--token-file.*LOCKSTEP_TOKEN.*--no-auth/);
  assertEquals(exists(missing), false);

  await using unguarded = await listen(here.temp.at("u"), [
    ...open,
    "--no-auth",
  ]);
  await until("a warning", () => warnings(unguarded).length > 0);
  assertMatch(String(warnings(unguarded)[0]), /^Anybody who can reach/);

  await using guarded = await listen(here.target, [
    ...open,
    "--token",
    TOKEN,
    "--keep-listening",
  ]);
  // By an address of this machine that is not loopback, as from another machine.
  const address = outerAddress();
  if (address === undefined) return;
  const url = `ws://${address}:${guarded.port}`;
  const sent = await sync(here.source, url, ["--token", TOKEN, ...ONCE]);
  assertEnded(sent);
  assertEquals(
    sent.events.filter(({ event }) => event === "warning").length,
    1,
  );
  assertMatch(sent.stdout, /unencrypted/);
  assertEnded(await sync(here.source, url, ONCE), 5);
  assertEquals(warnings(guarded), []);
  await assertSameTree(here.source, here.target);
});

test("D14: a listener whose descriptors are used up starts anew", [
  "prlimit",
], async () => {
  await using here = place();
  await using receiver = await listen(here.target, [], {
    under: ["prlimit", "--nofile=64:64"],
  });
  const half = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: local");
  const connections: Deno.Conn[] = [];
  try {
    await until("a warning", async () => {
      try {
        const { port } = receiver;
        const made = await Deno.connect({ hostname: "127.0.0.1", port });
        connections.push(made);
        await made.write(half);
      } catch {
        // It has given up this moment.
      }
      return warnings(receiver).length > 0;
    });
    assertMatch(String(warnings(receiver)[0]), /starts anew: .*open files/);
    // Those who took the descriptors are still there.
    const sent = await sync(here.source, receiver.url, ["--retry-for", "20"]);
    assertEnded(sent);
    assertEnded(await receiver.ended);
    await assertSameTree(here.source, here.target);
  } finally {
    for (const connection of connections) connection.close();
  }
});

test("wss:// works with a certificate that is trusted, and with no other", [
  "openssl",
], async () => {
  await using here = place();
  const authority = await TestAuthority.create(here.temp.directory("ca"));
  const names = "DNS:localhost,IP:127.0.0.1";
  const good = await authority.issue("good");
  const caFile = ["--ca-file", authority.caFile];

  const cases: [string, string, number, string[], RegExp][] = [
    ["unknown", names, 2, [], /its certificate is not trusted/],
    ["elsewhere", "DNS:other.example", 2, caFile, /for another host name/],
    ["expired", names, -1, caFile, /its certificate has expired/],
  ];
  for (const [name, names, days, args, reason] of cases) {
    const { cert, key } = await authority.issue(name, names, days);
    await using receiver = await listenTls(here.target, cert, key);
    const refused = await sync(here.source, receiver.url, args);
    assertEnded(refused, 5);
    assertMatch(lastWords(refused), reason);
    const kinds = refused.events.map(({ event }) => event);
    assertEquals(kinds.includes("retrying"), false, name);
  }

  await using receiver = await listenTls(here.target, good.cert, good.key);
  const { port } = receiver;
  // Whoever mixes up the two is told so.
  const plain = await sync(here.source, `ws://127.0.0.1:${port}`, []);
  assertEnded(plain, 5);
  assertMatch(lastWords(plain), /wss:\/\/ instead of ws:\/\//);

  const url = `wss://localhost:${port}`;
  const sent = await sync(here.source, url, [...caFile, "--token", TOKEN]);
  assertEnded(sent);
  assertEquals(sent.stderr, "");
  assertEnded(await receiver.ended);
  await assertSameTree(here.source, here.target);
});

test(
  "wss:// to a receiver without TLS is told as such",
  ["openssl"],
  async () => {
    await using here = place();
    await using receiver = await listen(here.target);
    const url = receiver.url.replace("ws:", "wss:");
    const ended = await sync(here.source, url);
    assertEnded(ended, 5);
    assertMatch(lastWords(ended), /does not speak TLS/);
  },
);

async function listenTls(
  target: string,
  cert: string,
  key: string,
): Promise<Receiver> {
  const receiver = await listen(target, [
    "--tls-cert",
    cert,
    "--tls-key",
    key,
    "--token",
    TOKEN,
  ]);
  const url = String(receiver.events[0]?.url);
  assertEquals(url, `wss://127.0.0.1:${receiver.port}`);
  return Object.assign(receiver, { url });
}

function warnings(program: Program): unknown[] {
  return program.events.filter(({ event }) => event === "warning")
    .map(({ message }) => message);
}

/** An IPv4 address of this machine that other machines may know. */
function outerAddress(): string | undefined {
  return Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )?.address;
}
