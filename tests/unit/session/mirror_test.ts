import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { Name } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { Staging } from "../../../src/session/endpoint.ts";
import type { MirrorSummary } from "../../../src/session/events.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../../../src/session/mirror.ts";

type Tree = Parameters<typeof MemoryFileSystem.from>[0];

const OPTIONS: MirrorOptions = {
  checksum: false,
  symlinks: "copy",
  deletes: true,
};
const DONE = { kind: "done", message: "" } as const;

/** Two endpoints over one file system each, which a test may change on the way. */
class Pair implements AsyncDisposable {
  readonly from: MemoryFileSystem;
  readonly to: MemoryFileSystem;
  readonly source: LocalEndpoint;
  readonly target: LocalEndpoint;
  readonly sourceRoot: Directory;
  readonly targetRoot: Directory;

  private constructor(
    from: MemoryFileSystem,
    to: MemoryFileSystem,
    source: LocalEndpoint,
    target: LocalEndpoint,
    roots: readonly [Directory, Directory],
  ) {
    this.from = from;
    this.to = to;
    this.source = source;
    this.target = target;
    [this.sourceRoot, this.targetRoot] = roots;
  }

  static async of(from: Tree, to: Tree): Promise<Pair> {
    const a = MemoryFileSystem.from(from);
    const b = MemoryFileSystem.from(to);
    return new Pair(
      a,
      b,
      await LocalEndpoint.open(a, "/"),
      await LocalEndpoint.open(b, "/"),
      [await a.openRoot("/"), await b.openRoot("/")],
    );
  }

  mirror(options: Partial<MirrorOptions> = {}): Promise<MirrorSummary> {
    return mirror(this.source, this.target, { ...OPTIONS, ...options });
  }

  /** Runs `act` once, between the scan of the target and its changes. */
  beforeStaging(act: () => Promise<void>): void {
    const stage = this.target.stage.bind(this.target);
    let first = true;
    this.target.stage = async (
      changes: readonly Change[],
      signal?: AbortSignal,
    ): Promise<Staging> => {
      if (first) await act();
      first = false;
      return await stage(changes, signal);
    };
  }

  /** Runs `act` once, when all is staged. */
  beforeTransition(act: () => Promise<void>): void {
    const transition = this.target.transition.bind(this.target);
    let first = true;
    this.target.transition = async (changes, signal) => {
      if (first) await act();
      first = false;
      return await transition(changes, signal);
    };
  }

  get equal(): boolean {
    return show(this.from.dump()) === show(this.to.dump());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sourceRoot.close();
    this.targetRoot.close();
    await this.source.close(DONE);
    await this.target.close(DONE);
  }
}

/** The same text for the same tree. */
function show(tree: Tree): string {
  return JSON.stringify(Object.entries(tree).sort());
}

/** Replaces the content of a file, as an editor does. */
async function save(
  directory: Directory,
  name: string,
  text: string,
  mtime: number,
): Promise<void> {
  const content = new TextEncoder().encode(text);
  await directory.createFile("new" as Name, content, { mode: 0o644, mtime });
  await directory.rename("new" as Name, directory, name as Name);
}

const TREE: Tree = {
  "a.txt": "alpha",
  "empty/": null,
  "src/main.ts": "code",
  "src/deep/er/x": "x",
  "link": { symlink: "src/main.ts" },
};

Deno.test("mirror() makes an empty target equal to the source", async () => {
  await using pair = await Pair.of(TREE, {});
  const summary = await pair.mirror();
  assert(pair.equal);
  assertEquals(summary.problems, []);
  assertEquals(summary.rounds, 1);
  assertEquals(summary.changes.created, 8);
  assertEquals(summary.changes.files, 3);
});

Deno.test("mirror() writes nothing when the sides are equal", async () => {
  await using pair = await Pair.of(TREE, {});
  await pair.mirror();
  const before = structuredClone(pair.to.counters.mutations);
  const summary = await pair.mirror();
  assertEquals(pair.to.counters.mutations, before);
  assertEquals(summary.changes.created + summary.changes.touched, 0);
});

Deno.test("mirror() reads no content of what is equal", async () => {
  await using pair = await Pair.of(TREE, {});
  await pair.mirror();
  const { reads } = pair.from.counters;
  await pair.mirror();
  assertEquals(pair.from.counters.reads, reads);
});

