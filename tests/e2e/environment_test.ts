/** What surrounds the program: its clock, its output, its language. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded, assertIdle, summaryOf } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, PROGRAM, run, sync } from "../support/program.ts";
import { EXECUTABLE, withClock } from "../support/wrong_clock.ts";
import { StateHome, TempDir } from "../support/temp.ts";

Deno.test("K06: a port that is taken is named, and ends with 1", async () => {
  await using temp = new TempDir();
  await using first = await listen(temp.at("first"));
  const port = String(first.port);
  const args = ["--port", port, "--output-dir", temp.at("second")];
  const ended = await run(["listen", ...args]);
  assertEnded(ended, 1);
  assert(ended.stderr.includes(`127.0.0.1:${port}`), ended.stderr);
  assert(/in use/.test(ended.stderr), ended.stderr);
  assertEquals(ended.stderr.trimEnd().split("\n").length, 1);
});

Deno.test({
  name: "K13: a clock that begins in 1970 is as good as any",
  ignore: EXECUTABLE,
  async fn(): Promise<void> {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { file: "new", d: { inner: "x" } });
    writeTree(target, { file: "older", extra: "x" });
    const options = withClock(String(5_000 - Date.now()));
    const ended = await sync(source, target, [], options);
    assertEnded(ended);
    assertEquals(String(ended.events[0]?.time).slice(0, 4), "1970");
    await assertSameTree(source, target);
    assertIdle(await sync(source, target, [], options));
  },
});

test(
  "K15: output that can't be written stops nothing",
  ["linux", "bash"],
  async () => {
    await using temp = new TempDir();
    await using state = new StateHome();
    const source = temp.directory("source");
    const target = temp.directory("target");
    for (const flag of ["--json", "--verbose"]) {
      writeTree(source, { [flag]: "content" });
      const { code } = await command("bash", [
        "-c",
        '"$@" >/dev/full 2>/dev/full',
        "bash",
        ...PROGRAM,
        ...["sync", "--from", source, "--to", target, flag],
        ...["--state-dir", state.path],
      ]);
      assertEquals(code, 0);
      await assertSameTree(source, target);
    }
  },
);

test(
  "K16: locale, time zone and terminal change neither results nor words",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { "ü": "ü", I: "I", "ı": "ı", directory: { file: "x" } });
    const surroundings: Readonly<Record<string, string>>[] = [
      {},
      { LC_ALL: "C", LANG: "C" },
      { LC_ALL: "tr_TR.UTF-8", TZ: "Asia/Kathmandu" },
      { TZ: "Nowhere/Odd", COLUMNS: "20", TERM: "dumb" },
    ];
    const said = new Set<string>();
    for (const [i, env] of surroundings.entries()) {
      const target = temp.directory(`target ${i}`);
      const ended = await sync(source, target, [], { env });
      assertEnded(ended);
      await assertSameTree(source, target);
      const { digest, files } = summaryOf(ended);
      said.add(`${digest} ${files}`);
      writeTree(target, { extra: "x" });
      const args = ["--from", source, "--to", target, "--verbose"];
      const since = Date.now();
      const { stdout } = await run(["sync", ...args], { env });
      // deno-lint-ignore no-control-regex -- no escape codes without a terminal
      assert(!/\x1b/.test(stdout), stdout);
      const times = stdout.match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? [];
      assert(times.length > 0, stdout);
      for (const time of times) {
        assert(Date.parse(time) >= since && Date.parse(time) <= Date.now());
      }
      const words = times.reduce(
        (text, time) => text.replace(time, ""),
        stdout,
      );
      said.add(words.replaceAll(/target \d|\d+ ?ms/g, ""));
    }
    assertEquals(said.size, 2, [...said].join("\n"));
  },
);
