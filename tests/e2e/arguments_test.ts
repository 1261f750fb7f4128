import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { Program, run, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const LISTEN_FORMS: readonly (readonly string[])[] = [
  ["listen", "--port", "0", "--output-dir", "DIR"],
  ["listen", "--port=0", "--output-dir=DIR"],
  ["listen", "-p", "0", "-o", "DIR"],
  ["listen", "-p0", "-oDIR"],
  ["listen", "--port", "0", "--out-dir-path", "DIR"],
  ["--port", "0", "--output-dir", "DIR"],
  ["--out-dir-path=DIR", "--port=0"],
  ["-o", "DIR", "-p", "0"],
];

const SYNC_FORMS: readonly (readonly string[])[] = [
  ["sync", "--from", "DIR", "--to", "URL"],
  ["sync", "--to=URL", "--from=DIR"],
  ["sync", "-f", "DIR", "-t", "URL"],
  ["sync", "-fDIR", "-tURL"],
  ["--from", "DIR", "--to", "URL"],
  ["--from=DIR", "--to=URL"],
  ["-t", "URL", "-f", "DIR"],
  ["sync", "--from", "DIR/", "--to", "URL/"],
];

for (const [i, form] of LISTEN_FORMS.entries()) {
  const other = SYNC_FORMS[i]!;
  const name = `${form.join(" ")}, and ${other.join(" ")}`;
  Deno.test(`the command line may be: ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    writeTree(source, { file: "content" });
    await using receiver = new Program([
      ...form.map((word) => word.replace("DIR", target)),
      "--json",
    ]);
    const { port } = await receiver.event("listening");
    const ended = await run(
      other.map((word) =>
        word.replace("DIR", source).replace("URL", `ws://localhost:${port}`)
      ),
    );
    assertEnded(ended);
    assertEnded(await receiver.ended);
    await assertSameTree(source, target);
  });
}

Deno.test("a wrong command line ends with 2, says what is wrong, and starts nothing", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.at("target");
  const both = ["--from", source, "--to", target];
  const table: [string[], string][] = [
    [["sync"], "--from"],
    [["sync", "--from"], "--from"],
    [["sync", "--from", source], "--to"],
    [["sync", "--to", target], "--from"],
    [["sync", "--from", "", "--to", target], "--from"],
    [["sync", ...both, "--form", "x"], "--from"],
    [["sync", ...both, "extra"], "extra"],
    [["sync", ...both, "--symlinks", "maybe"], "maybe"],
    [["sync", ...both, "--retry-for", "soon"], "soon"],
    [["sync", ...both, "--retry-for", "-1"], "--retry-for"],
    [["sync", ...both, "--checksum=perhaps"], "--checksum"],
    [["sync", ...both, "--port", "1"], "--port"],
    [["sync", "--from", source, "--to", "http://localhost:1"], "ws://"],
    [["sync", "--from", source, "--to", "ws://"], "ws://"],
    [["synk", ...both], "synk"],
    [["listen", "--port", "0"], "--output-dir"],
    [["listen", "--port", "abc", "-o", target], "abc"],
    [["listen", "--port", "70000", "-o", target], "70000"],
    [["listen", "--port", "-1", "-o", target], "--port"],
    [["listen", "--port", "0", "-o", target, "-o", target], "--output-dir"],
    [["--port", "0", "--from", source], "different commands"],
    [["--nonsense"], "--nonsense"],
    [["-x"], "-x"],
    [["constructor"], "constructor"],
    [["sync", ...both, "--__proto__", "x"], "__proto__"],
  ];
  // All at once: each is a process of its own, and does nothing.
  const results = await Promise.all(table.map(async ([args, part]) => {
    const ended = await run(args);
    return { line: args.join(" "), ended, part };
  }));
  for (const { line, ended, part } of results) {
    assertEquals(ended.code, 2, `${line}: ${ended.stderr}`);
    assert(ended.stderr.includes(part), `${line}: ${ended.stderr}`);
    assertEquals(ended.stdout, "", line);
  }
  assertEquals(namesIn(temp.path), ["source"]);
});

