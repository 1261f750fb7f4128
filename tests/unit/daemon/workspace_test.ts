import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Turnstile } from "../../../src/daemon/turnstile.ts";
import type {
  FromWorker,
  RemoteStatus,
  ToWorker,
} from "../../../src/daemon/worker_message.ts";
import type {
  WorkerListener,
  WorkerProcess,
} from "../../../src/daemon/worker_process.ts";
import { Workspace } from "../../../src/daemon/workspace.ts";
import type { WorkspaceConfig } from "../../../src/daemon/workspace_config.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

const CONFIG: WorkspaceConfig = {
  name: "w",
  path: "/w",
  paused: false,
  options: {},
  remotes: [
    { name: "r", to: "/r", paused: false, options: {}, token: undefined },
  ],
};

const REMOTE: RemoteStatus = {
  name: "r",
  state: "watching",
  error: undefined,
  lagMs: 0,
  digest: "d".repeat(64),
  syncedAt: "2026-01-31T12:00:00.000Z",
  files: 2,
  bytes: 5,
  sentFiles: 2,
  sentBytes: 5,
  receivedFiles: 0,
  receivedBytes: 0,
  problems: 0,
  conflicts: 0,
};

const WELL: FromWorker = {
  kind: "status",
  status: { source: "watching", error: undefined, remotes: [REMOTE] },
};

/** A process that does what the test says. */
class FakeProcess implements WorkerProcess {
  readonly pid: number;
  readonly heard: ToWorker[] = [];
  readonly ended: Promise<string>;
  isStopped = false;
  isKilled = false;
  readonly end: (reason: string) => void;
  readonly #listener: WorkerListener;

  constructor(pid: number, listener: WorkerListener) {
    this.pid = pid;
    this.#listener = listener;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.end = resolve;
  }

  say(message: FromWorker): void {
    this.#listener.onMessage(message);
  }

  log(line: string): void {
    this.#listener.onLog(line);
  }

  send(message: ToWorker): void {
    this.heard.push(message);
  }

  stop(): void {
    this.isStopped = true;
  }

  kill(): void {
    this.isKilled = true;
    this.end("it was ended by SIGKILL");
  }
}

/** A workspace with a clock and processes that are set by hand. */
class Stand {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[] = [];
  readonly lines: string[] = [];
  readonly turnstile = new Turnstile(1);
  fault: Error | undefined;
  readonly workspace: Workspace;

  constructor(
    config = CONFIG,
    /** Files of what was synced last, by the names of workspaces. */
    readonly saved = new Map<string, string>(),
  ) {
    this.workspace = new Workspace(config, {
      clock: this.clock,
      limits: { count: 3, withinMs: 60_000 },
      stallMs: 10_000,
      turnstile: this.turnstile,
      synced: {
        read: (name) => this.saved.get(name),
        write: (name, text) => void this.saved.set(name, text),
        remove: (name) => void this.saved.delete(name),
      },
      startWorker: (listener): WorkerProcess => {
        if (this.fault !== undefined) throw this.fault;
        const process = new FakeProcess(this.processes.length + 1, listener);
        this.processes.push(process);
        return process;
      },
      log: (_, line) => void this.lines.push(line),
    });
  }

  /** The process of now. */
  get process(): FakeProcess {
    return this.processes.at(-1)!;
  }

  get state(): string {
    return this.workspace.status.state;
  }

  async running(): Promise<this> {
    this.workspace.start();
    await settle();
    this.process.say(WELL);
    return this;
  }
}

Deno.test("a workspace runs when its process has said something", async () => {
  const stand = new Stand();
  stand.workspace.start();
  await settle();
  assertEquals(stand.state, "starting");
  assertEquals(stand.workspace.status.remotes[0]!.state, "connecting");
  assertEquals(stand.process.heard, [{ kind: "configure", workspace: CONFIG }]);
  stand.process.say(WELL);
  assertEquals(stand.state, "running");
  const [remote] = stand.workspace.status.remotes;
  assertEquals([remote!.state, remote!.files, remote!.to], [
    "watching",
    2,
    "/r",
  ]);
});

