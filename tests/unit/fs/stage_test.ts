import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import type { Change } from "../../../src/core/change.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import type { Piece, Want } from "../../../src/core/piece.ts";
import { FileSystemError, ProtocolError } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { Stage } from "../../../src/fs/stage.ts";
import { StagingArea } from "../../../src/fs/staging_area.ts";
import { directory, file } from "../../support/trees.ts";

const MIB = 1024 * 1024;

/** Two files: number 0 of 4 bytes, number 1 of 10 bytes in a new directory. */
const CHANGES: readonly Change[] = [
  { path: parseRelPath("a"), old: undefined, new: file({ size: 4 }) },
  {
    path: parseRelPath("d"),
    old: undefined,
    new: directory({ b: file({ size: 10 }) }),
  },
];

/** Opens a stage for `changes` in `fileSystem`, and gives it up after `use`. */
async function withStage(
  fileSystem: MemoryFileSystem,
  changes: readonly Change[],
  use: (stage: Stage, wants: readonly Want[]) => Promise<void>,
): Promise<void> {
  const root = await fileSystem.openRoot("/");
  const area = await StagingArea.open(root);
  const stage = new Stage(area, changes);
  try {
    await use(stage, await stage.prepare());
  } finally {
    stage.close();
    await area.close();
    root.close();
  }
}

function data(
  index: number,
  length: number,
  more: Partial<Piece & { kind: "data" }> = {},
): Piece {
  const bytes = new Uint8Array(length).fill(index + 1);
  return { kind: "data", index, offset: 0, bytes, last: true, ...more };
}

async function give(stage: Stage, ...pieces: Piece[]): Promise<void> {
  for (const piece of pieces) {
    await stage.accept({ pieces: [piece], byteLength: 0 });
  }
}

Deno.test("Stage asks for all content when nothing is staged", async () => {
  await withStage(new MemoryFileSystem(), CHANGES, (_, wants) => {
    assertEquals(wants, [{ first: 0, count: 2, resume: undefined }]);
    return Promise.resolve();
  });
});

Deno.test("Stage asks for no content of what is staged already, but for its proof", async () => {
  const fileSystem = new MemoryFileSystem();
  await withStage(fileSystem, CHANGES, (stage) => give(stage, data(0, 4)));
  await withStage(fileSystem, CHANGES, async (stage, wants) => {
    const digest = createHash("sha256").update(new Uint8Array(4).fill(1))
      .digest("hex");
    assertEquals(wants, [
      { first: 0, count: 1, resume: { offset: 4, digest } },
      { first: 1, count: 1, resume: undefined },
    ]);
    assertEquals([stage.isStaged(0), stage.isStaged(1)], [false, false]);
    await give(stage, data(0, 0, { offset: 4 }), data(1, 10));
    assert(stage.isStaged(0));
    assert(stage.isStaged(1));
  });
});

Deno.test("Stage does not take over an older version of a file", async () => {
  const fileSystem = new MemoryFileSystem();
  await withStage(fileSystem, CHANGES, (stage) => give(stage, data(0, 4)));
  const newer: Change = {
    path: parseRelPath("a"),
    old: undefined,
    new: file({ size: 4, mtime: 2_000 }),
  };
  await withStage(fileSystem, [newer], (stage, wants) => {
    assertEquals(wants, [{ first: 0, count: 1, resume: undefined }]);
    assertEquals(stage.isStaged(0), false);
    return Promise.resolve();
  });
});

Deno.test("Stage removes from a new directory what is not wanted in it any more", async () => {
  const fileSystem = new MemoryFileSystem();
  await withStage(fileSystem, CHANGES, (stage) => give(stage, data(1, 10)));
  const other: Change = {
    path: parseRelPath("d"),
    old: undefined,
    new: directory({ c: file({ size: 1 }) }),
  };
  await withStage(fileSystem, [other], async (stage) => {
    await give(stage, data(0, 1));
    assertEquals(Object.keys(fileSystem.dump(".lockstep/stage")), ["d/c"]);
  });
});

Deno.test("Stage asks for the rest of a large file, and proves what it has", async () => {
  const fileSystem = new MemoryFileSystem();
  const change: Change = {
    path: parseRelPath("big"),
    old: undefined,
    new: file({ size: 3 * MIB }),
  };
  await withStage(
    fileSystem,
    [change],
    (stage) => give(stage, data(0, 2 * MIB, { last: false })),
  );
  await withStage(fileSystem, [change], async (stage, wants) => {
    assertEquals(wants.length, 1);
    assertEquals(wants[0]?.resume?.offset, 2 * MIB);
    await give(stage, data(0, MIB, { offset: 2 * MIB }));
    assert(stage.isStaged(0));
  });
});

