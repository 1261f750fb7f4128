import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { Announced } from "../../../src/core/announced.ts";
import type { RelPath } from "../../../src/core/path.ts";
import type { RootIdentity } from "../../../src/core/guard.ts";
import { IntegrityError, SyncError } from "../../../src/errors.ts";
import type { AncestorRecord } from "../../../src/session/pairing.ts";
import { AncestorFiles } from "../../../src/cli/state/ancestor_files.ts";
import { newPairingId, RootFile } from "../../../src/cli/state/root_file.ts";
import { namesIn } from "../../support/disk_tree.ts";
import { TempDir } from "../../support/temp.ts";
import { directory, file } from "../../support/trees.ts";

const PEER = "1".repeat(32);
const TOKENS = { current: "2".repeat(32), previous: "3".repeat(32) };
const IDENTITY: RootIdentity = {
  path: "/srv/notes",
  device: 5,
  inode: 6,
  born: 7,
};

function open(
  temp: TempDir,
  identity: RootIdentity = IDENTITY,
  warnings: string[] = [],
): RootFile {
  return new RootFile({
    directory: temp.path,
    path: "/srv/notes",
    identify: () => identity,
    warn: (message) => warnings.push(message),
  });
}

Deno.test("RootFile keeps its id and what it has agreed on", async () => {
  await using temp = new TempDir();
  const one = open(temp);
  assertEquals(one.isKnown, false);
  assertEquals(namesIn(temp.path), []);
  one.persist();
  await one.commit(PEER, TOKENS);
  const two = open(temp);
  assertEquals([two.isKnown, two.isReplaced, two.id], [true, false, one.id]);
  assertEquals(await two.look(PEER), {
    rootId: one.id,
    isReplaced: false,
    tokens: TOKENS,
  });
  assertEquals((await two.look("4".repeat(32))).tokens, undefined);
  await two.commit(PEER, { current: PEER, previous: undefined });
  assertEquals((await open(temp).look(PEER)).tokens, {
    current: PEER,
    previous: undefined,
  });
});

Deno.test("RootFile notices another directory, with which nobody has agreed on anything", async () => {
  await using temp = new TempDir();
  const one = open(temp);
  await one.commit(PEER, TOKENS);
  await one.commit("5".repeat(32), TOKENS);
  const two = open(temp, { ...IDENTITY, inode: 60, born: 70 });
  assertEquals(two.isReplaced, true);
  assertEquals((await two.look(PEER)).isReplaced, true);
  await two.commit(PEER, TOKENS);
  assertEquals(two.isReplaced, false);
  assertEquals((await two.look("5".repeat(32))).tokens, undefined);
});

Deno.test("RootFile, renewed, is one that nobody knows", async () => {
  await using temp = new TempDir();
  const one = open(temp);
  await one.commit(PEER, TOKENS);
  const before = one.id;
  one.renew();
  one.persist();
  assertNotEquals(one.id, before);
  assertEquals((await open(temp).look(PEER)).tokens, undefined);
  assertEquals(open(temp).id, one.id);
});

Deno.test("RootFile does not believe a damaged file, and says so once", async () => {
  for (const text of ["", "{", "[]", '{"format":"lockstep-root"}', "\0"]) {
    await using temp = new TempDir();
    const one = open(temp);
    await one.commit(PEER, TOKENS);
    const [name] = namesIn(temp.path);
    Deno.writeTextFileSync(temp.at(name!), text);
    const warnings: string[] = [];
    const two = open(temp, IDENTITY, warnings);
    assertEquals([two.isKnown, warnings.length], [false, 1]);
    assertNotEquals(two.id, one.id);
  }
});

Deno.test("K04: RootFile refuses a file of a newer version, and leaves it as it is", async () => {
  await using temp = new TempDir();
  await open(temp).commit(PEER, TOKENS);
  const [name] = namesIn(temp.path);
  const newer = Deno.readTextFileSync(temp.at(name!))
    .replace('"version": 1', '"version": 2');
  Deno.writeTextFileSync(temp.at(name!), newer);
  const error = assertThrows(() => open(temp), SyncError);
  assertMatch(error.message, /version 2, this program knows 1/);
  assertEquals(Deno.readTextFileSync(temp.at(name!)), newer);
});