const FLIPS: readonly [string, Tree][] = [
  ["file", { x: "a file" }],
  ["directory", { "x/in": "in it", "x/deeper/y": "y" }],
  ["empty directory", { "x/": null }],
  ["symlink", { x: { symlink: "elsewhere" } }],
  ["nothing", {}],
];
for (const [old, from] of FLIPS) {
  for (const [wanted, to] of FLIPS) {
    Deno.test(`mirror() turns ${old} into ${wanted}`, async () => {
      await using pair = await Pair.of(to, from);
      const summary = await pair.mirror();
      assertEquals(summary.problems, []);
      assert(pair.equal);
      assertEquals(".lockstep/" in pair.to.dump(), false);
    });
  }
}

Deno.test("mirror() deletes nothing when it is told so", async () => {
  await using pair = await Pair.of({ a: "1" }, { b: "2", "c/d": "3" });
  await pair.mirror({ deletes: false });
  assertEquals(Object.keys(pair.to.dump()).sort(), ["a", "b", "c/d"]);
});

Deno.test("mirror() leaves a file alone that was saved at the target after the scan", async () => {
  await using pair = await Pair.of({ a: "wanted" }, { a: "there" });
  let seen: unknown;
  pair.beforeTransition(async () => {
    await save(pair.targetRoot, "a", "saved just now", 1_700_000_000_000);
  });
  const rounds: number[] = [];
  await pair.mirror({
    onEvent: (event): void => {
      if (event.kind !== "planned") return;
      rounds.push(event.round);
      seen ??= event.round === 2 ? pair.to.dump() : undefined;
    },
  });
  assertEquals(rounds, [1, 2]);
  assert(JSON.stringify(seen).includes("saved just now"));
  assert(pair.equal);
});

Deno.test("mirror() does not replace a file that appeared at the target after the scan", async () => {
  await using pair = await Pair.of({ a: "wanted" }, {});
  let inRound2: string | undefined;
  pair.beforeTransition(() =>
    save(pair.targetRoot, "a", "somebody's", 1_700_000_000_000)
  );
  await pair.mirror({
    onEvent: (event): void => {
      if (event.kind === "planned" && event.round === 2) {
        inRound2 = JSON.stringify(pair.to.dump());
      }
    },
  });
  assert(inRound2?.includes("somebody's"));
});

Deno.test("mirror() does not delete a directory in which a file appeared after the scan", async () => {
  await using pair = await Pair.of({}, { "old/a": "1" });
  let inRound2: string | undefined;
  pair.beforeTransition(async () => {
    const old = await pair.targetRoot.openDirectory("old" as Name);
    await save(old, "new one", "precious", 1_700_000_000_000);
    old.close();
  });
  await pair.mirror({
    onEvent: (event): void => {
      if (event.kind === "planned" && event.round === 2) {
        inRound2 = JSON.stringify(pair.to.dump());
      }
    },
  });
  assert(inRound2?.includes("precious"));
});

Deno.test("mirror() sends what a file holds now when it changed after the scan", async () => {
  await using pair = await Pair.of({ a: "first" }, {});
  pair.beforeStaging(() =>
    save(pair.sourceRoot, "a", "second", 1_700_000_000_000)
  );
  const summary = await pair.mirror();
  assertEquals(summary.rounds, 2);
  assertEquals(summary.problems, []);
  assert(JSON.stringify(pair.to.dump()).includes("second"));
  assert(pair.equal);
});

Deno.test("mirror() deletes nothing below a source directory that can't be read", async () => {
  await using pair = await Pair.of({ "a/x": "1", "b/y": "2" }, {
    "a/x": "1",
    "a/z": "kept",
    "b/w": "goes",
  });
  pair.from.failNext("openDirectory", "a", denied("a"));
  const summary = await pair.mirror();
  assertEquals(Object.keys(pair.to.dump()).sort(), [
    "a/x",
    "a/z",
    "b/y",
  ]);
  assertEquals(
    summary.problems.map(({ side, problem }) => [
      side,
      problem.path,
      problem.code,
    ]),
    [["source", "a", "unreadable"]],
  );
});

