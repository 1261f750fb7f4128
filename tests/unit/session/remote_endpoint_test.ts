import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { type Change, filesOf } from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { type Name, parseRelPath } from "../../../src/core/path.ts";
import type {
  ContentBatch,
  Piece,
  SupplyRequest,
  Want,
} from "../../../src/core/piece.ts";
import type { Problem } from "../../../src/core/problem.ts";
import type { Snapshot } from "../../../src/core/snapshot.ts";
import {
  FileSystemError,
  ProtocolError,
  TransportError,
} from "../../../src/errors.ts";
import { settle } from "../../support/fake_clock.ts";
import {
  directoryOf,
  FakeEndpoint,
  fileEntry,
  type Sketch,
} from "../../support/fake_endpoint.ts";
import {
  DONE,
  SCAN,
  serve,
  type Served,
} from "../../support/served_endpoint.ts";

const TREE: Sketch = {
  same: { deep: { file: "1", other: "2" }, empty: {} },
  changed: { here: { file: "old" }, same: { x: "3" } },
  gone: "4",
  link: { kind: "symlink", target: "same/deep", mtime: 9 },
  odd: { kind: "untracked", reason: "special-file" },
  broken: { kind: "problem", message: "Cannot read broken: no permission" },
};

function directoryAt(root: DirectoryEntry, ...names: string[]): DirectoryEntry {
  let entry = root;
  for (const name of names) {
    entry = entry.children.get(name as Name) as DirectoryEntry;
  }
  return entry;
}

async function snapshotOf(sketch: Sketch): Promise<Snapshot> {
  return await new FakeEndpoint(sketch).scan(SCAN);
}

async function end({ remote, served }: Served): Promise<void> {
  await remote.close(DONE);
  assertEquals(await served, DONE);
}

Deno.test("A scan gives the other side's tree as it is", async () => {
  const there = await serve(TREE);
  const problem: Problem = {
    path: parseRelPath("odd"),
    code: "skipped",
    message: "It is a fifo",
  };
  there.fake.problems = [problem];
  const seen: number[] = [];
  const snapshot = await there.remote.scan(SCAN, {
    onProgress: (entries) => seen.push(entries),
  });
  assertEquals(snapshot.root, there.fake.root);
  assertEquals(snapshot.problems, [problem]);
  assertEquals(snapshot.totals, (await there.fake.scan(SCAN)).totals);
  assertEquals(seen, [1]);
  await end(there);
});

Deno.test("An equal tree is taken over as the same objects, in one round trip", async () => {
  const there = await serve(TREE);
  const known = await snapshotOf(TREE);
  const before = there.client.counts.received;
  const { root } = await there.remote.scan(SCAN, {
    known: Promise.resolve(known),
  });
  assertStrictEquals(root.children, known.root.children);
  assert(there.client.counts.received - before < 200);
  await end(there);
});

Deno.test("Only directories that differ are listed; the rest is shared", async () => {
  const there = await serve(TREE);
  const known = await snapshotOf({
    ...TREE,
    changed: { here: { file: "newer" }, same: { x: "3" } },
    new: {},
  });
  const { root } = await there.remote.scan(SCAN, {
    known: Promise.resolve(known),
  });
  assertEquals(root, there.fake.root);
  for (const path of [["same"], ["changed", "same"]]) {
    assertStrictEquals(
      directoryAt(root, ...path),
      directoryAt(known.root, ...path),
    );
  }
  await end(there);
});

for (
  const [what, own] of [
    ["mtime", { mtime: 12345 }],
    ["mode", { mode: 0o711 }],
    ["owner", { owner: { uid: 5, gid: 6 } }],
  ] as const
) {
  Deno.test(`A directory that differs in its own ${what} alone shares its children, and nothing else`, async () => {
    const there = await serve(TREE);
    const known = await snapshotOf({ ...TREE, gone: "else" });
    const same = directoryAt(known.root, "same");
    const children = new Map(known.root.children);
    children.set("same" as Name, { ...same, ...own });
    const { root } = await there.remote.scan(SCAN, {
      known: Promise.resolve({ ...known, root: { ...known.root, children } }),
    });
    assertEquals(directoryAt(root, "same"), same);
    assertStrictEquals(directoryAt(root, "same").children, same.children);
    await end(there);
  });
}

Deno.test("A tree of many levels and pages comes over whole", async () => {
  const wide = Object.fromEntries(
    Array.from({ length: 3000 }, (_, i) => [`dir ${i}`, { [`f${i}`]: "x" }]),
  );
  const there = await serve({ wide, a: { b: { c: { d: { e: {} } } } } });
  const { root } = await there.remote.scan(SCAN);
  assertEquals(root, there.fake.root);
  await end(there);
});