Deno.test("without anything to do the program shows its help, and ends with 2", async () => {
  const ended = await run([]);
  assertEnded(ended, 2);
  assert((ended.stdout + ended.stderr).includes("sync"), ended.stderr);
});

Deno.test("--help names every option and gives examples", async () => {
  const table: Record<string, string[]> = {
    "--help": ["listen", "sync", "Example"],
    "listen --help": ["--port", "--output-dir", "--keep-listening", "Example"],
    "sync --help": [
      ...["--from", "--to", "--checksum", "--no-delete", "--symlinks"],
      ...["--retry-for", "--json", "--quiet", "--verbose", "Example"],
    ],
  };
  for (const [line, words] of Object.entries(table)) {
    const ended = await run(line.split(" "));
    assertEnded(ended);
    assertEquals(ended.stderr, "");
    for (const word of words) {
      assert(ended.stdout.includes(word), `${line} lacks ${word}`);
    }
    const width = Math.max(...ended.stdout.split("\n").map((it) => it.length));
    assert(width <= 100, `a line of ${width} columns in ${line}`);
  }
});

Deno.test("--version prints the version of deno.json", async () => {
  const ended = await run(["--version"]);
  assertEnded(ended);
  const config = new URL("../../deno.json", import.meta.url);
  const { version } = JSON.parse(Deno.readTextFileSync(config));
  assert(ended.stdout.includes(version), ended.stdout);
});

Deno.test("paths may be relative, odd, and begin with a dash", async () => {
  await using temp = new TempDir();
  const names = ["-rf", "a b", "ü", "ws", "C:", "a:b", "~", "%2e%2e"]
    .filter((name) => Deno.build.os !== "windows" || !name.includes(":"));
  for (const name of names) {
    writeTree(temp.at(name), { file: name });
    const target = `to ${name}`;
    const args = [`--from=${name}`, `--to=./${target}/`];
    assertEnded(await run(["sync", ...args], { cwd: temp.path }));
    await assertSameTree(temp.at(name), temp.at(target));
  }
  const twoDots = ["--from", `ü/../ü/.`, "--to", "./x/../dots"];
  assertEnded(await run(["sync", ...twoDots], { cwd: temp.path }));
  await assertSameTree(temp.at("ü"), temp.at("dots"));
});

Deno.test("a port in use, or a place that can't be written to, ends with 1", async () => {
  await using temp = new TempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);
  const args = ["listen", "--port", port, "--output-dir", temp.at("target")];
  const ended = await run(args);
  assertEnded(ended, 1);
  assert(ended.stderr.includes(port), ended.stderr);
  assertEquals(ended.stderr.trim().split("\n").length, 1, ended.stderr);

  writeTree(temp.path, { file: "in the way" });
  const inTheWay = temp.at("file", "target");
  const listener = await run(["listen", "--port", "0", "-o", inTheWay]);
  assert([1, 2].includes(listener.code), `exit ${listener.code}`);
  assert(listener.stderr.includes("file"), listener.stderr);
  const mirror = await sync(temp.directory("source"), inTheWay);
  assert([1, 2].includes(mirror.code), `exit ${mirror.code}`);
});

test(
  "C21: a listener serves this machine only, unless it is told otherwise, and then it warns",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    // The environment must not move the listener elsewhere.
    await using receiver = new Program(
      ["listen", "--port", "0", "-o", temp.at("target"), "--json"],
      { env: { DENO_SERVE_ADDRESS: "tcp:0.0.0.0:0" } },
    );
    const { port, host } = await receiver.event("listening");
    assertEquals(host, "127.0.0.1");
    const bound = boundAddresses(port as number);
    assertEquals(bound, ["0100007F"]);

    const args = ["--port", "0", "--host", "0.0.0.0", "-o", temp.at("open")];
    await using open = new Program(["listen", ...args, "--no-auth"]);
    await until("a warning", () => /anybody/i.test(open.stderr));
  },
);

/** The local addresses, in hexadecimal, on which something listens at `port`. */
function boundAddresses(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    Deno.readTextFileSync(table).split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === "0A")
      .map((fields) => fields[1]!.slice(0, -suffix.length))
  );
}