Deno.test("mirror() does not believe a listing that the thorough one contradicts", async () => {
  await using pair = await Pair.of({ "d/a": "1", "d/b": "2" }, {
    "d/a": "1",
    "d/b": "2",
  });
  await pair.mirror();
  // The fast listing breaks off after the first entry, and says nothing of it.
  const openDirectory = pair.source.scan.bind(pair.source);
  let first = true;
  pair.source.scan = async (options, context) => {
    const snapshot = await openDirectory(options, context);
    if (!first) return snapshot;
    first = false;
    const d = snapshot.root.children.get("d" as Name);
    if (d?.kind !== "directory") throw new TypeError("d is a directory");
    const children = new Map([...d.children].slice(0, 1));
    return {
      ...snapshot,
      root: {
        ...snapshot.root,
        children: new Map([["d" as Name, {
          ...d,
          children,
          digest: "0".repeat(64),
        }]]),
        digest: "1".repeat(64),
      },
    };
  };
  const d = await pair.targetRoot.openDirectory("d" as Name);
  const before = await d.lookup("b" as Name);
  const summary = await pair.mirror();
  assertEquals(await d.lookup("b" as Name), before);
  d.close();
  assertEquals(summary.rounds, 2);
  assert(pair.equal);
});

Deno.test("mirror() reports a file that can't be stored and does the rest", async () => {
  await using pair = await Pair.of({ a: "1", "new/b": "2", "new/c": "3" }, {});
  pair.to.failNext(
    "createFile",
    "b",
    new FileSystemError("no-space", 'Cannot create "b": no space left'),
  );
  const summary = await pair.mirror();
  assertEquals(Object.keys(pair.to.dump()).sort(), ["a", "new/c"]);
  assertEquals(summary.problems.map(({ problem }) => problem.path as string), [
    "new/b",
  ]);
  assertEquals(summary.changes.files, 2);
});

Deno.test("mirror() takes over what a run that was broken off has staged", async () => {
  await using pair = await Pair.of({ "d/a": "1", "d/b": "2", c: "3" }, {});
  pair.beforeTransition(() => Promise.reject(new Error("broken off")));
  await assertRejects(() => pair.mirror(), Error, "broken off");
  await pair.target.close(DONE);
  const { bytesWritten } = pair.to.counters;
  const again = await LocalEndpoint.open(pair.to, "/");
  const summary = await mirror(pair.source, again, OPTIONS);
  await again.close(DONE);
  // The source has proven it, and sent nothing of it.
  assertEquals(pair.to.counters.bytesWritten, bytesWritten);
  assertEquals(summary.problems, []);
  assert(pair.equal);
});

Deno.test("mirror() goes on within a large file where a broken-off run stopped", async () => {
  const big = new Uint8Array(2_000_000).map((_, i) => i * 7 % 251);
  await using pair = await Pair.of({ big }, {});
  const abort = new AbortController();
  const run = pair.mirror({
    signal: abort.signal,
    onEvent: (event): void => {
      if (event.kind === "transfer" && event.bytes > 1_400_000) abort.abort();
    },
  });
  await assertRejects(() => run);
  await pair.target.close({ kind: "interrupted", message: "" });
  const written = pair.to.counters.bytesWritten;
  assert(written > 1_100_000);
  const again = await LocalEndpoint.open(pair.to, "/");
  await mirror(pair.source, again, OPTIONS);
  await again.close(DONE);
  assertEquals(pair.to.counters.bytesWritten, big.length);
  assert(pair.equal);
});

Deno.test("mirror() leaves a root as it was when it is stopped before anything is staged", async () => {
  await using pair = await Pair.of({ a: "1" }, { b: "2" });
  const before = pair.to.dump();
  const abort = new AbortController();
  pair.beforeStaging(() => Promise.resolve(abort.abort()));
  await assertRejects(() => pair.mirror({ signal: abort.signal }));
  await pair.target.close({ kind: "interrupted", message: "" });
  assertEquals(pair.to.dump(), before);
});

Deno.test("mirror() compares by content with checksum", async () => {
  await using pair = await Pair.of({ a: "same size 1" }, {});
  await pair.mirror();
  const { mtime, mode } = (await pair.targetRoot.lookup("a" as Name))!;
  const file = await pair.targetRoot.openWritable("a" as Name);
  await file.write(new TextEncoder().encode("same size 2"), 0);
  await file.setMetadata({ mode, mtime });
  file.close();
  await pair.mirror();
  assertEquals(pair.equal, false);
  const summary = await pair.mirror({ checksum: true });
  assertEquals(summary.changes.replaced, 1);
  assert(pair.equal);
});

/** Paths and codes of what a mirror left out. */
function left({ problems }: MirrorSummary): string[] {
  return problems.map(({ problem }) => `${problem.code} ${problem.path}`);
}

