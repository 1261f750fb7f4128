import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { Operation } from "../../../src/core/operation.ts";
import { NO_ORIGINS, originsOf } from "../../../src/core/origins.ts";
import type { Name } from "../../../src/core/path.ts";
import type { ContentBatch, Piece } from "../../../src/core/piece.ts";
import type { Snapshot } from "../../../src/core/snapshot.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { ContentDigests } from "../../../src/session/content_digests.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror } from "../../../src/session/mirror.ts";
import {
  type AppliedChanges,
  ObservedEndpoint,
} from "../../../src/session/observed_endpoint.ts";
import { OperationRecorder } from "../../../src/session/operation_recorder.ts";
import { directory, file, path } from "../../support/trees.ts";

type Tree = Parameters<typeof MemoryFileSystem.from>[0];

const DONE = { kind: "done", message: "" } as const;
const OPTIONS = { checksum: false, symlinks: "copy", deletes: true } as const;

function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Mirrors `from` to `to` once for each of `edits`, each made before its round. */
async function record(
  from: MemoryFileSystem,
  to: MemoryFileSystem,
  edits: readonly (() => Promise<void>)[],
): Promise<string[][]> {
  let lines: string[] = [];
  const onOperation = ({ name, path, digest = "-" }: Operation): void => {
    lines.push(`${name} ${digest} ${path}`);
  };
  const recorder = new OperationRecorder({ digests: true, onOperation });
  const source = await LocalEndpoint.open(from, "/");
  const target = await LocalEndpoint.open(to, "/");
  const rounds: string[][] = [];
  for (const edit of edits) {
    await edit();
    lines = [];
    await mirror(source, target, { ...OPTIONS, observers: [recorder] });
    rounds.push(lines);
  }
  await source.close(DONE);
  await target.close(DONE);
  return rounds;
}

async function remove(fs: MemoryFileSystem, name: string): Promise<void> {
  const root = await fs.openRoot("/");
  await root.removeFile(path(name) as never);
  root.close();
}

const TREE: Tree = {
  big: "0123456789".repeat(50_000),
  "dir/empty": "",
  "dir/small": "text",
};

Deno.test("the recorder hashes content as it passes, and knows what it put back", async () => {
  const from = MemoryFileSystem.from(TREE);
  const to = MemoryFileSystem.from({});
  const big = sha256("0123456789".repeat(50_000));
  const rounds = await record(from, to, [
    () => Promise.resolve(),
    () => Promise.resolve(),
    () => remove(to, "big"),
    () => remove(from, "big"),
  ]);
  const own = (lines: readonly string[] | undefined): string[] =>
    lines!.filter((line) => line !== "touch - ");
  assertEquals(own(rounds[0]), [
    `create ${big} big`,
    "create - dir",
    `create ${sha256("")} dir/empty`,
    `create ${sha256("text")} dir/small`,
  ]);
  assertEquals(rounds[1], []);
  assertEquals(own(rounds[2]), [`restore ${big} big`]);
  assertEquals(own(rounds[3]), ["delete - big"]);
});

Deno.test("the recorder says nothing of what was not achieved", async () => {
  const source = await LocalEndpoint.open(MemoryFileSystem.from(TREE), "/");
  const target = await LocalEndpoint.open(MemoryFileSystem.from({}), "/");
  const transition = target.transition.bind(target);
  target.transition = async (changes, signal) => {
    const result = await transition(changes, signal);
    // As if the one had failed, and nobody said why.
    const done = result.done.map((isDone, i) =>
      changes[i]!.path === "big" ? 0 : isDone
    );
    return { ...result, done };
  };
  const paths: string[] = [];
  const recorder = new OperationRecorder({
    digests: false,
    onOperation: ({ path }) => void paths.push(path),
  });
  const { problems } = await mirror(source, target, {
    ...OPTIONS,
    observers: [recorder],
  });
  assertEquals(problems.map(({ problem }) => problem.path), [path("big")]);
  assertEquals(paths.filter((at) => at !== ""), [
    "dir",
    "dir/empty",
    "dir/small",
  ]);
  await source.close(DONE);
  await target.close(DONE);
});

