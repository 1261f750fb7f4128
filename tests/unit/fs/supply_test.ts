import { assert, assertEquals } from "@std/assert";
import { filesOf } from "../../../src/core/change.ts";
import type { FileEntry, TrackedEntry } from "../../../src/core/entry.ts";
import type { Name, RelPath } from "../../../src/core/path.ts";
import {
  MAX_BATCH_BYTES,
  MAX_BATCH_PIECES,
  type Piece,
} from "../../../src/core/piece.ts";
import { NO_IGNORE } from "../../../src/core/snapshot.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan } from "../../../src/fs/scan.ts";
import { supply } from "../../../src/fs/supply.ts";

type Tree = Parameters<typeof MemoryFileSystem.from>[0];

/** What was supplied of one file, put together again. */
interface Received {
  readonly bytes: Uint8Array;
  readonly holes: number;
  readonly ended: boolean;
}

/**
 * Supplies all files of `tree`, and puts the pieces together again; checks on the
 * way what holds for every batch. `before` runs between scan and supply.
 */
async function supplyAll(
  tree: Tree,
  before?: (fileSystem: MemoryFileSystem) => Promise<void>,
): Promise<{ files: Received[]; unavailable: Piece[] }> {
  const fileSystem = MemoryFileSystem.from(tree);
  const root = await fileSystem.openRoot("/");
  const snapshot = await scan(root, {
    checksum: false,
    symlinks: "copy",
    modes: true,
    ignore: NO_IGNORE,
  });
  await before?.(fileSystem);
  const changes = [...snapshot.root.children].map(([name, entry]) => ({
    path: name as unknown as RelPath,
    old: undefined,
    new: entry as TrackedEntry,
  }));
  const requests = [...filesOf(changes)].map((file) => ({
    ...file,
    resume: undefined,
  }));
  const files: { bytes: Uint8Array; holes: number; ended: boolean }[] = requests
    .map(({ entry }) => ({
      bytes: new Uint8Array(entry.size),
      holes: 0,
      ended: false,
    }));
  const unavailable: Piece[] = [];
  for await (const batch of supply(root, requests, { follow: false })) {
    assert(batch.byteLength <= MAX_BATCH_BYTES);
    assert(batch.pieces.length > 0);
    assert(batch.pieces.length <= MAX_BATCH_PIECES);
    for (const piece of batch.pieces) {
      if (piece.kind === "unavailable") {
        unavailable.push(piece);
        continue;
      }
      const file = files[piece.index]!;
      assert(!file.ended, "nothing comes after the end");
      if (piece.kind === "data") {
        assert(piece.bytes.length > 0 || piece.last, "no piece is empty");
        file.bytes.set(piece.bytes, piece.offset);
      } else file.holes += piece.length;
      file.ended = piece.last;
    }
    batch.release?.();
  }
  root.close();
  return { files, unavailable };
}

function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return new Uint8Array(length).map(() => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state >> 16) | 1;
  });
}

Deno.test("supply() gives back files of every size, whatever comes before them", async () => {
  const sizes = [
    0,
    1,
    7,
    65_535,
    65_536,
    65_537,
    MAX_BATCH_BYTES - 1,
    MAX_BATCH_BYTES,
    MAX_BATCH_BYTES + 1,
    3 * MAX_BATCH_BYTES - 3,
    500_001,
  ];
  // Small files before large ones: the large ones begin at every offset of a batch.
  for (const [i, size] of sizes.entries()) {
    for (const filler of [...sizes.slice(0, 5), MAX_BATCH_BYTES - 5]) {
      const tree = {
        a: noise(filler % 65_537, 1),
        b: noise(60_000, 2),
        c: noise(size, i + 3),
        d: noise(MAX_BATCH_BYTES - 3, 4),
        e: noise(100_000, 5),
      };
      const { files, unavailable } = await supplyAll(tree);
      assertEquals(unavailable, []);
      for (const [at, content] of Object.values(tree).entries()) {
        assert(files[at]!.ended);
        assertEquals(
          files[at]!.bytes.every((byte, j) => byte === content[j]),
          true,
        );
      }
    }
  }
});

