/** Modes and times. */
import { assertEquals, assertNotEquals } from "@std/assert";
import {
  as,
  bytes,
  type Check,
  inside,
  PLAIN,
  read,
  refused,
  TIMES,
  write,
} from "./contract_kit.ts";

/** Registers the tests of this part. */
export function checkMetadata(check: Check): void {
  check("keeps mtimes to the millisecond", async (root) => {
    for (const [i, mtime] of TIMES.entries()) {
      const name = as(`file${i}`);
      await root.createFile(name, bytes("text"), { mode: 0o644, mtime });
      assertEquals((await root.lookup(name))?.mtime, mtime);
      await root.setMetadata(name, { mode: 0o644, mtime: 77 });
      await root.setMetadata(name, { mode: 0o644, mtime });
      assertEquals((await root.lookup(name))?.mtime, mtime);
    }
    for (const [i, mtime] of TIMES.entries()) {
      if (mtime < 0) continue;
      await root.createSymlink(as(`link${i}`), "x", mtime);
      assertEquals((await root.lookup(as(`link${i}`)))?.mtime, mtime);
    }
  });

  check("sets mode and mtime of files and directories", async (root) => {
    await write(root, "file", "text");
    await root.createDirectory(as("directory"));
    for (const name of [as("file"), as("directory")]) {
      for (const mode of [0o400, 0o777, 0, 0o200, 0o755]) {
        await root.setMetadata(name, { mode, mtime: mode * 1000 + 1 });
        const stat = (await root.lookup(name))!;
        assertEquals([stat.mode, stat.mtime], [mode, mode * 1000 + 1]);
      }
    }
    assertEquals(await read(root, "file"), "text");
    await refused(
      "not-found",
      () => root.setMetadata(as("none"), PLAIN),
      "none",
    );
  });

  check(
    "sets no metadata through a link or of a fifo",
    async (root, subject) => {
      await write(root, "file", "text");
      await root.createSymlink(as("link"), "file", 0);
      const names = ["link"];
      if (subject.makeSpecial !== undefined) {
        await subject.makeSpecial(`${subject.root}/fifo`);
        names.push("fifo");
      }
      const before = await root.lookup(as("file"));
      for (const name of names) {
        await refused(
          "unsupported",
          () => root.setMetadata(as(name), { mode: 0o600, mtime: 1 }),
          name,
        );
      }
      assertEquals(await root.lookup(as("file")), before);
    },
  );

  check("sets mode and mtime of an open directory", async (root) => {
    await root.createDirectory(as("a"));
    await inside(root, "a", async (a) => {
      await write(a, "file", "text");
      for (const mtime of TIMES) {
        await a.setOwnMetadata({ mode: 0o750, mtime });
        const stat = (await root.lookup(as("a")))!;
        assertEquals([stat.mode, stat.mtime], [0o750, mtime]);
      }
    });
  });

  check("changes a directory's mtime with its entries", async (root) => {
    const old = { mode: 0o755, mtime: 1000 };
    await root.setOwnMetadata(old);
    await write(root, "file", "text");
    assertNotEquals((await root.stat()).mtime, 1000);
    await root.setOwnMetadata(old);
    await root.removeFile(as("file"));
    assertNotEquals((await root.stat()).mtime, 1000);
  });
}
