/**
 * The file system fails one call of a mirror, each call in turn: with an error of
 * the disk, with no room, and with no permission. Whatever the call was, no path is
 * torn, what was not done is named (or the run fails as a whole), and the next run
 * makes both sides equal.
 */
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../src/core/clock.ts";
import { FileSystemError, type FileSystemErrorCode } from "../../src/errors.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../src/fs/memory_state.ts";
import type { PlainEntry, PlainTree } from "../../src/fs/memory_tree.ts";
import type { MirrorSummary } from "../../src/session/events.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { mirror } from "../../src/session/mirror.ts";
import { RUNS } from "../support/arbitraries.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";

const OLD: PlainTree = {
  replaced: "old",
  "replaced too": "old ",
  same: "same",
  deleted: "old",
  large: "o".repeat(150_000),
  link: { symlink: "replaced" },
  "d/replaced": "old",
  "d/deleted": "old",
  "gone/file": "old",
  "gone/deep/file": "old",
  "gone/deep/link": { symlink: "file" },
  "becomes-directory": "old",
  "becomes-file/a": "old",
  "becomes-file/b/c": "old",
  "becomes-link": "old",
  "link-becomes-file": { symlink: "same" },
  "link-becomes-directory": { symlink: "d" },
};

const NEW: PlainTree = {
  replaced: "new content",
  "replaced too": "new content too",
  same: "same",
  created: "new",
  large: "n".repeat(140_000),
  link: { symlink: "created" },
  "d/replaced": "new content",
  "d/created": "new",
  "new/file": "new",
  "new/large": "N".repeat(100_000),
  "new/deep/file": "new",
  "new/deep/link": { symlink: "../file" },
  "new/empty/": null,
  "becomes-directory/file": "new",
  "becomes-file": "new",
  "becomes-link": { symlink: "created" },
  "link-becomes-file": "new",
  "link-becomes-directory/inner": "new",
};

const CODES: readonly FileSystemErrorCode[] = ["no-space", "io", "denied"];

const CHANGING: readonly MemoryMethod[] = [
  ...["createFile", "openWritable", "createDirectory", "createSymlink"],
  ...["setMetadata", "setOwnMetadata", "rename", "moveNew", "link"],
  ...["removeFile", "removeDirectory", "write", "truncate"],
  ...["flush", "flushFileSystem"],
] as MemoryMethod[];

const LOOKING: readonly MemoryMethod[] = [
  ...["openRoot", "stat", "lookup", "list", "openDirectory", "readLink"],
  ...["readFile", "openFile", "read", "lock"],
] as MemoryMethod[];

/** It stays when it was made, and then nothing could be put into it. */
const KEPT = ".lockstep/kept/";

/** Time passes at once: what a mirror waits for between its rounds is not here. */
const HURRIED: Clock = {
  now: (): number => 0,
  after(_ms, fn): () => void {
    const timer = setTimeout(fn, 0);
    return () => clearTimeout(timer);
  },
};

interface Sides {
  readonly source: MemoryFileSystem;
  readonly target: MemoryFileSystem;
}

/** A whole run, as the command does it. @throws What fails as a whole. */
async function mirrorOnce({ source, target }: Sides): Promise<MirrorSummary> {
  const from = await LocalEndpoint.open(source, "/");
  try {
    const to = await LocalEndpoint.open(target, "/", { create: true });
    let kind: "done" | "failed" = "failed";
    try {
      await to.recover();
      const summary = await mirror(from, to, {
        checksum: false,
        symlinks: "copy",
        deletes: true,
        clock: HURRIED,
      });
      kind = "done";
      return summary;
    } finally {
      await to.close({ kind, message: "" });
    }
  } finally {
    await from.close({ kind: "done", message: "" });
  }
}

/** Which calls fail, and how. */
interface Fault {
  readonly side: keyof Sides;
  readonly methods: readonly MemoryMethod[];
  /** From 1. */
  readonly call: number;
  /** Whether all such calls after it fail, too. */
  readonly lasts: boolean;
  readonly code: FileSystemErrorCode;
}

/** Orders `fault`; answers where the first call that failed will be found. */
function order(
  fileSystem: MemoryFileSystem,
  { methods, call, lasts, code }: Fault,
): { failed: string } {
  let calls = 0;
  const state = { failed: "" };
  fileSystem.fault = (method, path) => {
    if (!methods.includes(method) || ++calls < call) return undefined;
    if (calls > call && !lasts) return undefined;
    if (calls === call) state.failed = `${method} ${path}`;
    return new FileSystemError(code, `Cannot ${method} ${path}: ordered`);
  };
  return state;
}

/** The tree without what is Lockstep's own. */
function treeOf(fileSystem: MemoryFileSystem): Map<string, string> {
  const own = (path: string): boolean => path.startsWith(".lockstep");
  return new Map(
    Object.entries(fileSystem.dump())
      .filter(([path]) => !own(path))
      .map(([path, entry]) => [path, JSON.stringify(entry)]),
  );
}

function leftovers(fileSystem: MemoryFileSystem): string[] {
  return Object.keys(fileSystem.dump())
    .filter((path) => path.startsWith(".lockstep"));
}

/**
 * Paths that hold neither what was there nor what shall be there; or nothing at
 * all, though both versions have a file or a link there.
 */