Deno.test("A peer whose listing does not match its digest loses the session", async () => {
  const there = await serve({ dir: { file: "1" } });
  const children = new Map(there.fake.root.children);
  children.set("dir" as Name, {
    ...directoryAt(there.fake.root, "dir"),
    children: directoryOf({ file: "22" }).children,
  });
  there.fake.root = { ...there.fake.root, children };
  await assertRejects(
    () => there.remote.scan(SCAN),
    ProtocolError,
    "digest",
  );
  assertInstanceOf(await there.served, ProtocolError);
});

Deno.test("A scan that fails over there fails here with the same code", async () => {
  const there = await serve({});
  there.fake.before = (call): void => {
    if (call === "scan") throw new FileSystemError("denied", "Cannot open it");
  };
  const error = await assertRejects(
    () => there.remote.scan(SCAN),
    FileSystemError,
    "memory:2: Cannot open it",
  );
  assertEquals(error.code, "denied");
  await end(there);
});

Deno.test("A scan that is given up stops the other side", async () => {
  const there = await serve({});
  const stop = new AbortController();
  let aborted = false;
  there.fake.before = async (call, signal): Promise<void> => {
    if (call !== "scan") return;
    await new Promise<void>((resolve) =>
      signal?.addEventListener("abort", () => resolve())
    );
    aborted = true;
  };
  const scan = there.remote.scan(SCAN, { signal: stop.signal });
  await settle();
  stop.abort(new Error("enough"));
  await assertRejects(() => scan, Error, "enough");
  await settle();
  assert(aborted);
  await end(there);
});

Deno.test("A known tree that never comes fails the scan, and nothing else", async () => {
  const there = await serve({});
  const known = Promise.reject(new Error("my own scan failed"));
  await assertRejects(
    () => there.remote.scan(SCAN, { known }),
    Error,
    "my own scan failed",
  );
  await end(there);
});

Deno.test("What is still there is named when absence is to be confirmed", async () => {
  const there = await serve({ a: "1" });
  await there.remote.scan(SCAN);
  const problems = await there.remote.confirmAbsent(
    ["a", "b"].map(parseRelPath),
  );
  assertEquals(problems.map(({ path }) => path), [parseRelPath("a")]);
  await end(there);
});

/** Makes the target equal to `source`, as a mirror does. */
async function mirror(there: Served, source: FakeEndpoint): Promise<Change[]> {
  const mine = await source.scan(SCAN);
  const theirs = await there.remote.scan(SCAN, {
    known: Promise.resolve(mine),
  });
  const { changes } = diff(theirs.root, mine.root, {
    deletes: true,
    modes: true,
  });
  const staging = await there.remote.stage(changes);
  const files = [...filesOf(changes)];
  const requests = staging.wants.flatMap(({ first, count, resume }) =>
    files.slice(first, first + count).map((file) => ({ ...file, resume }))
  );
  await source.supply(requests).pipeTo(staging.writable);
  const { done, problems } = await there.remote.transition(changes);
  assertEquals(problems, []);
  assert(done.every((bit) => bit === 1));
  return [...changes];
}

Deno.test("A push makes the other side equal", async () => {
  const there = await serve({ ...TREE, odd: "x", broken: "y", old: { f: "" } });
  const source = new FakeEndpoint({
    ...TREE,
    changed: "a file now",
    new: { dir: { file: "content", empty: "" } },
    gone: { flipped: "yes" },
  });
  assertEquals((await mirror(there, source)).length, 5);
  assertEquals(there.fake.text("new/dir/file"), "content");
  assertEquals(there.fake.text("gone/flipped"), "yes");
  assertEquals((await mirror(there, source)).length, 0);
  await end(there);
  assertEquals(there.fake.closed, DONE);
});

Deno.test("Many small files go over in one push", async () => {
  const there = await serve({});
  const names = Array.from({ length: 5000 }, (_, i) => `file ${i}`);
  const source = new FakeEndpoint({
    dir: Object.fromEntries(names.map((name) => [name, `is ${name}`])),
  });
  await mirror(there, source);
  for (const name of names) {
    assertEquals(there.fake.text(`dir/${name}`), `is ${name}`);
  }
  await end(there);
});

/** Stages one new file of 10 bytes. */
async function stageFile(there: Served): Promise<
  { changes: Change[]; wants: readonly Want[]; send: Send }
