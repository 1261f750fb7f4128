import { assert, assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import type { MoveResult } from "../../../src/session/endpoint.ts";
import { follow } from "../../support/followed_tree.ts";

const CONTENT = new TextEncoder().encode("content");

Deno.test("a directory that takes the place of a file that rests is dated as at the source", async () => {
  const world = await follow({ first: "1", second: "2" });
  const { fs, source, target } = world;
  await world.advance(100);

  const name = "a" as Name;
  fs.failCall({ method: "readFile", name, code: "io" });
  await source.createFile(name, CONTENT, { mode: 0o644, mtime: 1_000 });
  await world.advance(10);
  assertEquals(await target.lookup(name), undefined);

  // By the move the target has the directory, before what is new in it comes.
  await source.removeFile(name);
  await source.createDirectory(name);
  const directory = await source.openDirectory(name);
  await source.rename("first" as Name, directory, "first" as Name);
  await directory.createFile("b" as Name, CONTENT, {
    mode: 0o644,
    mtime: 2_000,
  });
  await directory.setOwnMetadata({ mode: 0o755, mtime: 3_000 });
  directory.close();
  await world.advance(5_000);
  assertEquals((await target.lookup(name))?.mtime, 3_000);
  await world.stop();
});

Deno.test("a directory that could not be dated after what is new in it is dated later", async () => {
  const world = await follow({ "d/a": "1" });
  const { fs, source, target } = world;
  await world.advance(100);
  const name = "d" as Name;
  const before = (await target.lookup(name))!.mtime;
  assertEquals((await source.lookup(name))!.mtime, before);

  // At the source it has the mtime of before, so only the target's is moved.
  const directory = await source.openDirectory(name);
  const metadata = { mode: 0o644, mtime: 2_000 };
  await directory.createFile("b" as Name, CONTENT, metadata);
  await directory.setOwnMetadata({ mode: 0o755, mtime: before });
  directory.close();
  let failed = 0;
  fs.fault = (method, path) => {
    if (method !== "setOwnMetadata" || path !== "t/d") return undefined;
    failed++;
    return new FileSystemError("io", "Cannot set its times");
  };
  await world.advance(500);
  assert(failed > 0);
  assertEquals(fs.dump("t/d").b, fs.dump("s/d").b);
  fs.fault = undefined;
  await world.advance(5_000);
  assertEquals((await target.lookup(name))!.mtime, before);
  await world.stop();
});

Deno.test("a directory is not set back to what it is because of what may not go", async () => {
  const world = await follow({ "d/a": "1", "d/b": "2" });
  const { fs, source, target } = world;
  await world.advance(100);
  const name = "d" as Name;
  const mtime = (await source.lookup(name))!.mtime;
  const directory = await source.openDirectory(name);
  await directory.removeFile("a" as Name);
  await directory.setOwnMetadata({ mode: 0o755, mtime });
  directory.close();
  // A look finds it gone; whether it is can't be said for sure at first.
  let asked = 0;
  let dated = 0;
  fs.fault = (method, path): FileSystemError | undefined => {
    if (method === "setOwnMetadata" && path === "t/d") dated++;
    if (method !== "list" || path !== "s/d" || ++asked !== 2) return undefined;
    return new FileSystemError("io", "Cannot list it");
  };
  await world.advance(500);
  assert(asked > 2);
  assertEquals(fs.dump("t"), { "d/b": "2" });
  // Once, when it did go.
  assertEquals(dated, 1);
  assertEquals((await target.lookup(name))!.mtime, mtime);
  await world.stop();
});

Deno.test("a directory that could not be dated after a move into it is dated later", async () => {
  const world = await follow({ "d/a": "1", "b": "2" });
  const { fs, source, target } = world;
  await world.advance(100);
  const name = "d" as Name;
  const before = (await target.lookup(name))!.mtime;
  const directory = await source.openDirectory(name);
  await source.rename("b" as Name, directory, "b" as Name);
  await directory.setOwnMetadata({ mode: 0o755, mtime: before });
  directory.close();
  let failed = 0;
  fs.fault = (method, path): FileSystemError | undefined => {
    if (method !== "setOwnMetadata" || path !== "t/d") return undefined;
    return ++failed > 1
      ? undefined
      : new FileSystemError("io", "Cannot set its times");
  };
  await world.advance(5_000);
  assertEquals(failed > 0, true);
  assertEquals(fs.dump("t"), { "d/a": "1", "d/b": "2" });
  assertEquals((await target.lookup(name))!.mtime, before);
  await world.stop();
});

Deno.test("what had to be kept aside during a move is told of", async () => {
  const world = await follow({ "a": "1", "d/x": "2" }, (endpoint) => {
    const move = endpoint.move.bind(endpoint);
    endpoint.move = async (moves, signal): Promise<MoveResult> => {
      const message = "It is in kept/";
      const problem = { path: moves[0]!.from, code: "kept", message } as const;
      return { ...await move(moves, signal), problems: [problem] };
    };
  });
  const { fs, source } = world;
  await world.advance(100);
  const directory = await source.openDirectory("d" as Name);
  await source.rename("a" as Name, directory, "b" as Name);
  directory.close();
  await world.advance(500);
  assertEquals(world.problems, ["a: kept"]);
  assertEquals(fs.dump("t"), fs.dump("s"));
  await world.stop();
});
