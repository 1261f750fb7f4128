import { assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { TreeWatch } from "../../../src/fs/watch.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("H01: many events without a pause are a flood, however slowly they come in", async () => {
  const clock = new FakeClock();
  const fs = MemoryFileSystem.from({ "s/a": "1" });
  const root = await fs.openRoot("s");
  let floods = 0;
  const watch = new TreeWatch(root, "recursive", {
    clock,
    onFlood: () => floods++,
  });
  await watch.start();
  const metadata = { mode: 0o644, mtime: 1e12 };
  const hear = async (events: number): Promise<void> => {
    for (let i = 0; i < events; i++) {
      await root.setMetadata("a" as Name, metadata);
    }
  };
  for (let i = 0; i < 4; i++) {
    assertEquals(floods, 0);
    await hear(500);
    await clock.advance(250);
  }
  assertEquals(floods, 1);
  // Those who go on for long may have one lost in each such stretch.
  await hear(2_000);
  assertEquals(floods, 2);
  await clock.advance(500);
  for (let i = 0; i < 4; i++) {
    await hear(1_500);
    await clock.advance(500);
  }
  assertEquals(floods, 2);
  watch.close();
  root.close();
});

Deno.test("H01: where nothing is known of lost events, everything is dirty, else what is beside the rest", async () => {
  const fs = MemoryFileSystem.from({ "s/d/a": "1", "s/d/b": "2" });
  const root = await fs.openRoot("s");
  const d = await root.openDirectory("d" as Name);
  const clock = new FakeClock();
  const watch = new TreeWatch(root, "recursive", { clock });
  await watch.start();

  fs.watches.overflow();
  assertEquals([watch.isAllDirty, watch.dirtySize], [true, Infinity]);
  assertEquals(watch.take().everything, true);
  assertEquals([watch.isAllDirty, watch.isDirty], [false, false]);

  await d.setMetadata("a" as Name, { mode: 0o644, mtime: 1e12 });
  fs.watches.overflow();
  assertEquals([watch.isAllDirty, watch.dirtySize], [false, Infinity]);
  const dirty = watch.take();
  assertEquals(dirty.everything, false);
  assertEquals(dirty.root.below.get("d" as Name)?.entries, true);
  watch.close();
  for (const directory of [d, root]) directory.close();
});