> {
  await there.remote.scan(SCAN);
  const path = parseRelPath("file");
  const changes = [{ path, old: undefined, new: fileEntry(10) }];
  const { wants, writable } = await there.remote.stage(changes);
  const writer = writable.getWriter();
  const send: Send = {
    pieces: (...pieces) => writer.write({ pieces, byteLength: 0 }),
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  };
  return { changes, wants, send };
}

interface Send {
  pieces(...pieces: Piece[]): Promise<void>;
  close(): Promise<void>;
  abort(reason: Error): Promise<void>;
}

function data(offset: number, length: number, last: boolean): Piece {
  const bytes = new Uint8Array(length).fill(offset);
  return { kind: "data", index: 0, offset, bytes, last };
}

Deno.test("A file comes in parts, with holes", async () => {
  const there = await serve({});
  const { changes, send } = await stageFile(there);
  await send.pieces(data(0, 2, false));
  await send.pieces(
    { kind: "hole", index: 0, offset: 2, length: 6, last: false },
    data(8, 2, true),
  );
  await send.close();
  await there.remote.transition(changes);
  assertEquals(
    there.fake.content.get("file"),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 8, 8),
  );
  await end(there);
});

Deno.test("Wants with a place to resume from reach the sender, who may use it or not", async () => {
  const resume = { offset: 4, digest: "ab".repeat(32) };
  for (const offset of [0, 4]) {
    const there = await serve({});
    there.fake.wants = [{ first: 0, count: 1, resume }];
    const { changes, wants, send } = await stageFile(there);
    assertEquals(wants, there.fake.wants);
    await send.pieces(data(offset, 10 - offset, true));
    await send.close();
    await there.remote.transition(changes);
    await end(there);
  }
});

Deno.test("Content that is not what was wanted ends the session; nothing is carried out", async () => {
  const table: [string, Piece[]][] = [
    ["another file", [{ ...data(0, 10, true), index: 1 }]],
    ["a start in the middle", [data(5, 5, true)]],
    ["a gap", [data(0, 2, false), data(4, 6, true)]],
    ["an overlap", [data(0, 6, false), data(4, 6, true)]],
    ["too much", [data(0, 11, true)]],
    ["an early end", [data(0, 9, true)]],
    ["no end", [data(0, 10, false)]],
    ["the same twice", [data(0, 10, true), data(0, 10, true)]],
    ["an empty piece", [data(0, 0, false)]],
    ["half of it", [data(0, 4, false)]],
    ["nothing at all", []],
  ];
  for (const [what, pieces] of table) {
    const there = await serve({});
    const { send } = await stageFile(there);
    const sending = (async () => {
      for (const piece of pieces) await send.pieces(piece);
      await send.close();
    })();
    await assertRejects(() => sending, ProtocolError, undefined, what);
    assertInstanceOf(await there.served, ProtocolError, what);
    assert(there.fake.calls.includes("aborted"), what);
    assert(!there.fake.calls.includes("transition"), what);
    assertEquals(there.fake.closed?.kind, "failed", what);
  }
});

Deno.test("A write that fails over there fails the sender's stream; the session goes on", async () => {
  const there = await serve({});
  const { send } = await stageFile(there);
  there.fake.before = (call): void => {
    if (call === "write") throw new FileSystemError("no-space", "It is full");
  };
  const sending = (async () => {
    await send.pieces(data(0, 4, false));
    await send.pieces(data(4, 6, true));
    await send.close();
  })();
  const error = await assertRejects(() => sending, FileSystemError);
  assertEquals(error.code, "no-space");
  await there.remote.scan(SCAN);
  await end(there);
});

Deno.test("A sender that gives up its content can go on with something else", async () => {
  const there = await serve({});
  const { send } = await stageFile(there);
  await send.pieces(data(0, 4, false));
  await send.abort(new Error("the source went away"));
  await there.remote.scan(SCAN);
  assert(there.fake.calls.includes("aborted"));
  await end(there);
});

Deno.test("Content that is damaged on its way breaks the connection, so that it is tried again", async () => {
  let flipBit = 0;
  // The last byte of the content: hello, scan, list, stage, then this.
  const probe = await serve({});
  const first = await stageFile(probe);
  await Promise.all([first.send.pieces(data(0, 10, true)), first.send.close()]);
  flipBit = 8 * probe.client.counts.sent - 1;
  probe.client.close();
  const there = await serve({}, { faults: { there: { flipBit } } });
  const { send } = await stageFile(there);
  const sending = Promise.all([
    send.pieces(data(0, 10, true)),
    send.close(),
  ]);
  const error = await assertRejects(() => sending, TransportError);
  assertEquals(error.code, "connection-lost");
  assertInstanceOf(await there.served, TransportError);
  assert(!there.fake.calls.includes("write"));
});