Deno.test("mirror() puts an old directory back when its replacement can't be put in place", async () => {
  await using pair = await Pair.of({ d: "a file" }, { "d/old": "precious" });
  pair.to.fault = (method, path) =>
    method === "moveNew" && path.endsWith("stage/d")
      ? new FileSystemError("no-space", "no space left on device")
      : undefined;
  const summary = await pair.mirror();
  assertEquals(left(summary), ["failed d"]);
  assertEquals(pair.to.dump(), { "d/old": "precious" });
});

for (const [old, wanted] of [["directory", "file"], ["file", "directory"]]) {
  Deno.test(`mirror() keeps what was changed while a ${old} became a ${wanted}, and says so`, async () => {
    const [from, to] = old === "directory"
      ? [{ d: "a file" }, { "d/old": "1" }]
      : [{ "d/new": "1" }, { d: "a file" }];
    await using pair = await Pair.of(from, to);
    // What has left its place can't be removed.
    pair.beforeTransition(() => {
      pair.to.fault = (method, path) => {
        const isHeld = method === "removeFile" &&
          /\.lockstep\/held\/\d/.test(path);
        return isHeld
          ? new FileSystemError("denied", "permission denied")
          : undefined;
      };
      return Promise.resolve();
    });
    const summary = await pair.mirror();
    assertEquals(left(summary), ["kept d"]);
    const { message } = summary.problems[0]!.problem;
    assert(message.includes(".lockstep/kept/"));
    const kept = Object.keys(pair.to.dump()).filter((path) =>
      path.startsWith(".lockstep/kept/")
    );
    assertEquals(kept.length, 1);
  });
}