Deno.test("a process that died is started anew, later and later, until it is too often", async () => {
  const stand = await new Stand().running();
  stand.process.log("boom");
  stand.process.end("it ended with exit code 1");
  await settle();
  assertEquals(stand.state, "waiting");
  // What it had done is known; what it does is not.
  const [remote] = stand.workspace.status.remotes;
  assertEquals([remote!.state, remote!.digest], ["connecting", "d".repeat(64)]);
  await stand.clock.advance(99);
  assertEquals(stand.processes.length, 1);
  await stand.clock.advance(1);
  assertEquals([stand.processes.length, stand.state], [2, "starting"]);
  stand.process.end("it ended with exit code 1");
  await settle();
  await stand.clock.advance(199);
  assertEquals(stand.processes.length, 2);
  await stand.clock.advance(1);
  stand.process.end("it ended with exit code 7");
  await settle();
  const failed = stand.workspace.status;
  assertEquals([failed.state, failed.failures], ["failed", 3]);
  assertStringIncludes(failed.error!, "exit code 7");
  assert(failed.log!.includes("boom"));
  assertEquals(failed.remotes[0]!.state, "failed");
  await stand.clock.advance(600_000);
  assertEquals(stand.processes.length, 3);

  stand.workspace.retry(undefined);
  await settle();
  assertEquals([stand.processes.length, stand.state], [4, "starting"]);
});

Deno.test("failures that lie far apart are forgiven", async () => {
  const stand = await new Stand().running();
  for (let i = 0; i < 6; i++) {
    stand.process.end("it died");
    await settle();
    await stand.clock.advance(100);
    stand.process.say(WELL);
    assertEquals(stand.state, "running");
    await stand.clock.advance(60_000);
  }
});

Deno.test("a process that says nothing for too long is ended and started anew", async () => {
  const stand = await new Stand().running();
  const [first] = stand.processes;
  await stand.clock.advance(10_000);
  stand.workspace.check(false);
  assert(!first!.isKilled);
  first!.say({ kind: "alive" });
  await stand.clock.advance(10_000);
  stand.workspace.check(false);
  assert(!first!.isKilled);
  await stand.clock.advance(1);
  stand.workspace.check(false);
  assert(first!.isKilled);
  await settle();
  assertStringIncludes(
    stand.workspace.status.error!,
    "did not answer for 10 s",
  );
  await stand.clock.advance(100);
  assertEquals(stand.processes.length, 2);
  // One that is just starting gets more time: others may start as well.
  await stand.clock.advance(59_000);
  stand.workspace.check(false);
  assert(!stand.process.isKilled);
});

Deno.test("whoever was stopped itself takes nobody for silent", async () => {
  const stand = await new Stand().running();
  await stand.clock.stall(3_600_000);
  stand.workspace.check(true);
  assert(!stand.process.isKilled);
  await stand.clock.advance(10_001);
  stand.workspace.check(false);
  assert(stand.process.isKilled);
});

Deno.test("what can't be started counts as a failure", async () => {
  const stand = new Stand();
  stand.fault = new Error("no more processes");
  stand.workspace.start();
  await settle();
  assertEquals(stand.state, "waiting");
  await stand.clock.advance(1_000);
  assertEquals(stand.state, "failed");
  assertStringIncludes(stand.workspace.status.error!, "no more processes");
  // It does not stand in the way of others.
  (await stand.turnstile.enter())();
});

Deno.test("a workspace that is paused has no process, and starts only after the last is gone", async () => {
  const stand = await new Stand().running();
  const [first] = stand.processes;
  stand.workspace.configure({ ...CONFIG, paused: true });
  assertEquals([stand.state, first!.isStopped], ["paused", true]);
  stand.workspace.configure(CONFIG);
  await settle();
  assertEquals(stand.processes.length, 1);
  await stand.clock.advance(1_500);
  assert(first!.isKilled);
  assertEquals([stand.processes.length, stand.state], [2, "starting"]);
  first!.say({ kind: "status", status: { ...WELL.status, source: "lost" } });
  assertEquals(stand.state, "starting");
});

Deno.test("a change is told to the process as a whole", async () => {
  const stand = await new Stand().running();
  const changed = { ...CONFIG, remotes: [] };
  stand.workspace.configure(changed);
  assertEquals(stand.process.heard.at(-1), {
    kind: "configure",
    workspace: changed,
  });
  assertEquals(stand.workspace.status.remotes, []);
  // What comes of a remote that is gone changes nothing.
  stand.process.say(WELL);
  assertEquals(stand.workspace.status.remotes, []);
});

Deno.test("a flush outlives its process, and says why where there is none", async () => {
  const stand = await new Stand().running();
  const flushing = stand.workspace.flush(["r"], 5_000);
  const asked = stand.process.heard.at(-1)!;
  assert(asked.kind === "flush");
  stand.process.end("it died");
  await settle();
  await stand.clock.advance(100);
  stand.process.say(WELL);
  const again = stand.process.heard.at(-1)!;
  assert(again.kind === "flush" && again.timeoutMs === 4_900);
  const results = [{ remote: "r", exit: 0, error: undefined }];
  stand.process.say({ kind: "flushed", id: again.id, results });
  assertEquals(await flushing, results);

  // One that never answers, and one that is paused.
  const late = stand.workspace.flush(["r"], 5_000);
  await stand.clock.advance(7_000);
  assertEquals((await late)[0]!.error, "it did not answer in time");
  const broken = stand.workspace.flush(["r"], 5_000);
  stand.workspace.configure({ ...CONFIG, paused: true });
  assertEquals((await broken)[0]!.error, "the workspace is paused");
  const [paused] = await stand.workspace.flush(["r"], 5_000);
  assertEquals(paused, {
    remote: "r",
    exit: 1,
    error: "the workspace is paused",
  });
});