Deno.test("A change that is damaged on its way is never believed", async () => {
  const change: Change = {
    path: parseRelPath("file"),
    old: undefined,
    new: fileEntry(10),
  };
  const probe = await serve({});
  await probe.remote.scan(SCAN);
  const from = 8 * probe.client.counts.sent;
  await probe.remote.stage([change]);
  const to = 8 * probe.client.counts.sent;
  probe.client.close();
  for (let flipBit = from; flipBit < to; flipBit += 5) {
    const there = await serve({}, { faults: { there: { flipBit } } });
    await there.remote.scan(SCAN);
    const error = await assertRejects(
      () => there.remote.stage([change]),
      TransportError,
    );
    assertEquals(error.code, "connection-lost", `bit ${flipBit}`);
    assert(!there.fake.calls.includes("stage"), `bit ${flipBit}`);
  }
});

Deno.test("Only what was staged can be carried out, and only once", async () => {
  const there = await serve({});
  const { changes, send } = await stageFile(there);
  await send.pieces(data(0, 10, true));
  await send.close();
  assertThrowsTypeError(() => there.remote.transition([...changes]));
  await there.remote.transition(changes);
  assertThrowsTypeError(() => there.remote.transition(changes));
  await end(there);
});

function assertThrowsTypeError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assertInstanceOf(error, TypeError);
    return;
  }
  throw new Error("Nothing was thrown");
}

Deno.test("A pull gives the content of what the scan has shown", async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `file ${i}`);
  const there = await serve(
    Object.fromEntries(names.map((name) => [name, `is ${name}`])),
    { role: "source" },
  );
  const { root } = await there.remote.scan(SCAN);
  const path = parseRelPath("all");
  const files = [...filesOf([{ path, old: undefined, new: root }])];
  const requests: SupplyRequest[] = files.map((file) => ({
    ...file,
    path: parseRelPath(file.path.slice("all/".length)),
    resume: undefined,
  }));
  there.fake.content.delete(requests[7]!.path);
  let at = 0;
  for await (const { pieces } of there.remote.supply(requests)) {
    for (const piece of pieces) {
      assertEquals(piece.index, at);
      assertEquals(piece.kind, at === 7 ? "unavailable" : "data");
      at++;
    }
  }
  assertEquals(at, names.length);
  await end(there);
});

Deno.test("A pull that is given up stops the other side", async () => {
  const there = await serve({ a: "x".repeat(100), b: "y" }, { role: "source" });
  const { root } = await there.remote.scan(SCAN);
  const requests = ["a", "b"].map((name, index): SupplyRequest => ({
    index,
    path: parseRelPath(name),
    entry: root.children.get(name as Name) as SupplyRequest["entry"],
    resume: undefined,
  }));
  const reader: ReadableStreamDefaultReader<ContentBatch> = there.remote
    .supply(requests).getReader();
  await reader.read();
  await reader.cancel(new Error("enough"));
  await there.remote.scan(SCAN);
  await end(there);
});

Deno.test("A file that was never offered is not supplied, and the session ends", async () => {
  const table: [string, Partial<SupplyRequest>][] = [
    ["no such path", { path: parseRelPath("etc/shadow") }],
    ["another size", { entry: fileEntry(2) }],
    ["another time", { entry: fileEntry(1, { mtime: 1 }) }],
    ["a directory", { path: parseRelPath("dir") }],
  ];
  for (const [what, change] of table) {
    const there = await serve({ file: "1", dir: {} }, { role: "source" });
    await there.remote.scan(SCAN);
    const request: SupplyRequest = {
      index: 0,
      path: parseRelPath("file"),
      entry: fileEntry(1),
      resume: undefined,
      ...change,
    };
    const reader = there.remote.supply([request]).getReader();
    await assertRejects(() => reader.read(), ProtocolError, "never offered");
    assertInstanceOf(await there.served, ProtocolError, what);
  }
});

Deno.test("A target supplies nothing, and a source changes nothing", async () => {
  const target = await serve({});
  await target.remote.scan(SCAN);
  const reader = target.remote.supply([]).getReader();
  await assertRejects(() => reader.read(), ProtocolError, "is for a source");
  assertInstanceOf(await target.served, ProtocolError);
  const source = await serve({}, { role: "source" });
  await source.remote.scan(SCAN);
  await assertRejects(
    () => source.remote.stage([]),
    ProtocolError,
    "is for a target",
  );
  assertInstanceOf(await source.served, ProtocolError);
  assert(!source.fake.calls.includes("stage"));
});