Deno.test("Stage begins a file anew when the source does", async () => {
  const fileSystem = new MemoryFileSystem();
  const change: Change = {
    path: parseRelPath("big"),
    old: undefined,
    new: file({ size: 2 * MIB }),
  };
  await withStage(
    fileSystem,
    [change],
    (stage) => give(stage, data(0, MIB + 1, { last: false })),
  );
  await withStage(fileSystem, [change], async (stage) => {
    await give(
      stage,
      data(0, MIB, { last: false, bytes: new Uint8Array(MIB).fill(9) }),
      { kind: "hole", index: 0, offset: MIB, length: MIB, last: true },
    );
    const { big } = fileSystem.dump(".lockstep/stage");
    const content = big as unknown as Uint8Array | string;
    assertEquals(content.length, 2 * MIB);
    assert(stage.isStaged(0));
  });
});

const OUT_OF_ORDER: readonly [string, Piece[]][] = [
  ["a file that was not asked for", [data(2, 1)]],
  ["a file that has come already", [data(0, 4), data(0, 4)]],
  ["more bytes than the file has", [data(0, 5)]],
  ["fewer bytes than the file has", [data(0, 3)]],
  ["an end that does not come", [data(1, 10, { last: false })]],
  ["bytes in the middle", [data(1, 5, { offset: 5 })]],
  [
    "a gap",
    [data(1, 4, { last: false }), data(1, 5, { offset: 5 })],
  ],
  [
    "the same bytes twice",
    [data(1, 4, { last: false }), data(1, 4, { last: false })],
  ],
  [
    "another file before one has ended",
    [data(1, 4, { last: false }), data(0, 4)],
  ],
  [
    "a hole beyond the end",
    [{ kind: "hole", index: 1, offset: 0, length: 11, last: true }],
  ],
];

for (const [what, pieces] of OUT_OF_ORDER) {
  Deno.test(`Stage refuses ${what}`, async () => {
    const fileSystem = new MemoryFileSystem();
    await withStage(fileSystem, CHANGES, async (stage) => {
      await assertRejects(() => give(stage, ...pieces), ProtocolError);
    });
  });
}

Deno.test("Stage reports what the source could not read, and goes on", async () => {
  await withStage(new MemoryFileSystem(), CHANGES, async (stage) => {
    const message = "it went away";
    await give(
      stage,
      data(1, 4, { last: false }),
      { kind: "unavailable", index: 1, code: "stale", message },
      data(0, 4),
    );
    assertEquals(
      stage.problems.map(({ path, code }) => [path as string, code]),
      [["d/b", "stale"]],
    );
    assert(stage.isStaged(0));
  });
});

Deno.test("Stage moves no part of a file along with a new directory", async () => {
  const fileSystem = new MemoryFileSystem();
  await withStage(fileSystem, CHANGES, async (stage) => {
    const message = "it was changed while it was being read";
    await give(
      stage,
      data(0, 4),
      data(1, 4, { last: false }),
      { kind: "unavailable", index: 1, code: "stale", message },
    );
    await stage.complete(1);
    assertEquals(Object.keys(fileSystem.dump(".lockstep/stage")).sort(), [
      "a",
      "d/",
    ]);
  });
});

Deno.test("Stage reports what the disk can't hold, drops it, and goes on", async () => {
  const fileSystem = new MemoryFileSystem();
  await withStage(fileSystem, CHANGES, async (stage) => {
    const full = new FileSystemError("no-space", "no space left on device");
    fileSystem.failNext("write", undefined, full);
    await give(
      stage,
      data(1, 4, { last: false }),
      data(1, 6, { offset: 4 }),
      data(0, 4),
    );
    assertEquals(stage.problems.map(({ code }) => code), ["failed"]);
    assertEquals(Object.keys(fileSystem.dump(".lockstep/stage")).sort(), [
      "a",
      "d/",
    ]);
  });
});

Deno.test("a staging area is locked against a second one", async () => {
  const fileSystem = new MemoryFileSystem();
  await withStage(fileSystem, CHANGES, async () => {
    const root = await fileSystem.openRoot("/");
    const error = await assertRejects(
      () => StagingArea.open(root),
      FileSystemError,
      "another Lockstep is at work",
    );
    assertEquals(error.code, "locked");
    root.close();
  });
});

Deno.test("a staging area with nothing in it goes away", async () => {
  const fileSystem = MemoryFileSystem.from({ x: "1" });
  const root = await fileSystem.openRoot("/");
  const before = await root.stat();
  await withStage(fileSystem, CHANGES, () => Promise.resolve());
  assertEquals((await root.stat()).mtime, before.mtime);
  assertEquals(Object.keys(fileSystem.dump()), ["x"]);
  root.close();
});
