/** Large files that begin as copies of their old versions. */
import { assert, assertEquals } from "@std/assert";
import { recipeOf } from "../../../src/content/recipe.ts";
import { parseName, parseRelPath } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { hooked } from "../../../src/fs/hooked_fs.ts";
import { MemoryRecipeStore } from "../../../src/fs/recipe_store.ts";
import { Random } from "../../support/random.ts";
import { concat, RecipeWorld } from "../../support/recipe_world.ts";

const MIB = 1024 * 1024;
const OLD = new Random(1).bytes(4 * MIB);

function overwritten(): Uint8Array {
  const bytes = OLD.slice();
  for (const at of [0, 1 * MIB, 3 * MIB]) {
    bytes.set(new Random(at + 2).bytes(64), at);
  }
  return bytes;
}

/** Versions of {@link OLD}, and how often the target may read as many bytes. */
const VERSIONS: readonly (readonly [string, Uint8Array, number])[] = [
  ["overwritten in places", overwritten(), 1.3],
  ["appended to", concat([OLD, new Random(3).bytes(50_000)]), 1.3],
  ["truncated", OLD.subarray(0, 2 * MIB + 5), 2.5],
  // Once more out of the draft.
  ["lengthened in front", concat([new Random(4).bytes(999), OLD]), 2.3],
  ["cut in front", OLD.subarray(100_000), 2.3],
  ["shuffled", concat([OLD.subarray(MIB), OLD.subarray(0, MIB)]), 2.5],
];

for (const [name, bytes, times] of VERSIONS) {
  Deno.test(`of a file that was ${name}, the old version is read once`, async () => {
    const world = new RecipeWorld({ f: bytes }, { f: OLD });
    const opened: string[] = [];
    const before = world.target.counters.bytesRead;
    const { summary } = await world.run({
      wrap: (fileSystem) =>
        hooked(fileSystem, (method, path) => {
          if (method === "openWritable") opened.push(path);
        }),
    });
    assertEquals(summary.problems, []);
    assertEquals(summary.rounds, 1);
    assertEquals(world.target.dump("/"), world.source.dump("/"));
    // As a draft, and to be finished.
    assertEquals(opened.filter((path) => path.endsWith("/f")).length, 2);
    const read = world.target.counters.bytesRead - before;
    const most = times * bytes.length;
    assert(read <= most, `${read} bytes, ${most} allowed`);
  });

  Deno.test(`a file that was ${name} begins as a draft if its old version is known, too`, async () => {
    const world = new RecipeWorld({ f: bytes }, { f: OLD });
    const root = await world.target.openRoot("/");
    const version = (await root.lookup(parseName("f")))!;
    root.close();
    const path = parseRelPath("f");
    const sourceStore = new MemoryRecipeStore();
    const targetStore = new MemoryRecipeStore();
    // The source knows of that path, but not in its version.
    sourceStore.remember(path, { ...version, inode: 0 }, recipeOf(OLD));
    targetStore.remember(path, version, recipeOf(OLD));
    const opened: string[] = [];
    const before = world.target.counters.bytesRead;
    const { summary } = await world.run({
      sourceStore,
      targetStore,
      wrap: (fileSystem) =>
        hooked(fileSystem, (method, path) => {
          if (method === "openWritable") opened.push(path);
        }),
    });
    assertEquals([summary.problems, summary.rounds], [[], 1]);
    assertEquals(world.target.dump("/"), world.source.dump("/"));
    assertEquals(opened.filter((path) => path.endsWith("/f")).length, 2);
    const read = world.target.counters.bytesRead - before;
    assert(read <= times * bytes.length, `${read} bytes`);
  });

  Deno.test(`a file that was ${name} comes right where a draft can't be written`, async () => {
    const world = new RecipeWorld({ f: bytes }, { f: OLD });
    let writes = 0;
    const { summary } = await world.run({
      wrap: (fileSystem) =>
        hooked(fileSystem, (method, path) => {
          if (method !== "write" || !path.endsWith("/f")) return;
          if (++writes === 2) {
            throw new FileSystemError("no-space", "Cannot write: it is full");
          }
        }),
    });
    assert(writes > 2);
    assertEquals(summary.problems, []);
    assertEquals(world.target.dump("/"), world.source.dump("/"));
  });

  Deno.test(`a file that was ${name} comes right where the old version changes while it is copied`, async () => {
    const world = new RecipeWorld({ f: bytes }, { f: OLD });
    let writes = 0;
    const { summary } = await world.run({
      wrap: (fileSystem) =>
        hooked(fileSystem, async (method, path) => {
          if (method !== "write" || !path.endsWith("/f")) return;
          if (++writes !== 2) return;
          const root = await world.target.openRoot("/");
          const file = await root.openWritable(parseName("f"));
          await file.write(new Uint8Array(9).fill(7), 10);
          file.close();
          root.close();
        }),
    });
    assert(writes > 1);
    assertEquals(summary.problems, []);
    assertEquals(world.target.dump("/"), world.source.dump("/"));
  });

  Deno.test(`a file that was ${name} comes right where its draft vanishes`, async () => {
    const world = new RecipeWorld({ f: bytes }, { f: OLD });
    let opened = 0;
    const { summary } = await world.run({
      wrap: (fileSystem) =>
        hooked(fileSystem, async (method, path, directory) => {
          if (method !== "openWritable" || !path.endsWith("/f")) return;
          if (++opened !== 2) return;
          await directory.removeFile(parseName("f"));
        }),
    });
    assert(opened > 2);
    assertEquals(summary.problems, []);
    assertEquals(world.target.dump("/"), world.source.dump("/"));
  });

  Deno.test(`a draft of a file that was ${name} never looks complete before it is`, async () => {
    const world = new RecipeWorld({ f: bytes }, { f: OLD });
    const sizes: number[] = [];
    await world.run({
      wrap: (fileSystem) =>
        hooked(fileSystem, async (method, path, directory) => {
          if (method !== "write" || !path.endsWith("/f")) return;
          sizes.push((await directory.lookup(parseName("f")))!.size);
        }),
    });
    assert(sizes.length > 0);
    assertEquals(new Set(sizes), new Set([bytes.length + 1]));
  });
}