Deno.test("newPairingId() draws ids", () => {
  const ids = new Set(Array.from({ length: 100 }, newPairingId));
  assertEquals(ids.size, 100);
  for (const id of ids) assertMatch(id, /^[0-9a-f]{32}$/);
});

Deno.test("AncestorFiles keeps one file for each pair", async () => {
  await using temp = new TempDir();
  const files = new AncestorFiles(temp.path);
  const [alphaId, betaId, token] = [PEER, "2".repeat(32), "3".repeat(32)];
  assertEquals(await files.read(alphaId, betaId), undefined);
  const ancestor = directory({ a: file({ digest: "ab".repeat(32) }) });
  const record = { alphaId, betaId, token, ancestor };
  await files.write(record);
  assertEquals(await files.read(alphaId, betaId), { ...record, announced: [] });
  assertEquals(await files.read(betaId, alphaId), undefined);
  const [name] = namesIn(temp.path);
  assertEquals(Deno.statSync(temp.at(name!)).mode! & 0o777, 0o600);
  // One that was copied over another one is about other directories.
  Deno.copyFileSync(temp.at(name!), temp.at(`${betaId}-${alphaId}.ancestor`));
  const error = await files.read(betaId, alphaId).catch((error) => error);
  assertEquals(error instanceof IntegrityError, true);
});

Deno.test("AncestorFiles keeps what was announced last, until the next record", async () => {
  await using temp = new TempDir();
  const [alphaId, betaId, token] = [PEER, "2".repeat(32), "3".repeat(32)];
  const record = { alphaId, betaId, token, ancestor: directory() };
  const announced = async (): Promise<unknown> => {
    const found = await new AncestorFiles(temp.path).read(alphaId, betaId);
    return found?.announced;
  };
  const gone = (path: string): Announced => ({
    side: "beta",
    path: path as RelPath,
    new: undefined,
  });
  const files = new AncestorFiles(temp.path);
  await files.write(record);
  assertEquals(await announced(), []);
  for (const name of ["a", "b"]) {
    await files.announce(record, [gone(name)]);
    assertEquals(await announced(), [gone(name)]);
  }
  await new AncestorFiles(temp.path).announce(record, [gone("c")]);
  assertEquals(await announced(), [gone("c")]);
  await files.announce(record, []);
  await files.write({ ...record, token: "4".repeat(32) });
  assertEquals(await announced(), []);
});

Deno.test("AncestorFiles writes what has changed, and all of it now and then", async () => {
  await using temp = new TempDir();
  const files = new AncestorFiles(temp.path);
  const [alphaId, betaId] = [PEER, "2".repeat(32)];
  const some = Array.from(
    { length: 300 },
    (_, i) =>
      [
        `f${i}`.padStart(5, "0"),
        file({ digest: "ab".repeat(32), mtime: i }),
      ] as const,
  );
  let before: AncestorRecord | undefined;
  let appended = 0;
  for (let i = 1; i < 40; i++) {
    const token = `${i}`.padStart(32, "0");
    const big = Array.from(
      { length: 300 },
      (_, k) =>
        [`g${k}`, file({ digest: "cd".repeat(32), mtime: 1000 * i })] as const,
    );
    const ancestor = directory({
      ...Object.fromEntries(some),
      d: directory(i % 13 === 0 ? {} : Object.fromEntries(big), { mtime: i }),
    });
    const record = { alphaId, betaId, token, ancestor };
    await files.write(record, before);
    before = record;
    const read = await new AncestorFiles(temp.path).read(alphaId, betaId);
    assertEquals(read?.token, token);
    assertEquals(read, { ...record, announced: [] });
    if (namesIn(temp.path).some((name) => name.endsWith(".log"))) appended++;
  }
  assertEquals(appended > 20 && appended < 38, true, `${appended}`);
});