function tornPaths(found: ReadonlyMap<string, string>): string[] {
  const text = (entry: PlainEntry | undefined): string | undefined =>
    entry === undefined ? undefined : JSON.stringify(entry);
  return [...new Set([...Object.keys(OLD), ...Object.keys(NEW)])].filter(
    (path) => {
      const [old, wanted] = [text(OLD[path]), text(NEW[path])];
      const is = found.get(path);
      if (is !== undefined) return is !== old && is !== wanted;
      return old !== undefined && wanted !== undefined;
    },
  );
}

/** Differences of which no problem tells, by their paths. */
function unnamed(
  { source, target }: Sides,
  { problems }: MirrorSummary,
): string[] {
  const wanted = treeOf(source);
  const found = treeOf(target);
  const named = problems.map(({ problem }) => String(problem.path));
  return [...new Set([...wanted.keys(), ...found.keys()])].filter((path) =>
    wanted.get(path) !== found.get(path) &&
    !named.some((at) =>
      at !== "" && (path === at || path.startsWith(`${at}/`) ||
        at.startsWith(path))
    )
  );
}

/** A run with `fault`, and what comes after it; false if there is no such call. */
async function survives(fault: Fault): Promise<boolean> {
  const sides = {
    source: MemoryFileSystem.from(NEW),
    target: MemoryFileSystem.from(OLD),
  };
  const state = order(sides[fault.side], fault);
  const summary = await mirrorIfPossible(sides);
  const { side, call, code, lasts } = fault;
  const where = `${code}${lasts ? " for good" : ""} at ${side}, ` +
    `call ${call}: ${state.failed}`;
  const { kept, named } = await assertUnharmed(sides, summary, where);
  if (summary !== undefined) assert(named > 0 || kept.length === 0, where);
  return state.failed !== "";
}

/** What a run has achieved; undefined if it failed as a whole, for a reason. */
async function mirrorIfPossible(
  sides: Sides,
): Promise<MirrorSummary | undefined> {
  try {
    return await mirrorOnce(sides);
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    return undefined;
  }
}

/**
 * Fails unless a run with faults did no harm, and the next one, without, completes.
 * Answers what was kept, and how often the runs have said so.
 */
async function assertUnharmed(
  sides: Sides,
  summary: MirrorSummary | undefined,
  where: string,
): Promise<{ readonly kept: readonly string[]; readonly named: number }> {
  sides.source.fault = sides.target.fault = undefined;
  assertEquals(tornPaths(treeOf(sides.target)), [], where);
  if (summary !== undefined) assertEquals(unnamed(sides, summary), [], where);

  const next = await mirrorOnce(sides);
  assertEquals(treeOf(sides.target), treeOf(sides.source), where);
  assert(next.problems.every(({ problem }) => problem.code === "kept"), where);
  // Nothing is left but what could neither be put back nor given up.
  const left = leftovers(sides.target);
  assertEquals(left.filter((path) => !path.startsWith(KEPT)), [], where);
  const { created, replaced, touched, deleted } =
    (await mirrorOnce(sides)).changes;
  assertEquals([created, replaced, touched, deleted], [0, 0, 0, 0], where);
  return {
    kept: left.filter((path) => path !== KEPT),
    named: [...summary?.problems ?? [], ...next.problems]
      .filter(({ problem }) => problem.code === "kept").length,
  };
}

const TABLE: readonly {
  readonly name: string;
  readonly side: keyof Sides;
  readonly methods: readonly MemoryMethod[];
  readonly least: number;
}[] = [
  {
    name: "F01, F06: each call that changes the target",
    side: "target",
    methods: CHANGING,
    least: 100,
  },
  {
    name: "F06: each look at the target",
    side: "target",
    methods: LOOKING,
    least: 100,
  },
  {
    name: "F04, F05: each look at the source",
    side: "source",
    methods: LOOKING,
    least: 40,
  },
];

for (const { name, side, methods, least } of TABLE) {
  for (const lasts of [false, true]) {
    const how = lasts ? "and all after it" : "alone";
    Deno.test({
      name: `${name} may fail, ${how}, and the next run completes`,
      async fn(): Promise<void> {
        for (const code of CODES) {
          let call = 1;
          const fault = { side, methods, lasts, code };
          while (await survives({ ...fault, call })) call++;
          assert(call > least, `only ${call - 1} calls`);
          note("N15", "failed calls", call - 1);
        }
      },
    });
  }
}

Deno.test(`F06: disks on which calls fail at random tear nothing, ${RUNS} times`, async () => {
  const methods = [
    ...CHANGING,
    ...LOOKING.filter((method) => method !== "openRoot" && method !== "list"),
  ];
  let faults = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const random = new Random(seed);
    const sides = {
      source: MemoryFileSystem.from(NEW),
      target: MemoryFileSystem.from(OLD),
    };
    const oneOf = random.pick([200, 50, 10]);
    for (const fileSystem of Object.values(sides)) {
      fileSystem.fault = (method, path) => {
        if (!methods.includes(method) || random.below(oneOf) > 0) return;
        faults++;
        const message = `Cannot ${method} ${path}: ordered`;
        return new FileSystemError(random.pick(CODES), message);
      };
    }
    const summary = await mirrorIfPossible(sides);
    await assertUnharmed(sides, summary, `seed ${seed}`);
  }
  assert(faults > RUNS, `only ${faults} faults`);
  note("N15", "failed calls", faults);
});