Deno.test("a draft that a lost connection has left is gone on with", async () => {
  const bytes = overwritten();
  const world = new RecipeWorld({ f: bytes }, { f: OLD });
  let failed = false;
  try {
    await world.run({
      wrapSource: (fileSystem) =>
        hooked(fileSystem, (method) => {
          if (method === "openFile" && failed) throw new Error("gone");
          if (method === "openFile") failed = true;
        }),
    });
    failed = false;
  } catch {
    // The source was gone when content was wanted.
  }
  assert(failed);
  const left = world.target.dump("/")[".lockstep/stage/f"];
  assert(left instanceof Uint8Array);
  assertEquals(left.length, bytes.length + 1);
  const { summary, sent } = await world.run();
  assertEquals(summary.problems, []);
  assert(sent < MIB, `${sent}`);
  assertEquals(world.target.dump("/"), world.source.dump("/"));
});

Deno.test("of a file that was renamed and copied, each is right, and the first one is read once", async () => {
  const stamped = { mtime: 1_600_000_000_000 };
  const world = new RecipeWorld({}, {});
  for (
    const [side, names] of [["source", ["new", "d/copy"]], ["target", [
      "old",
    ]]] as const
  ) {
    const root = await world[side].openRoot("/");
    if (side === "source") await root.createDirectory(parseName("d"));
    for (const name of names) {
      const directory = name === "d/copy"
        ? await root.openDirectory(parseName("d"))
        : root;
      const metadata = { mode: 0o644, ...stamped };
      await directory.createFile(
        parseName(name.replace("d/", "")),
        OLD,
        metadata,
      );
      if (directory !== root) directory.close();
    }
    root.close();
  }
  const before = world.target.counters.bytesRead;
  const { summary, sent } = await world.run();
  assertEquals(summary.problems, []);
  assertEquals(world.target.dump("/"), world.source.dump("/"));
  assert(sent < 20_000, `${sent}`);
  // Once for both to be compared, once for the second one.
  const read = world.target.counters.bytesRead - before;
  assert(read < 2.1 * OLD.length, `${read}`);
});
