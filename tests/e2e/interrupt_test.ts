import { assert, assertEquals } from "@std/assert";
import { makeAwkwardTree } from "../support/awkward_tree.ts";
import { assertEnded, assertIdle, CARRIERS } from "../support/carriers.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, Program, startSync, sync } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { editTree } from "../support/tree_edit.ts";
import { until } from "../support/until.ts";

const MIB = 1024 * 1024;
const KILLS = Number(Deno.env.get("LOCKSTEP_KILLS") ?? 6);

test(
  "E01-E05: a sender killed at any moment leaves whole files, and the next run completes",
  ["signals"],
  async () => {
    await using it = await Versions.make(31);
    for (let kill = 0; kill < KILLS; kill++) {
      const target = it.freshTarget();
      await using receiver = await listen(target, ["--keep-listening"]);
      await using sender = startSync(it.source, receiver.url);
      await it.moment();
      sender.kill("SIGKILL");
      await sender.ended;
      it.assertWhole(target);
      // The receiver may take a moment to see that the connection is gone.
      await until("the next run", async () => {
        const next = await sync(it.source, receiver.url);
        if (next.code === 5) return false;
        assertEnded(next);
        return true;
      });
      await assertSameTree(it.source, target);
      assert(!exists(`${target}/.lockstep`), "staging is gone");
      note("N4", "kills", 1);
    }
  },
);

test(
  "E01-E05: a receiver killed at any moment leaves whole files, and the next run completes",
  ["signals"],
  async () => {
    await using it = await Versions.make(32);
    for (let kill = 0; kill < KILLS; kill++) {
      const target = it.freshTarget();
      await using receiver = await listen(target);
      await using sender = startSync(it.source, receiver.url, [
        "--retry-for",
        "0",
      ]);
      await it.moment();
      receiver.kill("SIGKILL");
      await receiver.ended;
      const { code } = await sender.ended;
      assert(code === 6 || code === 0, `exit ${code}`);
      it.assertWhole(target);
      assertEnded(await CARRIERS[0]!.mirror(it.source, target));
      await assertSameTree(it.source, target);
      assert(!exists(`${target}/.lockstep`), "staging is gone");
      note("N4", "kills", 1);
    }
  },
);

test(
  "E01-E05: a local sync killed at any moment leaves whole files, and the next run completes",
  ["signals"],
  async () => {
    await using it = await Versions.make(33);
    for (let kill = 0; kill < KILLS; kill++) {
      const target = it.freshTarget();
      await using running = startSync(it.source, target);
      await it.moment();
      running.kill("SIGKILL");
      await running.ended;
      it.assertWhole(target);
      assertEnded(await sync(it.source, target));
      await assertSameTree(it.source, target);
      assert(!exists(`${target}/.lockstep`), "staging is gone");
      note("N4", "kills", 1);
    }
  },
);

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

for (const [signal, code] of Object.entries(SIGNALS)) {
  for (const side of ["sender", "receiver"] as const) {
    test(
      `E13: ${signal} at the ${side} ends it with ${code} and the other side with 6; the next run goes on`,
      ["signals"],
      async () => {
        await using temp = new TempDir();
        const source = temp.directory("source");
        const target = temp.directory("target");
        const size = 24 * MIB;
        writeTree(source, { big: new Random(34).bytes(size), changed: "new" });
        writeTree(target, { changed: "old version", extra: "extra" });
        await using receiver = await listen(target);
        await using slow = new TcpProxy(receiver.port, () => ({
          toServer: { bytesPerSecond: 12 * MIB },
        }));
        await using sender = startSync(source, slow.url, ["--retry-for", "0"]);
        await slow.passed(12 * MIB);
        const [stopped, other] = side === "sender"
          ? [sender, receiver]
          : [receiver, sender];
        stopped.kill(signal as keyof typeof SIGNALS);
        assertEnded(await stopped.ended, code);
        assertEnded(await other.ended, 6);

        assertEquals(namesIn(target), [".lockstep", "changed", "extra"]);
        const text = Deno.readTextFileSync(`${target}/changed`);
        assertEquals(text, "old version");

        await using again = await listen(target);
        await using proxy = new TcpProxy(again.port);
        assertEnded(await sync(source, proxy.url));
        await assertSameTree(source, target);
        assert(!exists(`${target}/.lockstep`), "staging is gone");
        const sent = proxy.counts.toServer;
        assert(sent < size - 6 * MIB, `${sent} bytes were sent again`);
      },
    );
  }
}

test("an interrupted peer is not waited for", ["signals"], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { big: new Random(35).bytes(16 * MIB) });
  await using receiver = await listen(temp.at("target"));
  await using proxy = new TcpProxy(receiver.port, () => ({
    toServer: { bytesPerSecond: 4 * MIB },
  }));
  // With 60 s to retry: but the receiver said that it was told to stop.
  await using sender = startSync(source, proxy.url);
  await proxy.passed(MIB);
  receiver.kill("SIGINT");
  const since = performance.now();
  assertEnded(await sender.ended, 6);
  assert(performance.now() - since < 5_000, "it waited");
});

