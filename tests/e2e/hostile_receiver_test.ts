/** Hostile receivers against the program: it gives nothing away, and says why it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FrameType } from "../../src/protocol/frame.ts";
import { assertEnded } from "../support/carriers.ts";
import { writeTree } from "../support/disk_tree.ts";
import {
  type Answers,
  EMPTY_DIGEST,
  HostileReceiver,
  HostileServer,
  type Verdict,
} from "../support/hostile_peer.ts";
import { failure, problem, summary, want } from "../support/hostile_records.ts";
import { test } from "../support/needs.ts";
import { assertUntouched, Canary, listTree } from "../support/oracle.ts";
import { type Ended, run, startSync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { joined } from "../support/wire_message.ts";
import {
  RECEIVER_CASES,
  SOURCE_FILES,
} from "../wire/hostile_receiver_cases.ts";

const MIB = 1024 * 1024;
const ONCE = ["--retry-for", "0"];

/** Everything that a terminal would not show as text. */
// deno-lint-ignore no-control-regex
const NO_TEXT = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]/;

/** What came of a sync to a receiver that a test plays. */
interface Played {
  readonly ended: Ended;
  readonly receiver: HostileReceiver;
  /** What the program told the receiver at the end, if it gave up. */
  readonly verdict: Verdict | undefined;
}

/** Syncs `source` to a receiver that answers so. */
async function syncTo(
  source: string,
  answers: Answers,
  args: readonly string[] = ["--json", ...ONCE],
): Promise<Played> {
  let receiver: HostileReceiver | undefined;
  let verdict: Verdict | undefined;
  await using server = new HostileServer(async (transport) => {
    receiver = new HostileReceiver(transport, answers);
    verdict = await receiver.play();
  });
  const line = ["sync", "--from", source, "--to", server.url, ...args];
  const ended = await run(line);
  await server.settled();
  return { ended, receiver: receiver!, verdict };
}

/** All content that a receiver was sent, with what is around it. */
function contentOf({ received }: HostileReceiver): string {
  return new TextDecoder().decode(joined(...received));
}

/** Rows of whose receivers the program itself has to be safe. */
const ROWS = ["B01", "B03", "B08", "B11", "B13", "A01-A03, A10, A25"];

for (const row of ROWS) {
  const cases = RECEIVER_CASES.filter((one) => one.row === row);
  Deno.test(`${row}: the program gives up ${cases.length} such receivers with exit 5, and gives nothing away`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const canary = new Canary(temp.at("outside"));
    writeTree(source, SOURCE_FILES);
    const before = listTree(source);
    for (const { what, answers } of cases) {
      const { ended, receiver, verdict } = await syncTo(source, answers);
      assertEquals(ended.code, 5, `${what}: ${ended.stderr}`);
      const error = ended.events.find(({ event }) => event === "error");
      assert(
        ["protocol", "unsafe-path"].includes(String(error?.code)),
        `${what}: ${error?.code}`,
      );
      // It is told as well, and may mend itself.
      assertEquals(verdict?.code, error?.code, what);
      assertEquals(receiver.received, [], what);
      assertEquals(ended.stderr.trim().split("\n").length, 1, ended.stderr);
    }
    assertUntouched(source, before);
    canary.assertAlive();
  });
}

test(
  "B02: what a directory or a file has become since it was listed is not read through a link",
  [
    "symlinks",
  ],
  async () => {
    const swaps: Record<string, (source: string, outside: string) => void> = {
      "the directory": (source, outside) => {
        Deno.renameSync(`${source}/directory`, `${source}/../away`);
        Deno.symlinkSync(`${outside}/directory`, `${source}/directory`);
      },
      "the file": (source, outside) => {
        Deno.removeSync(`${source}/file`);
        Deno.symlinkSync(`${outside}/file`, `${source}/file`);
      },
      "the file, by a link in the tree": (source) => {
        Deno.renameSync(`${source}/file`, `${source}/other`);
        Deno.symlinkSync("../outside/file", `${source}/file`);
      },
    };
    for (const [what, swap] of Object.entries(swaps)) {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const canary = new Canary(temp.at("outside"));
      // Of the same names, sizes and times.
      const same = { file: "public", directory: { inner: "public" } };
      writeTree(source, same);
      for (const name of ["file", "directory/inner"]) {
        const { mtime } = Deno.statSync(`${canary.path}/${name}`);
        Deno.utimeSync(`${source}/${name}`, mtime!, mtime!);
      }
      let swapped = false;
      const { ended, receiver } = await syncTo(source, {
        [FrameType.stage]: async (receiver, question) => {
          if (!swapped) swap(source, canary.path);
          swapped = true;
          await receiver.honest(question);
        },
      });
      assert([0, 3].includes(ended.code), `${what}: ${ended.code}`);
      assertEquals(contentOf(receiver).includes("canary"), false, what);
      canary.assertAlive();
    }
  },
);