Deno.test("close() waits for the process, and ends one that does not", async () => {
  const stand = await new Stand().running();
  let isClosed = false;
  const closing = stand.workspace.close().then(() => isClosed = true);
  await settle();
  assert(stand.process.isStopped && !isClosed);
  await stand.clock.advance(1_500);
  await closing;
  assertEquals(stand.clock.timers, 0);
});

Deno.test("what was synced last is known to the next daemon, and to nobody else", async () => {
  const stand = new Stand();
  stand.workspace.start();
  await settle();
  stand.processes[0]!.say(WELL);
  const closing = stand.workspace.close();
  stand.processes[0]!.end("it ended");
  await closing;

  const lastOf = (config: WorkspaceConfig, saved = stand.saved): unknown => {
    const { workspace } = new Stand(config, saved);
    const { state, digest, syncedAt, files, bytes, sentFiles } = workspace
      .status.remotes[0]!;
    return [state, digest, syncedAt, files, bytes, sentFiles];
  };
  const { digest, syncedAt } = REMOTE;
  const paused = { ...CONFIG, paused: true };
  assertEquals(lastOf(paused), ["paused", digest, syncedAt, 2, 5, 0]);
  // Another directory, another place, a damaged file: nothing is known.
  const none = ["paused", undefined, undefined, 0, 0, 0];
  assertEquals(lastOf({ ...paused, path: "/other" }), none);
  const elsewhere = { ...CONFIG.remotes[0]!, to: "/s" };
  assertEquals(lastOf({ ...paused, remotes: [elsewhere] }), none);
  const text = stand.saved.get("w")!;
  for (let cut = 0; cut < text.length - 1; cut++) {
    assertEquals(lastOf(paused, new Map([["w", text.slice(0, cut)]])), none);
  }
  for (const [what, by] of [["dd", "xx"], ["2,", "-2,"], ["2026", "20x6"]]) {
    const damaged = new Map([["w", text.replace(what!, by!)]]);
    assertEquals(lastOf(paused, damaged), none, by);
  }
  stand.workspace.forget();
  assertEquals(stand.saved.size, 0);
});

Deno.test("what was synced last is written down now and then, not each time", async () => {
  const stand = new Stand();
  let writes = 0;
  const { saved } = stand;
  saved.set = (name, text): typeof saved => {
    writes++;
    return Map.prototype.set.call(saved, name, text) as typeof saved;
  };
  stand.workspace.start();
  await settle();
  for (let second = 0; second < 12; second++) {
    for (let i = 0; i < 5; i++) {
      const syncedAt = `2026-01-31T12:00:${10 + second}.00${i}Z`;
      const remotes = [{ ...REMOTE, syncedAt }];
      const status = { source: "watching", error: undefined, remotes } as const;
      stand.processes[0]!.say({ kind: "status", status });
    }
    await stand.clock.advance(1_000);
  }
  await stand.clock.advance(5_000);
  assertEquals(writes, 4);
  assertStringIncludes(saved.get("w")!, "12:00:21.004Z");
  const closing = stand.workspace.close();
  stand.processes[0]!.end("it ended");
  await closing;
});

Deno.test("a flush under way is told when its workspace is removed", async () => {
  const stand = new Stand();
  stand.workspace.start();
  await settle();
  stand.processes[0]!.say(WELL);
  const flushed = stand.workspace.flush(["r"], 1_000);
  const closing = stand.workspace.close();
  stand.processes[0]!.end("it ended");
  assertStringIncludes((await flushed)[0]!.error!, "was removed");
  await closing;
});

Deno.test("where nobody looks, nothing is said to be behind", async () => {
  const stand = new Stand();
  stand.workspace.start();
  await settle();
  const remotes = [{ ...REMOTE, lagMs: 4_000 }];
  const status = { source: "watching", error: undefined, remotes } as const;
  stand.processes[0]!.say({ kind: "status", status });
  assertEquals(stand.workspace.status.remotes[0]!.lagMs, 4_000);
  stand.workspace.configure({ ...CONFIG, paused: true });
  assertEquals(stand.workspace.status.remotes[0]!.lagMs, 0);
  const closing = stand.workspace.close();
  stand.processes[0]!.end("it ended");
  await closing;
});