test(
  "a receiver that waits for a sender stops at once",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      await using receiver = await listen(temp.at("target"));
      receiver.kill(signal);
      assertEnded(await receiver.ended, signal === "SIGINT" ? 130 : 143);
    }
    assertEquals(namesIn(temp.at("target")), []);
  },
);

test(
  "a sender that waits for a receiver stops at once",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    await using sender = startSync(
      temp.directory("source"),
      "ws://127.0.0.1:9",
    );
    await sender.event("retrying");
    sender.kill("SIGINT");
    assertEnded(await sender.ended, 130);
  },
);

test(
  "a run that was broken off and never resumed leaves nothing after a run with another source",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const other = temp.directory("other");
    const target = temp.at("target");
    writeTree(source, { big: new Random(36).bytes(16 * MIB), d: { e: "e" } });
    writeTree(other, { other: "other" });
    await using receiver = await listen(target, ["--keep-listening"]);
    await using proxy = new TcpProxy(receiver.port, () => ({
      toServer: { bytesPerSecond: 8 * MIB },
    }));
    await using sender = startSync(source, proxy.url);
    await proxy.passed(4 * MIB);
    sender.kill("SIGINT");
    assertEnded(await sender.ended, 130);
    await receiver.event("ended");
    assert(exists(`${target}/.lockstep`), "staging is kept");
    assertEnded(await sync(other, receiver.url));
    await assertSameTree(other, target);
    assert(!exists(`${target}/.lockstep`), "staging is gone");
    assertIdle(await sync(other, receiver.url));
  },
);

test(
  "E13: a second Ctrl-C ends a receiver that hangs",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    await using receiver = new Program([
      ...["listen", "--port", "0", "--json", "--output-dir", temp.at("target")],
    ]);
    await receiver.event("listening");
    receiver.kill("SIGINT");
    receiver.kill("SIGINT");
    assertEnded(await receiver.ended, 130);
  },
);

/** A target that holds one version of a tree, and a source with the next. */
class Versions implements AsyncDisposable {
  readonly source: string;
  readonly #temp: TempDir;
  readonly #old: string;
  readonly #random: Random;
  /** How long a whole run takes here. */
  #milliseconds = 0;
  #count = 0;

  private constructor(seed: number) {
    this.#temp = new TempDir();
    this.#random = new Random(seed);
    this.#old = this.#temp.directory("old");
    this.source = this.#temp.directory("source");
    makeAwkwardTree(this.#old, { seed, wide: 1_500 });
    makeAwkwardTree(this.source, { seed, wide: 1_000 });
    editTree(this.source, this.#random, 100);
    const big = this.#random.bytes(20 * MIB);
    writeTree(this.#old, { big: this.#random.bytes(10 * MIB) });
    writeTree(this.source, { big });
  }

  static async make(seed: number): Promise<Versions> {
    const it = new Versions(seed);
    const target = it.freshTarget();
    const since = performance.now();
    assertEnded(await sync(it.source, target));
    it.#milliseconds = performance.now() - since;
    return it;
  }

  /** A copy of the old version, through the program itself. */
  freshTarget(): string {
    const target = this.#temp.at(`target ${this.#count++}`);
    const copied = new Deno.Command("cp", {
      args: ["-a", this.#old, target],
    }).outputSync();
    assert(copied.success, "cp failed");
    return target;
  }

  /** Some moment of a run. */
  async moment(): Promise<void> {
    const wait = this.#random.below(this.#milliseconds);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }

  /**
   * Fails unless each file at the target is one of the two versions of it. Whoever
   * was not killed may still be at work there: what goes meanwhile is passed over.
   */
  assertWhole(target: string): void {
    const directories = [""];
    for (let base; (base = directories.pop()) !== undefined;) {
      for (const { name, isDirectory, isFile } of listNow(target + base)) {
        const path = `${base}/${name}`;
        if (path === "/.lockstep") continue;
        if (isDirectory) directories.push(path);
        else if (isFile) this.#assertVersion(target, path);
      }
    }
  }

  #assertVersion(target: string, path: string): void {
    const bytes = unlessGone(() => Deno.readFileSync(target + path));
    if (bytes === undefined) return;
    const isWhole = [this.#old, this.source].some((version) => {
      const file = version + path;
      return exists(file) && Deno.lstatSync(file).isFile &&
        same(bytes, Deno.readFileSync(file));
    });
    assert(isWhole, `${path}: ${bytes.length} bytes, of neither version`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#temp[Symbol.asyncDispose]();
  }
}

function listNow(path: string): Deno.DirEntry[] {
  return unlessGone(() => [...Deno.readDirSync(path)]) ?? [];
}

/** What `read` gives, or undefined if there is nothing of that kind any more. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { NotFound, NotADirectory, IsADirectory } = Deno.errors;
    const gone = [NotFound, NotADirectory, IsADirectory].some((type) =>
      error instanceof type
    );
    if (!gone) throw error;
    return undefined;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