/** The journal of a run that was killed: of the entry 0, which was at "d". */
function heldBy(
  kind: "file" | "directory",
  facts: readonly [size: number, mtime: number, inode: number],
  { trash = false, inside = [] as readonly string[] } = {},
): string {
  const lines: unknown[] = [["lockstep-held", 1, trash]];
  lines.push([0, "d", kind, ...facts, "replaced"]);
  for (const path of inside) {
    lines.push([0, path, "directory", 0, 0, 0, "inside"]);
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

Deno.test("mirror() puts back what a killed run had taken out of its place", async () => {
  await using pair = await Pair.of({ d: "a file", x: "1" }, {
    ".lockstep/held/0/old": "precious",
    ".lockstep/held/journal": heldBy("directory", [0, 0, 0]),
    x: "1",
  });
  let inRound2: string | undefined;
  const summary = await pair.mirror({
    onEvent: (event): void => {
      if (event.kind === "planned" && event.round === 2) {
        inRound2 = show(pair.to.dump());
      }
    },
  });
  assert(inRound2?.includes("precious"));
  assertEquals(left(summary), []);
  assert(pair.equal);
});

Deno.test("mirror() gives up what a killed run had replaced and proven", async () => {
  await using pair = await Pair.of({ d: "a file", x: "new" }, {
    ".lockstep/held/0/inner/": null,
    ".lockstep/held/journal": heldBy("directory", [0, 0, 0], {
      inside: ["d/inner"],
    }),
    d: "a file",
  });
  assertEquals(left(await pair.mirror()), []);
  assert(pair.equal);
});

Deno.test("mirror() keeps what a killed run had replaced and wanted in a trash, where there is none", async () => {
  await using pair = await Pair.of({ d: "a file", x: "new" }, {
    ".lockstep/held/0/inner/": null,
    ".lockstep/held/journal": heldBy("directory", [0, 0, 0], {
      trash: true,
      inside: ["d/inner"],
    }),
    d: "a file",
  });
  const summary = await pair.mirror();
  assertEquals(left(summary), ["kept d"]);
  assert(summary.problems[0]!.problem.message.includes("trash"));
});

for (
  const [what, held, journal] of [
    [
      "a directory with something new in it",
      "0/new",
      heldBy("directory", [0, 0, 0]),
    ],
    ["a file that was written to", "0", heldBy("file", [3, 7, 0])],
    ["an entry that no journal knows", "1", ""],
  ] as const
) {
  Deno.test(`mirror() keeps ${what} which a killed run had replaced`, async () => {
    await using pair = await Pair.of({ d: "a file", x: "new" }, {
      [`.lockstep/held/${held}`]: "precious",
      ".lockstep/held/journal": journal,
      d: "a file",
    });
    const summary = await pair.mirror();
    const path = journal === "" ? "unknown" : "d";
    assertEquals(left(summary), [`kept ${path}`]);
    const kept = Object.entries(pair.to.dump()).filter(([path]) =>
      path.startsWith(".lockstep/kept/")
    );
    assertEquals(kept.map(([, content]) => content), ["precious"]);
  });
}

Deno.test("mirror() goes on where what is held can't be moved again, and says where it is", async () => {
  await using pair = await Pair.of({ d: "a file", x: "new" }, {
    ".lockstep/held/0/old": "precious",
    ".lockstep/held/journal": heldBy("directory", [0, 0, 0]),
    d: "other",
  });
  pair.to.fault = (method, path) =>
    method === "rename" && path.endsWith("held/0")
      ? new FileSystemError("denied", "permission denied")
      : undefined;
  const summary = await pair.mirror();
  assertEquals(left(summary), ["kept d"]);
  const tree = pair.to.dump();
  assertEquals(tree[".lockstep/held/0/old"], "precious");
  assertEquals([tree.x, tree.d], ["new", "a file"]);
});

Deno.test("mirror() removes what an earlier run left, also when nothing is to be changed", async () => {
  await using pair = await Pair.of(TREE, {});
  await pair.mirror();
  await pair.target.close(DONE);
  const left = await pair.targetRoot.openDirectory(await reserved(pair));
  await left.createDirectory("stage" as Name);
  left.close();
  const again = await LocalEndpoint.open(pair.to, "/", { create: true });
  await mirror(pair.source, again, OPTIONS);
  await again.close(DONE);
  assertEquals(Object.keys(pair.to.dump()).sort(), Object.keys(TREE).sort());
});

async function reserved(pair: Pair): Promise<Name> {
  const name = ".lockstep" as Name;
  const { mode, mtime } = await pair.targetRoot.stat();
  await pair.targetRoot.createDirectory(name);
  await pair.targetRoot.setOwnMetadata({ mode, mtime });
  return name;
}

Deno.test("mirror() reports a file for which no content came", async () => {
  await using pair = await Pair.of({ a: "1", "d/b": "2" }, {});
  pair.source.supply = () =>
    new ReadableStream({ start: (controller) => controller.close() });
  const summary = await pair.mirror();
  assertEquals(left(summary), ["failed a", "failed d/b"]);
});

Deno.test("mirror() deletes below a followed link what is gone there", async () => {
  await using pair = await Pair.of({
    "ext/a": "1",
    "ext/b": "2",
    l: { symlink: "ext" },
  }, {});
  await pair.mirror({ symlinks: "follow" });
  assertEquals(pair.to.dump()["l/b"], "2");
  const ext = await pair.sourceRoot.openDirectory("ext" as Name);
  await ext.removeFile("b" as Name);
  ext.close();
  const summary = await pair.mirror({ symlinks: "follow" });
  assertEquals(left(summary), []);
  assertEquals(Object.keys(pair.to.dump()).sort(), ["ext/a", "l/a"]);
});

Deno.test("mirror() puts what links point to in the place of links at the target", async () => {
  const tree = { "ext/a": "1", l: { symlink: "ext" } };
  await using pair = await Pair.of(tree, {});
  await pair.mirror();
  await pair.mirror({ symlinks: "follow" });
  assertEquals(Object.keys(pair.to.dump()).sort(), ["ext/a", "l/a"]);
});

Deno.test("mirror() gives directories that may not be written to their mode again", async () => {
  await using pair = await Pair.of({ "d/a": "1", "d/b": "2" }, {});
  const d = await pair.sourceRoot.openDirectory("d" as Name);
  for (const directory of [d, pair.sourceRoot]) {
    await directory.setOwnMetadata({ mode: 0o555, mtime: 1_500_000_000_000 });
  }
  await pair.mirror();
  await d.removeFile("b" as Name);
  await d.setOwnMetadata({ mode: 0o555, mtime: 1_500_000_000_000 });
  d.close();
  await pair.mirror();
  assert(pair.equal);
  assertEquals((await pair.targetRoot.stat()).mode, 0o555);
  const there = await pair.targetRoot.lookup("d" as Name);
  assertEquals([there?.mode, there?.mtime], [0o555, 1_500_000_000_000]);
});

function denied(name: string): FileSystemError {
  return new FileSystemError("denied", `Cannot open "${name}": no permission`);
}
