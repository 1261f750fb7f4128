import { assert, assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { follow } from "../../support/followed_tree.ts";

Deno.test("a directory of the target that can't be listed for a moment is looked at again", async () => {
  const world = await follow({ "d/a": "1", "e/b": "2" });
  const { fs, source, target } = world;
  await world.advance(100);
  // What can't be moved has the target looked at anew; and that fails as well.
  let failed = 0;
  fs.fault = (method, path) => {
    const isMove = method === "link" && path === "t/d/a";
    const isLook = failed > 0 && method === "list" && path === "t/d";
    if (failed > 1 || (!isMove && !isLook)) return undefined;
    failed++;
    return new FileSystemError("io", "The disk fails");
  };
  const [from, to] = [
    await source.openDirectory("d" as Name),
    await source.openDirectory("e" as Name),
  ];
  await from.rename("a" as Name, to, "a" as Name);
  from.close();
  to.close();
  await world.advance(500);
  assertEquals(failed, 2);
  await world.advance(10_000);
  assertEquals(fs.dump("t"), fs.dump("s"));
  assert(await target.lookup("e" as Name) !== undefined);
  await world.stop();
});

Deno.test("what can't be read at the source for a moment is looked at again", async () => {
  const world = await follow({ "d/a": "1", "e/b": "2" });
  const { fs, source } = world;
  await world.advance(100);
  let failing = 2;
  fs.fault = (method, path) => {
    const isLook = failing > 0 && method === "list" && path === "s/new";
    if (!isLook) return undefined;
    failing--;
    return new FileSystemError("io", "The disk fails");
  };
  await source.createDirectory("new" as Name);
  const made = await source.openDirectory("new" as Name);
  await made.createSymlink("l" as Name, "anywhere", 1e12);
  made.close();
  await world.advance(500);
  assert(failing < 2);
  await world.advance(4_000);
  assertEquals(failing, 0);
  assertEquals(fs.dump("t"), fs.dump("s"));
  // A problem that stays is told of once, however often it is looked for.
  const told = world.problems.filter((problem) => problem.startsWith("new"));
  assertEquals(told, ["new: unreadable"]);
  await world.stop();
});

Deno.test("what stays unreadable is told of once, and looked for less and less often", async () => {
  const world = await follow({ "d/a": "1", "e/b": "2", "f": "3" });
  const { fs, source } = world;
  await world.advance(100);
  let looks = 0;
  fs.fault = (method, path) => {
    if (method !== "list" || !["s/d", "s/e"].includes(path)) return undefined;
    if (path === "s/d") looks++;
    return new FileSystemError("denied", "Nobody may");
  };
  for (const name of ["d", "e"] as Name[]) {
    await source.setMetadata(name, { mode: 0o700, mtime: 5 });
  }
  await world.advance(1_000);
  const rounds = world.rounds();
  looks = 0;
  await world.advance(10_000);
  assert(looks > 1 && looks < 5, `${looks} looks`);
  assertEquals(world.rounds(), rounds);
  assertEquals([...world.problems].sort(), ["d: unreadable", "e: unreadable"]);
  fs.fault = undefined;
  await world.advance(10_000);
  assertEquals(fs.dump("t"), fs.dump("s"));
  await world.stop();
});