test(
  "B05: who takes nothing, and says nothing, is given up, and costs no memory until then",
  [
    "linux",
  ],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { big: new Random(5).bytes(96 * MIB) });
    await using server = new HostileServer((transport) =>
      new HostileReceiver(transport).play()
    );
    // It answers what it is asked, but grants no credit, and sends no heartbeat.
    await using program = startSync(source, server.url, ONCE);
    await program.event("planned");
    const ending = program.ended;
    let peak = 0;
    let running = true;
    ending.finally(() => running = false);
    while (running) {
      peak = Math.max(peak, residentOf(program.pid) ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const ended = await ending;
    assertEnded(ended, 6);
    assertMatch(ended.stderr, /nothing was heard for 15 s/);
    assert(peak > 0 && peak < 256 * MIB, `${peak / MIB} MiB`);
  },
);

/** What a process takes of the memory, in bytes; undefined when it is gone. */
function residentOf(pid: number): number | undefined {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const kib = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

Deno.test("B07: a receiver for which a file is never right gets three tries, then the file is named, exit 3", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, SOURCE_FILES);
  const { ended, receiver } = await syncTo(source, {
    [FrameType.transition]: async (receiver, question) => {
      const stale = problem(1, "a", "it has changed");
      await receiver.answer(question, FrameType.problems, stale, false);
      const done = new Uint8Array(Math.ceil(receiver.changes.length / 8));
      await receiver.answer(question, FrameType.done, done);
    },
  });
  assertEnded(ended, 3);
  assertEquals(receiver.received.length, 3);
  assert(
    ended.events.some(({ event, path }) => event === "problem" && path === "a"),
  );
});

Deno.test("A28: whatever a receiver says, only text gets to the terminal", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const evil = "\x1b]0;owned\x07\x1b[2J\r\nDone\u202egpj.exe\x9b31m";
  writeTree(source, { [evil.replaceAll("/", "")]: "1", a: "2" });
  const answers: Answers[] = [
    {
      [FrameType.scan]: async (receiver, question) => {
        const root = summary(EMPTY_DIGEST);
        await receiver.answer(question, FrameType.scanned, root, false);
        const skipped = problem(4, evil, evil);
        await receiver.answer(question, FrameType.problems, skipped);
      },
    },
    {
      [FrameType.stage]: ({ raw }) =>
        raw.send(FrameType.failed, { payload: failure(38, evil) }),
    },
    {
      [FrameType.transition]: async (receiver, question) => {
        const failed = problem(3, evil, evil);
        await receiver.answer(question, FrameType.problems, failed, false);
        await receiver.answer(question, FrameType.done, Uint8Array.of(0));
      },
    },
    {
      [FrameType.stage]: (receiver, question) =>
        receiver.answer(question, FrameType.wants, want(9, 9)),
    },
  ];
  for (const [i, one] of answers.entries()) {
    for (const args of [["-v", ...ONCE], ["--json", ...ONCE]]) {
      const { ended } = await syncTo(source, one, args);
      assert([1, 3, 5].includes(ended.code), `${i}: exit ${ended.code}`);
      for (const output of [ended.stdout, ended.stderr]) {
        assertEquals(NO_TEXT.exec(output), null, JSON.stringify(output));
      }
    }
  }
});