Deno.test("an observed target tells what it achieved, and the digest of its tree", async () => {
  const source = await LocalEndpoint.open(MemoryFileSystem.from(TREE), "/");
  const inner = await LocalEndpoint.open(
    MemoryFileSystem.from({ extra: "x", "dir/small": "old text" }),
    "/",
  );
  const told: AppliedChanges[] = [];
  const target = new ObservedEndpoint(inner, (applied) => told.push(applied));
  const { digest } = await mirror(source, target, OPTIONS);
  assertEquals(told.map((applied) => applied.digest), [digest]);
  await mirror(source, target, OPTIONS);
  assertEquals(told.length, 1);
  await source.close(DONE);
  await target.close(DONE);
});

Deno.test("a move is told at both ends, with the digest of the tree that it leads to", async () => {
  const origin = MemoryFileSystem.from(TREE);
  const copy = MemoryFileSystem.from({});
  const operations: string[] = [];
  const told: AppliedChanges[] = [];
  let before: Snapshot | undefined;
  const recorder = new OperationRecorder({
    digests: true,
    onOperation: ({ name, path, from, digest }) =>
      void operations.push(`${name} ${from ?? ""} ${path} ${digest?.length}`),
  });
  const round = async (): Promise<string> => {
    const source = await LocalEndpoint.open(origin, "/");
    const inner = await LocalEndpoint.open(copy, "/");
    const target = new ObservedEndpoint(inner, (set) => told.push(set));
    const { digest } = await mirror(source, target, {
      ...OPTIONS,
      origins: (here) => {
        const origins = before && originsOf(before.root, here.root);
        before = here;
        return origins ?? NO_ORIGINS;
      },
      observers: [recorder],
    });
    await source.close(DONE);
    await target.close(DONE);
    return digest;
  };
  await round();
  operations.length = told.length = 0;
  const root = await origin.openRoot("/");
  const dir = await root.openDirectory("dir" as Name);
  await root.rename("big" as Name, dir, "large" as Name);
  dir.close();
  root.close();
  const digest = await round();
  assertEquals(operations.filter((line) => line.startsWith("move")), [
    "move big dir/large 64",
  ]);
  assertEquals(operations.filter((line) => /^(create|delete)/.test(line)), []);
  assertEquals(told[0]?.moves.map(({ from, to }) => [from, to]), [
    [path("big"), path("dir/large")],
  ]);
  assertEquals(told.at(-1)?.digest, digest);
});

Deno.test("ContentDigests knows only files that passed as a whole", () => {
  const bytes = new TextEncoder().encode("abc");
  const changes = ["a", "b", "c", "d"].map((name) => ({
    path: path(name),
    old: undefined,
    new: file(),
  }));
  changes.push({ path: path("e"), old: undefined, new: file() });
  const digests = new ContentDigests([
    ...changes,
    { path: path("x"), old: undefined, new: directory({ y: file() }) },
  ]);
  const add = (...pieces: Piece[]): void =>
    digests.add({ pieces, byteLength: 0 } satisfies ContentBatch);
  const data = (index: number, offset: number, last: boolean): Piece => ({
    kind: "data",
    index,
    offset,
    bytes,
    last,
  });
  // In two parts, with zeros between them.
  add(data(0, 0, false));
  add({ kind: "hole", index: 0, offset: 3, length: 100_000, last: false });
  add(data(0, 100_003, true));
  // Continued where an earlier run was broken off.
  add(data(1, 3, true));
  // It turns out to be another version.
  add(data(2, 0, false), {
    kind: "unavailable",
    index: 2,
    code: "stale",
    message: "",
  });
  // A part is missing.
  add(data(3, 0, false), data(3, 6, true));
  add(data(5, 0, true));
  const lookup = digests.lookup();
  const found = ["a", "b", "c", "d", "e", "x/y"].map((at) => lookup(path(at)));
  assertEquals(found, [
    sha256(bytes, new Uint8Array(100_000), bytes),
    undefined,
    undefined,
    undefined,
    undefined,
    sha256(bytes),
  ]);
});
