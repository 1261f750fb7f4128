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
