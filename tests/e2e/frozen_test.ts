/** Processes that lose what they depend on: their readers, their time. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded, assertIdle } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, PROGRAM, startSync, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { StateHome, TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;

test(
  "E15: a reader of the output that goes away stops nothing",
  ["bash"],
  async () => {
    await using temp = new TempDir();
    await using state = new StateHome();
    const source = temp.directory("source");
    const target = temp.directory("target");
    for (let i = 0; i < 300; i++) writeTree(source, { [`${i}`]: `file ${i}` });
    const words = [
      ...PROGRAM,
      ...["sync", "--from", source, "--to", target, "--state-dir", state.path],
    ];
    for (const flag of ["--json", "--verbose"]) {
      const { code, stdout, stderr } = await command("bash", [
        "-c",
        '"$@" | head -n 1; echo "exit ${PIPESTATUS[0]}"',
        "bash",
        ...words,
        flag,
      ]);
      assertEquals(code, 0, stderr);
      assertEquals(stdout.trimEnd().split("\n").at(-1), "exit 0");
      await assertSameTree(source, target);
      writeTree(source, { changed: "changed" });
    }
  },
);

test(
  "E16: what changes at either side while a run is frozen is seen afterwards",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, {
      big: new Random(91).bytes(8 * MIB),
      edited: "planned",
      replaced: "planned",
      "z comes": "planned",
    });
    writeTree(target, { replaced: "old", gone: { file: "old" }, kept: "old" });
    await using receiver = await listen(target);
    await using proxy = new TcpProxy(receiver.port, () => ({
      toServer: { bytesPerSecond: 8 * MIB },
    }));
    await using sender = startSync(source, proxy.url, ["--retry-for", "0"]);
    await proxy.passed(2 * MIB);
    for (const program of [sender, receiver]) {
      program.kill("SIGSTOP");
      await until("the process to be frozen", () => {
        const stat = Deno.readTextFileSync(`/proc/${program.pid}/stat`);
        return / T /.test(stat);
      });
    }
    writeTree(source, { edited: "edited meanwhile", kept: "meanwhile" });
    Deno.removeSync(`${source}/z comes`);
    writeTree(target, { replaced: "saved", gone: { new: "new" } });
    for (const program of [receiver, sender]) program.kill("SIGCONT");

    const ended = await sender.ended;
    assertEnded(ended);
    assertEnded(await receiver.ended);
    assert(
      ended.events.some(({ event, round }) =>
        event === "planned" && Number(round) > 1
      ),
    );
    await assertSameTree(source, target);
    assert(!exists(`${target}/.lockstep`));
    assertIdle(await sync(source, target));
  },
);
