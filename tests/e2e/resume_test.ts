/**
 * A transfer that is killed half-way is taken up where it was: over both runs,
 * hardly more travels than in one that was left alone.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { assertEnded } from "../support/carriers.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, type ProgramOptions, startSync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";

const MIB = 1024 * 1024;

/** In a soak, a file is as large as those that people wait for. */
const IS_SOAK = Deno.env.get("LOCKSTEP_SCALE") !== undefined;
const SIZE = (IS_SOAK ? 1024 : 64) * MIB;

/** How often each side is killed. */
const POINTS = IS_SOAK ? 10 : 6;

/**
 * What a kill may cost: what was under way (the window of 4 MiB), a staged part of
 * less than 1 MiB, a gap and the copies before it that were not written yet
 * (1 MiB), a recipe told once more.
 */
const ALLOWANCE = (4 + 1 + 1 + 1) * MIB;

/** Writes `size` bytes, in parts, as they are made. */
function writeRandom(path: string, seed: number, size: number): void {
  const random = new Random(seed);
  using file = Deno.openSync(path, { create: true, write: true });
  for (let at = 0; at < size; at += MIB) writeAll(file, random.bytes(MIB));
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

/** A third of `path` becomes something else, and many small places do. */
function edit(path: string): void {
  const random = new Random(31);
  using file = Deno.openSync(path, { read: true, write: true });
  file.seekSync(SIZE / 3, Deno.SeekMode.Start);
  for (let at = 0; at < SIZE / 3; at += MIB) writeAll(file, random.bytes(MIB));
  for (let i = 0; i < 50; i++) {
    file.seekSync(random.below(SIZE - 64), Deno.SeekMode.Start);
    writeAll(file, random.bytes(64));
  }
}

/** One run of both programs; bytes that went to the receiver. */
async function runOnce(
  source: string,
  target: string,
  faults: { readonly sender?: string; readonly receiver?: string } = {},
): Promise<{ sent: number; killed: boolean }> {
  const under = (fault: string | undefined): ProgramOptions =>
    fault === undefined ? {} : { env: { LOCKSTEP_FAULT: fault } };
  await using receiver = await listen(target, [], under(faults.receiver));
  await using proxy = new TcpProxy(receiver.port);
  await using sender = startSync(
    source,
    proxy.url,
    ["--retry-for", "0", "--compress", "off"],
    under(faults.sender),
  );
  const ended = await sender.ended;
  const wasKilled = ended.signal === "SIGKILL" || ended.code !== 0;
  if (!wasKilled || faults.receiver !== undefined) {
    const received = await receiver.ended;
    if (received.signal !== "SIGKILL") assertEnded(received);
    else return { sent: proxy.counts.toServer, killed: true };
  } else {
    // What came before the kill is written before the session is over.
    if (proxy.counts.connections > 0) await receiver.event("waiting");
  }
  return { sent: proxy.counts.toServer, killed: wasKilled };
}

for (const kind of ["new", "edited"] as const) {
  for (const side of ["sender", "receiver"] as const) {
    test(
      `a large ${kind} file is not sent twice when the ${side} is killed half-way`,
      ["signals"],
      async () => {
        await using temp = new TempDir();
        const source = temp.directory("source");
        const before = temp.directory("before");
        const file = join(source, "large");
        writeRandom(file, 7, SIZE);
        Deno.utimeSync(file, 1_400_000_000, 1_400_000_000);
        if (kind === "edited") {
          Deno.copyFileSync(file, join(before, "large"));
          edit(file);
          Deno.utimeSync(file, 1_500_000_000, 1_500_000_000);
        }
        const fresh = async (name: string): Promise<string> => {
          const target = temp.directory(name);
          for (const { name } of Deno.readDirSync(before)) {
            const to = join(target, name);
            Deno.copyFileSync(join(before, name), to);
            Deno.utimeSync(to, 1_400_000_000, 1_400_000_000);
          }
          return await Promise.resolve(target);
        };
        const whole = await fresh("whole");
        const undisturbed = (await runOnce(source, whole)).sent;
        await assertSameTree(source, whole);
        Deno.removeSync(whole, { recursive: true });
        const random = new Random(side === "sender" ? 3 : 4);
        let kills = 0;
        for (let point = 0; point < POINTS; point++) {
          const target = await fresh(`target${point}`);
          // Reads are of 192 KiB to 1 MiB, writes of 64 KiB to 1 MiB.
          const call = random.between(1, SIZE / (512 * 1024));
          const fault = side === "sender"
            ? { sender: `read:${call}:kill` }
            : { receiver: `change:${call}:kill` };
          const first = await runOnce(source, target, fault);
          if (first.killed) kills++;
          const second = first.killed
            ? (await runOnce(source, target)).sent
            : 0;
          await assertSameTree(source, target);
          const sent = first.sent + second;
          assert(
            sent <= undisturbed + ALLOWANCE,
            `${sent} bytes, ${undisturbed} without a kill; before call ${call}`,
          );
          Deno.removeSync(target, { recursive: true });
        }
        assert(kills > POINTS / 2, `killed ${kills} times only`);
        assertEquals(Deno.statSync(file).size, SIZE);
      },
    );
  }
}
