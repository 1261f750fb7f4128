/** `lockstep doctor`, beside listeners and hubs that are really there. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestAuthority } from "../support/certificates.ts";
import { serve } from "../support/hub_program.ts";
import { test } from "../support/needs.ts";
import {
  type Ended,
  type JsonEvent,
  listen,
  type ProgramOptions,
  run,
  sync,
} from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const TOKEN = "c4nary-s3cret_token";

async function doctor(
  args: readonly string[],
  options?: ProgramOptions,
): Promise<{ ended: Ended; found: Map<string, JsonEvent> }> {
  const ended = await run(["doctor", ...args, "--json"], options);
  assert(!(ended.stdout + ended.stderr).includes(TOKEN), "a secret got out");
  const findings = ended.events.filter(({ event }) => event === "finding");
  const found = new Map(findings.map((it) => [String(it.check), it]));
  return { ended, found };
}

Deno.test("doctor tells what this machine has, and what is wrong with it", async () => {
  await using temp = new TempDir();
  const { ended, found } = await doctor(["--state-dir", temp.at("none")]);
  assertEquals([ended.code, ended.stderr], [0, ""]);
  for (const check of ["version", "clock", "state-directory"]) {
    assertEquals(found.get(check)?.state, "good", check);
  }
  assertEquals(found.get("version")?.deno, Deno.version.deno);
  const file = temp.at("file");
  Deno.writeTextFileSync(file, "");
  const broken = await doctor(["--state-dir", file]);
  assertEquals(broken.ended.code, 1);
  assertEquals(broken.found.get("state-directory")?.state, "bad");
  assertEquals(broken.ended.events.at(-1)?.bad, 1);
});

test("doctor names a state directory that others can look into", [
  "modes",
], async () => {
  await using temp = new TempDir();
  const state = temp.directory("state");
  Deno.chmodSync(state, 0o755);
  const { ended, found } = await doctor(["--state-dir", state]);
  assertEquals(ended.code, 0);
  assertEquals(found.get("state-directory")?.state, "poor");
  Deno.chmodSync(state, 0o700);
  const better = await doctor(["--state-dir", state]);
  assertEquals(better.found.get("state-directory")?.state, "good");
  assertEquals([...Deno.readDirSync(state)], []);
});

Deno.test("doctor is let in by a listener, which goes on waiting for its sender", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  Deno.writeTextFileSync(`${source}/file`, "content");
  await using receiver = await listen(temp.at("target"), ["--token", TOKEN]);
  const shown = ["--token", TOKEN];
  const good = await doctor([receiver.url, ...shown]);
  assertEquals([good.ended.code, good.ended.stderr], [0, ""]);
  const met = good.found.get("listener");
  assertEquals([met?.state, met?.protocol, met?.twoWay], ["good", 1, false]);
  assertStringIncludes(String(met?.software), "lockstep");
  assertEquals(good.found.get("clock-there")?.state, "good");
  for (const args of [[], ["--token", "an0ther-t0ken_of_mine"]]) {
    const bad = await doctor([receiver.url, ...args]);
    assertEquals(bad.ended.code, 5);
    assertEquals(bad.found.get("listener")?.state, "bad");
    assertStringIncludes(String(bad.found.get("listener")?.advice), "--token");
  }
  const sent = await sync(source, receiver.url, shown);
  assertEquals([sent.code, (await receiver.ended).code], [0, 0]);
});

Deno.test("doctor tells a listener that is for two-way syncs, and an address where nobody is", async () => {
  await using temp = new TempDir();
  const receiver = await listen(temp.directory("d"), ["--two-way"]);
  const { url } = receiver;
  try {
    const { ended, found } = await doctor([url]);
    assertEquals([ended.code, found.get("listener")?.twoWay], [0, true]);
  } finally {
    await receiver[Symbol.asyncDispose]();
  }
  const { ended, found } = await doctor([url]);
  assertEquals(ended.code, 6);
  assertEquals(found.get("listener")?.state, "bad");
});

test(
  "doctor looks at the certificate: its time, its names, and who trusts it",
  [
    "openssl",
    "bash",
  ],
  async () => {
    await using temp = new TempDir();
    const authority = await TestAuthority.create(temp.directory("ca"));
    const table: [
      Parameters<typeof authority.issue>,
      string[],
      string,
      number,
    ][] = [
      [
        ["good", "DNS:localhost,IP:127.0.0.1", 90],
        [authority.caFile],
        "good",
        0,
      ],
      [["untrusted", "DNS:localhost,IP:127.0.0.1", 90], [], "good", 5],
      [
        ["soon", "DNS:localhost,IP:127.0.0.1", 3],
        [authority.caFile],
        "poor",
        0,
      ],
      [
        ["expired", "DNS:localhost,IP:127.0.0.1", -1],
        [authority.caFile],
        "bad",
        5,
      ],
      [["other", "DNS:other.example", 90], [authority.caFile], "bad", 5],
    ];
    for (const [issued, ca, state, code] of table) {
      const { cert, key } = await authority.issue(...issued);
      const tls = ["--tls-cert", cert, "--tls-key", key];
      await using receiver = await listen(temp.at(issued[0]), tls);
      const url = `wss://127.0.0.1:${receiver.port}`;
      const trust = ca.flatMap((file) => ["--ca-file", file]);
      const { ended, found } = await doctor([url, ...trust]);
      assertEquals(found.get("certificate")?.state, state, issued[0]);
      assertEquals(ended.code, code, `${issued[0]}: ${ended.stdout}`);
    }
  },
);

Deno.test("doctor is let in by a hub with a key, and only with one", async () => {
  await using temp = new TempDir();
  await using hub = await serve(temp.at("data"));
  const good = await doctor([hub.url, "--api-key", hub.key]);
  assertEquals([good.ended.code, good.ended.stderr], [0, ""]);
  assertEquals(good.found.get("hub")?.state, "good");
  const bad = await doctor([hub.url]);
  assertEquals([bad.ended.code, bad.found.get("hub")?.state], [5, "bad"]);
});

Deno.test("doctor refuses what is no address, and secrets that it has no use for", async () => {
  const table: [string[], string][] = [
    [["ftp://host"], "no address"],
    [["host:80"], "no address"],
    [["ws://user:secret@host"], "no address"],
    [["--token", TOKEN], "--token is for"],
    [["ws://host", "--api-key", TOKEN], "--api-key is for"],
    [["http://host", "--token", TOKEN], "--token is for"],
    [["--ca-file", "x"], "--ca-file is for"],
  ];
  for (const [args, part] of table) {
    const { ended } = await doctor(args);
    assertEquals(ended.code, 2, args.join(" "));
    assertStringIncludes(ended.stderr, part);
  }
});
