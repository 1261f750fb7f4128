/**
 * Wrong bits in what a broken-off run has left in `.lockstep/`: the next run makes
 * the target equal all the same, or the one after it, which looks at the bytes,
 * does; and what is wrong is never told of as right there.
 */
import { assert, assertEquals } from "@std/assert";
import type { Name } from "../../src/core/path.ts";
import { FileSystemError } from "../../src/errors.ts";
import type { Directory } from "../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { mirror } from "../../src/session/mirror.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { CHANGING, HURRIED } from "../support/two_way_world.ts";

const CASES = Math.ceil(
  Number(Deno.env.get("LOCKSTEP_DAMAGES") ?? 1_500) / 10,
);
const SEED = seedOr(61);

async function run(
  source: MemoryFileSystem,
  target: MemoryFileSystem,
  checksum: boolean,
): Promise<void> {
  const from = await LocalEndpoint.open(source, "/");
  const to = await LocalEndpoint.open(target, "/");
  let kind: "done" | "failed" = "failed";
  try {
    await to.recover();
    const options = {
      symlinks: "copy",
      deletes: true,
      clock: HURRIED,
    } as const;
    await mirror(from, to, { ...options, checksum });
    kind = "done";
  } finally {
    await from.close({ kind: "done", message: "" });
    await to.close({ kind, message: "" }).catch(() => {});
  }
}

/** Turns a bit of some file below `directory`, whose times stay: whether there was one. */
async function damage(directory: Directory, random: Random): Promise<boolean> {
  const { entries } = await directory.list();
  const usable = entries.filter(({ stat }) =>
    stat.kind === "directory" || (stat.kind === "file" && stat.size > 0)
  );
  if (usable.length === 0) return false;
  const { name, stat } = random.pick(usable);
  if (stat.kind === "directory") {
    const inner = await directory.openDirectory(name);
    try {
      return await damage(inner, random);
    } finally {
      inner.close();
    }
  }
  if (stat.kind !== "file") return false;
  const file = await directory.openWritable(name);
  try {
    const at = random.below(stat.size);
    const byte = new Uint8Array(1);
    await file.read(byte, at);
    byte[0]! ^= 1 << random.below(8);
    await file.write(byte, at);
    await file.setMetadata({ mode: stat.mode, mtime: stat.mtime });
  } finally {
    file.close();
  }
  return true;
}

Deno.test(`N16: ${CASES} wrong bits in what a broken-off run has staged do no lasting harm`, async () => {
  let damaged = 0;
  let served = 0;
  for (let i = 0; i < 4 * CASES && damaged < CASES; i++) {
    const random = new Random(SEED * 7_919 + i);
    const where = `LOCKSTEP_SEED=${SEED}, case ${i}`;
    const source = MemoryFileSystem.from({
      a: random.bytes(50_000).toHex(),
      "d/b": random.bytes(i % 10 === 0 ? 700_000 : 40_000).toHex(),
      "d/c": random.bytes(10).toHex(),
      "new/e/f": random.bytes(20_000).toHex(),
    });
    const target = MemoryFileSystem.from({ a: "old", "d/b": "old" });
    let left = random.between(2, 50);
    target.fault = (method) => {
      if (!CHANGING.has(method) || left-- > 0) return undefined;
      return new FileSystemError("io", "The process is dead");
    };
    await run(source, target, false).catch((error) => {
      if (!(error instanceof FileSystemError)) throw error;
    });
    target.fault = undefined;
    const root = await target.openRoot("/");
    try {
      const staging = await root.openDirectory(".lockstep" as Name);
      try {
        if (!await damage(staging, random)) continue;
      } finally {
        staging.close();
      }
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      continue;
    } finally {
      root.close();
    }
    damaged++;
    await run(source, target, false);
    if (!isEqual(source, target)) served++;
    await run(source, target, true);
    assert(isEqual(source, target), where);
    note("N16", "damages", 1);
  }
  assertEquals([damaged, served], [CASES, 0]);
});

function isEqual(one: MemoryFileSystem, two: MemoryFileSystem): boolean {
  const [first, second] = [one, two].map((it) =>
    JSON.stringify(
      Object.entries(it.dump())
        // What could not be proven to be what it was is kept for people.
        .filter(([path]) => !path.startsWith(".lockstep"))
        .sort(),
    )
  );
  return first === second;
}