Deno.test("supply() begins a large file where a batch is full to its last word", async () => {
  for (let left = 0; left <= 9; left++) {
    const { files } = await supplyAll({
      a: noise(65_536, 1),
      b: noise(65_536, 2),
      c: noise(MAX_BATCH_BYTES - 2 * 65_536 - left, 3),
      d: noise(100_000, 4),
    });
    assert(files.every(({ ended }) => ended));
  }
});

Deno.test("supply() sends zeros as holes", async () => {
  const content = new Uint8Array(1_000_000);
  content.set(noise(5_000, 1), 400_000);
  const { files } = await supplyAll({ sparse: content });
  assert(files[0]!.ended);
  assert(files[0]!.holes > 980_000);
  assertEquals(files[0]!.bytes.every((byte, i) => byte === content[i]), true);
});

Deno.test("supply() puts many small files into one batch, but not too many", async () => {
  const tree = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, i) => [`f${i}`, "x"]),
  );
  const { files } = await supplyAll(tree);
  assertEquals(files.filter(({ ended }) => ended).length, 5_000);
});

Deno.test("supply() names files that have changed or gone since the scan", async () => {
  const { files, unavailable } = await supplyAll(
    {
      "d/gone": "1",
      "d/grown": "22",
      "d/same": "333",
      large: noise(300_000, 1),
    },
    async (fileSystem) => {
      const root = await fileSystem.openRoot("/");
      const d = await root.openDirectory(
        "d" as Parameters<
          typeof root.openDirectory
        >[0],
      );
      type Name = Parameters<typeof d.removeFile>[0];
      await d.removeFile("gone" as Name);
      for (
        const [directory, name] of [[d, "grown"], [root, "large"]] as const
      ) {
        const file = await directory.openWritable(name as Name);
        await file.write(new Uint8Array(9), 1);
        file.close();
      }
      d.close();
      root.close();
    },
  );
  assertEquals(
    unavailable.map((piece) => [
      piece.index,
      piece.kind === "unavailable" && piece.code,
    ]),
    [[0, "stale"], [1, "stale"], [3, "stale"]],
  );
  assertEquals(files.map(({ ended }) => ended), [false, false, true, false]);
});

Deno.test("supply() names thousands of lost files without filling a message", async () => {
  const tree = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`f${i}`, "x"]),
  );
  const { unavailable } = await supplyAll(tree, async (fileSystem) => {
    const root = await fileSystem.openRoot("/");
    for (const name of Object.keys(tree)) {
      await root.removeFile(name as Parameters<typeof root.removeFile>[0]);
    }
    root.close();
  });
  assertEquals(unavailable.length, 200);
});

Deno.test("supply() gives a file that was just written at once, if its digest proves it", async () => {
  const fileSystem = MemoryFileSystem.from({}, { now: Date.now });
  const root = await fileSystem.openRoot("/");
  const metadata = { mode: 0o644, mtime: Date.now() };
  const content = new TextEncoder().encode("new");
  await root.createFile("f" as Name, content, metadata);
  const options = {
    checksum: true,
    symlinks: "copy",
    modes: true,
    ignore: NO_IGNORE,
  } as const;
  const { children } = (await scan(root, options)).root;
  const entry = children.get("f" as Name) as FileEntry;
  const path = "f" as RelPath;
  const kinds: string[] = [];
  // What was scanned, and what a write in the same tick would have made of it.
  for (const digest of [entry.digest!, "0".repeat(64)]) {
    const seen = { ...entry, mtime: Date.now(), digest };
    await root.setMetadata("f" as Name, { mode: 0o644, mtime: seen.mtime });
    const now = await root.lookup("f" as Name);
    const request = {
      index: 0,
      path,
      entry: { ...seen, ctime: now!.ctime },
      resume: undefined,
    };
    for await (const { pieces } of supply(root, [request], { follow: false })) {
      kinds.push(...pieces.map(({ kind }) => kind));
    }
  }
  assertEquals(kinds, ["data", "unavailable"]);
  root.close();
});
