/** What every store of a hub does; run on each of them. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { parseRelPath, type RelPath, ROOT } from "../../src/core/path.ts";
import {
  offsetsOf,
  type Recipe,
  RecipeBuilder,
  recipeOf,
} from "../../src/content/recipe.ts";
import type { Digest } from "../../src/core/entry.ts";
import { FileSystemError, IntegrityError } from "../../src/errors.ts";
import type { HubRecord } from "../../src/hub/record.ts";
import type {
  ChangeQuery,
  Expectation,
  HubStore,
  ProposedChange,
  RecipeWriter,
  StoredContent,
} from "../../src/hub/store.ts";
import { Random } from "../support/random.ts";

/** A store to be tested. */
export interface StoreFixture {
  readonly store: HubStore;
  /** The time of day of the store; tests set it. */
  readonly time: { now: number };
  close(): Promise<void>;
}

export const ANY: Expectation = { kind: "any" };
const WHO = { client: "tester", operation: "upload" } as const;

/** A checked path. */
export function at(text: string): RelPath {
  return parseRelPath(text);
}

/** Stores `content`, which the caller releases. */
export function store(
  into: HubStore,
  content: string | Uint8Array,
): StoredContent {
  const writer = into.write();
  writer.append(
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
  return writer.finish();
}

/** How long the content with this digest is, in bytes; undefined: it is not there. */
export function sizeOf(store: HubStore, digest: Digest): number | undefined {
  const held = store.hold(digest);
  held?.release();
  return held?.size;
}

/** Puts a file at `path`: its record. @throws If that is refused. */
export async function put(
  into: HubStore,
  path: string,
  content: string | Uint8Array,
  expected: Expectation = ANY,
  client: string = WHO.client,
): Promise<HubRecord> {
  const held = store(into, content);
  try {
    const { accepted, refused } = await into.commit(
      [fileChange(path, held, expected)],
      { ...WHO, client },
    );
    if (refused.length > 0) throw new Error(`refused: ${refused[0]!.reason}`);
    return accepted.at(-1)!;
  } finally {
    held.release();
  }
}

/** All bytes of a stream. */
export async function bytesOf(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  return new Uint8Array(
    await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>)
      .arrayBuffer(),
  );
}

function joined(parts: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from([...parts].flatMap((part) => [...part]));
}

export function fileChange(
  path: string,
  { digest, size }: StoredContent,
  expected: Expectation,
): ProposedChange {
  const state = { kind: "file", digest, size, mtime: 7, mode: 0o640 } as const;
  return { path: at(path), state, expected };
}

function deletion(
  path: string,
  expected = ANY,
  subtree = false,
): ProposedChange {
  return { path: at(path), state: { kind: "deleted" }, expected, subtree };
}

async function pathsIn(into: HubStore): Promise<string[]> {
  return (await into.files({ limit: 100 })).map(({ path }) => path);
}

/** Registers the tests for the stores that `open` makes. */
export function hubStoreContract(
  name: string,
  open: () => Promise<StoreFixture>,
): void {
  const test = (
    title: string,
    run: (fixture: StoreFixture) => Promise<void>,
  ): void => {
    Deno.test(`${name} ${title}`, async () => {
      const fixture = await open();
      try {
        await run(fixture);
      } finally {
        await fixture.close();
      }
    });
  };

  test("gives back what was stored, whole and in parts", async ({ store }) => {
    const content = new Random(1).bytes(900_000);
    const record = await put(store, "a/b", content);
    assertEquals(
      record.digest,
      createHash("sha256").update(content).digest("hex"),
    );
    assertEquals(record.size, content.length);
    assertEquals(await bytesOf(store.read(record.digest!)), content);
    assertEquals(joined(store.chunks(record.digest!)), content);
    for (
      const [start, end] of [[0, 0], [0, 1], [5, 300_000], [899_999, 900_000]]
    ) {
      const range = { start: start!, end: end! };
      const part = await bytesOf(store.read(record.digest!, range));
      assertEquals(part, content.subarray(start, end));
      assertEquals(joined(store.chunks(record.digest!, range)), part);
    }
  });

  test("knows content by its digest, however it came", async ({ store }) => {
    for (const size of [0, 1, 4_096, 16_384, 100_000, 300_000]) {
      const content = new Random(size).bytes(size);
      const expected = createHash("sha256").update(content).digest("hex");
      for (const step of [size + 1, 1_000]) {
        const writer = store.write();
        for (let from = 0; from < size; from += step) {
          writer.append(content.subarray(from, from + step));
        }
        const held = writer.finish();
        assertEquals([held.digest, held.size], [expected, size]);
        await store.commit([fileChange(`${size} ${step}`, held, ANY)], WHO);
        held.release();
        assertEquals(joined(store.chunks(expected)), content);
      }
    }
  });

  test("keeps an empty file", async ({ store }) => {
    const { digest } = await put(store, "empty", "");
    assertEquals((await bytesOf(store.read(digest!))).length, 0);
  });

  test("keeps equal chunks once, whoever brings them", async ({ store }) => {
    const content = new Random(2).bytes(500_000);
    await put(store, "a", content);
    const { chunkBytes } = await store.totals();
    await put(store, "b", content);
    const edited = content.slice();
    edited[0] = content[0]! ^ 1;
    await put(store, "c", edited);
    const grown = (await store.totals()).chunkBytes - chunkBytes;
    assert(grown <= 256 * 1024, `${grown} bytes more`);
  });

  test("counts changes from 1, and makes missing directories", async ({ store }) => {
    assertEquals(await store.head(), 0);
    const record = await put(store, "x/y/z", "text");
    assertEquals(record.revision, 3);
    assertEquals(record.changeSet, 1);
    assertEquals(await pathsIn(store), ["x", "x/y", "x/y/z"]);
    assertEquals(record.mode, 0o640);
    assertEquals(await store.head(), 3);
  });

  test("takes what is that way already for no change", async ({ store }) => {
    await put(store, "f", "text");
    const held = storeText(store);
    const result = await store.commit([fileChange("f", held, ANY)], WHO);
    held.release();
    assertEquals(result, { accepted: [], refused: [] });
    assertEquals(await store.head(), 1);
  });

  test("keeps what was held, though whoever wrote it gives it up", async ({ store: into }) => {
    for (const order of ["writer first", "holder first"]) {
      const written = store(into, order);
      const held = into.hold(written.digest)!;
      if (order === "writer first") {
        written.release();
        await into.commit([fileChange(order, held, ANY)], WHO);
        held.release();
      } else {
        held.release();
        await into.commit([fileChange(order, written, ANY)], WHO);
        written.release();
      }
      const text = await new Response(into.read(written.digest)).text();
      assertEquals(text, order);
    }
  });

  test("has nothing of what everybody has given up", async ({ store: into }) => {
    const written = store(into, "given up");
    const held = into.hold(written.digest)!;
    const reader = into.read(written.digest);
    written.release();
    held.release();
    await reader.cancel();
    assertEquals(into.hold(written.digest), undefined);
    const { refused } = await into.commit(
      [fileChange("f", written, ANY)],
      WHO,
    );
    assertEquals(refused.map(({ reason }) => reason), ["content-missing"]);
  });

  test("refuses a change of another version than the current one", async ({ store }) => {
    const first = await put(store, "f", "one");
    const second = await put(store, "f", "two", {
      kind: "revision",
      revision: first.revision,
    });
    const held = storeText(store);
    for (const revision of [0, first.revision, second.revision + 1]) {
      const expected = { kind: "revision", revision } as const;
      const { accepted, refused } = await store.commit(
        [fileChange("f", held, expected)],
        WHO,
      );
      assertEquals(accepted, []);
      assertEquals(refused, [{ index: 0, reason: "stale", current: second }]);
    }
    held.release();
    assertEquals((await store.latest(at("f")))?.revision, second.revision);
  });

  test("lets exactly one of two who change the same version win", async ({ store }) => {
    let { revision } = await put(store, "f", "start");
    for (let round = 0; round < 20; round++) {
      const expected = { kind: "revision", revision } as const;
      const results = await Promise.allSettled(
        ["a", "b"].map((who) =>
          put(store, "f", `${who} ${round}`, expected, who)
        ),
      );
      const won = results.filter((result) => result.status === "fulfilled");
      assertEquals(won.length, 1, `round ${round}`);
      revision = won[0]!.value.revision;
    }
  });

  test("knows of what was deleted, and takes revision 0 for nothing there", async ({ store }) => {
    const { revision } = await put(store, "f", "one");
    await store.commit([deletion("f")], { ...WHO, operation: "delete" });
    assertEquals((await store.latest(at("f")))?.kind, "deleted");
    assertEquals(await pathsIn(store), []);
    const old = await store.record(revision);
    assertEquals(await bytesOf(store.read(old!.digest!)), text("one"));
    await put(store, "f", "again", { kind: "revision", revision: 0 });
  });

  test("deletes a directory with all that is in it only when told so", async ({ store }) => {
    await put(store, "d/e/f", "text");
    await put(store, "d2", "beside it");
    await put(store, "d/g", "text");
    const { refused } = await store.commit([deletion("d")], WHO);
    assertEquals(refused[0]?.reason, "not-empty");
    const { accepted } = await store.commit([deletion("d", ANY, true)], WHO);
    assertEquals(
      accepted.map(({ path }) => path),
      ["d/g", "d/e/f", "d/e", "d"],
    );
    assertEquals(new Set(accepted.map(({ changeSet }) => changeSet)).size, 1);
    assertEquals(await pathsIn(store), ["d2"]);
  });

  test("refuses what was changed since it was seen, at the path and below", async ({ store }) => {
    await put(store, "d/f", "one");
    const revision = await store.head();
    const seen = { kind: "seen", revision } as const;
    await put(store, "d/f", "two");
    const { refused } = await store.commit([
      deletion("d/f", seen),
      deletion("d", seen, true),
    ], WHO);
    assertEquals(refused.map(({ reason }) => reason), ["stale", "stale"]);
    const now = { kind: "seen", revision: await store.head() } as const;
    const again = await store.commit(
      [deletion("d/f", now), deletion("d", now, true)],
      WHO,
    );
    assertEquals(again.refused, []);
    assertEquals(await pathsIn(store), []);
  });

  test("puts nothing below a file, and no file in place of what is in use", async ({ store }) => {
    await put(store, "f", "text");
    await put(store, "d/g", "text");
    const held = storeText(store);
    const { refused } = await store.commit([
      fileChange("f/below", held, ANY),
      fileChange("d", held, ANY),
      { path: ROOT, state: { kind: "deleted" }, expected: ANY, subtree: true },
    ], WHO);
    held.release();
    assertEquals(refused.map(({ reason }) => reason), [
      "blocked",
      "not-empty",
      "blocked",
    ]);
  });

  test("refuses content that it does not have", async ({ store }) => {
    const digest = "0".repeat(64);
    const state = { kind: "file", digest, size: 1, mtime: 0, mode: 0 } as const;
    const { refused } = await store.commit(
      [{ path: at("f"), state, expected: ANY }],
      WHO,
    );
    assertEquals(refused[0]?.reason, "content-missing");
    await assertRejects(
      () => Promise.resolve().then(() => store.read(digest)),
      FileSystemError,
      "no content",
    );
    assertThrows(() => store.chunks(digest), FileSystemError, "no content");
  });

  test("accepts all or nothing where that is asked for", async ({ store }) => {
    const held = storeText(store);
    const changes = [
      fileChange("a", held, ANY),
      fileChange("b", held, { kind: "revision", revision: 9 }),
    ];
    const strict = await store.commit(changes, { ...WHO, atomic: true });
    assertEquals(strict.accepted, []);
    assertEquals(strict.refused.length, 1);
    assertEquals(await pathsIn(store), []);
    const loose = await store.commit(changes, WHO);
    held.release();
    assertEquals(loose.accepted.length, 1);
  });

  test("tells of changes in order, once they are there", async ({ store }) => {
    const heard: number[] = [];
    const stop = store.onAccepted((records) => {
      for (const { revision } of records) heard.push(revision);
    });
    await put(store, "a/b", "1");
    await put(store, "c", "2");
    stop();
    await put(store, "d", "3");
    assertEquals(heard, [1, 2, 3]);
  });

  test("lists changes from both ends, of a part, and of somebody", async ({ store }) => {
    await put(store, "a/1", "1", ANY, "one");
    await put(store, "a/2", "2", ANY, "two");
    await put(store, "ab", "3", ANY, "one");
    const list = async (
      query: Omit<ChangeQuery, "limit">,
      limit = 10,
    ): Promise<string[]> =>
      (await store.changes({ ...query, limit })).map(({ path }) => path);
    assertEquals(await list({ after: 0 }), ["a", "a/1", "a/2", "ab"]);
    assertEquals(await list({}, 2), ["ab", "a/2"]);
    assertEquals(await list({ before: 3 }), ["a/1", "a"]);
    assertEquals(await list({ within: at("a") }), ["a/2", "a/1", "a"]);
    assertEquals(await list({ client: "two" }), ["a/2"]);
    assertEquals(await list({ path: at("a/1") }), ["a/1"]);
    const since = await store.changedSince(2, { limit: 10 });
    assertEquals(since.map(({ path }) => path), ["a/2", "ab"]);
  });

  test("knows what was when, by revision and by time", async ({ store, time }) => {
    time.now = 1_000;
    const one = await put(store, "f", "one");
    time.now = 2_000;
    const two = await put(store, "f", "two");
    assertEquals(await store.revisionAt(999), 0);
    assertEquals(await store.revisionAt(1_500), one.revision);
    assertEquals(await store.revisionAt(9_000), two.revision);
    assertEquals(await store.at(at("f"), one.revision), one);
    assertEquals(await store.at(at("f"), 0), undefined);
  });

  test("keeps what is needed when it collects, and only that", async ({ store, time }) => {
    time.now = 1_000;
    const random = new Random(3);
    const contents = [1, 2, 3, 4].map(() => random.bytes(400_000));
    const versions: HubRecord[] = [];
    for (const content of contents) {
      versions.push(await put(store, "f", content));
    }
    const gone = await put(store, "gone", random.bytes(300_000));
    await store.commit([deletion("gone")], WHO);
    const late = storeBytes(store, random.bytes(200_000));
    const conflict = await store.addConflict({
      ...{ path: at("f"), base: 1, current: 4, client: "late" },
      ...{ size: late.size, digest: late.digest, mtime: 1, mode: 0o644 },
      ...{ kind: "file", side: "client", copy: undefined },
    });
    late.release();
    const before = await store.totals();
    time.now = 100_000;
    const kept = await store.collect({ versions: 1, ageMs: 99_500 });
    assertEquals(kept.versions, 0, "nothing is old enough");
    const done = await store.collect({ versions: 1, ageMs: 10_000 });
    // Two of four, and both of what was deleted.
    assertEquals(done.versions, 4);
    const after = await store.totals();
    assert(after.packBytes < before.packBytes, `${after.packBytes} left`);
    assertEquals(after.oldVersions, 1);
    for (const i of [2, 3]) {
      const { digest } = versions[i]!;
      assertEquals(await bytesOf(store.read(digest!)), contents[i]);
    }
    assertEquals(sizeOf(store, versions[0]!.digest!), undefined);
    assertEquals(sizeOf(store, gone.digest!), undefined);
    const { length } = await bytesOf(store.read(conflict.digest));
    assertEquals(length, conflict.size);
    store.conflicts.resolve(conflict.id, "current");
    time.now = 200_000;
    await store.collect({ versions: 1, ageMs: 10_000 });
    assertEquals(sizeOf(store, conflict.digest), undefined);
    assertEquals(await store.horizon(), gone.revision + 1);
  });

  test("never collects what is being written or read", async ({ store, time }) => {
    time.now = 1_000;
    const content = new Random(4).bytes(600_000);
    await put(store, "f", content);
    await put(store, "f", "other");
    const writer = store.write();
    // Its chunks are those of the version that goes now.
    writer.append(content);
    const { digest } = (await store.record(1))!;
    const reader = store.read(digest!).getReader();
    const first = await reader.read();
    time.now = 1_000_000;
    const done = await store.collect({ versions: 0, ageMs: 0 });
    assertEquals(done.versions, 1);
    let length = first.value!.length;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
    }
    assertEquals(length, content.length);
    const held = writer.finish();
    await store.commit([fileChange("g", held, ANY)], WHO);
    held.release();
    assertEquals(await bytesOf(store.read(digest!)), content);
  });

  test("never collects what is gone through part by part", async ({ store, time }) => {
    time.now = 1_000;
    const content = new Random(7).bytes(600_000);
    const { digest } = await put(store, "f", content);
    await put(store, "f", "other");
    time.now = 1_000_000;
    const parts: Uint8Array[] = [];
    for (const part of store.chunks(digest!)) {
      parts.push(part);
      await store.collect({ versions: 0, ageMs: 0 });
    }
    assert(parts.length > 1);
    assertEquals(joined(parts), content);
    await store.collect({ versions: 0, ageMs: 0 });
    assertEquals(sizeOf(store, digest!), undefined);
  });

  test("puts content together from chunks that it has, and proves those that come", async ({ store }) => {
    const { old, edited } = versionsOf(11);
    await put(store, "f", old);
    const recipe = recipeOf(edited);
    const writer = await store.writeRecipe(recipe, "a");
    assert(writer.here.includes(1) && writer.here.includes(0));
    const first = writer.here.indexOf(0);
    while (writer.next < first) writer.copy();
    assertThrows(() => writer.copy(), TypeError);
    assertThrows(() => writer.finish(), TypeError);
    assertThrows(() => writer.put(new Uint8Array(9)), IntegrityError);
    assertEquals(writer.next, first);
    const held = finished(writer, edited, recipe);
    assertEquals(held.digest, sha256(edited));
    await store.commit([fileChange("f", held, ANY)], WHO);
    held.release();
    assertEquals(await bytesOf(store.read(held.digest)), edited);
    assertEquals(store.recipe(held.digest), recipe);
    // However it is cut, it is the same content.
    const again = storeBytes(store, edited);
    assertEquals(again.digest, held.digest);
    again.release();
    assertEquals(await bytesOf(store.read(held.digest)), edited);
  });

  test("holds content that comes in two ways at once, whoever is the first to go", async ({ store }) => {
    const bytes = new Random(12).bytes(100_000);
    const cuts = [
      [40_000, 60_000],
      [50_000, 50_000],
    ].map((lengths) => recipeWith(bytes, lengths));
    const writers = await Promise.all(
      cuts.map((recipe) => store.writeRecipe(recipe, "a")),
    );
    const [one, two] = writers.map((writer, i) =>
      finished(writer, bytes, cuts[i]!)
    );
    assertEquals(one!.digest, two!.digest);
    one!.release();
    await store.commit([fileChange("f", two!, ANY)], WHO);
    two!.release();
    assertEquals(await bytesOf(store.read(two!.digest)), bytes);
  });

  test("keeps what somebody has brought for them alone, and not for ever", async ({ store, time }) => {
    time.now = 1_000;
    const bytes = new Random(13).bytes(500_000);
    const recipe = recipeOf(bytes);
    const writer = store.write("a");
    writer.append(bytes);
    await store.keepUnfinished("b");
    assertEquals(store.hasUnfinished("a"), false);
    await store.keepUnfinished("a");
    writer.abort();
    const here = async (client: string): Promise<number> => {
      const writer = await store.writeRecipe(recipe, client);
      writer.abort();
      return writer.here.reduce((sum, is) => sum + is, 0);
    };
    // The last chunk had not come to its end.
    assertEquals(await here("a"), recipe.lengths.length - 1);
    assertEquals(await here("b"), 0);
    assertEquals(store.hasUnfinished("b"), false);
    const never = { versions: 1, ageMs: 1e12 };
    time.now += 6 * 86_400_000;
    await store.collect(never);
    assertEquals(await here("a"), recipe.lengths.length - 1);
    time.now += 86_400_000;
    await store.collect(never);
    assertEquals(store.hasUnfinished("a"), false);
    assertEquals((await store.totals()).chunks, 0);
  });

  test("gives up what somebody has brought when told so", async ({ store, time }) => {
    time.now = 1_000;
    const bytes = new Random(17).bytes(500_000);
    for (const client of ["a", "b"]) {
      const writer = store.write(client);
      writer.append(client === "a" ? bytes : new Random(18).bytes(500_000));
      await store.keepUnfinished(client);
      writer.abort();
    }
    const before = await store.totals();
    store.forgetUnfinished("a");
    assertEquals(["a", "b"].map((it) => store.hasUnfinished(it)), [
      false,
      true,
    ]);
    const writer = await store.writeRecipe(recipeOf(bytes), "a");
    assertEquals(writer.here.includes(1), false);
    writer.abort();
    await store.collect({ versions: 1, ageMs: 1e12 });
    const { chunks } = await store.totals();
    assert(chunks > 0 && chunks < before.chunks, `${chunks} chunks`);
  });

  test("lets everybody count on what was unfinished, once it is a version", async ({ store, time }) => {
    time.now = 1_000;
    const bytes = new Random(14).bytes(500_000);
    const recipe = recipeOf(bytes);
    const broken = store.write("a");
    broken.append(bytes);
    await store.keepUnfinished("a");
    broken.abort();
    // Somebody else has to bring all of it, though it is there.
    const other = await store.writeRecipe(recipe, "b");
    assertEquals(other.here.includes(1), false);
    const held = finished(other, bytes, recipe);
    await store.commit([fileChange("f", held, ANY)], WHO);
    held.release();
    assertEquals(store.hasUnfinished("a"), false);
    for (const client of ["a", "b", "c"]) {
      const writer = await store.writeRecipe(recipe, client);
      assertEquals(writer.here.includes(0), false, client);
      writer.abort();
    }
    time.now += 30 * 86_400_000;
    await store.collect({ versions: 1, ageMs: 1e12 });
    assertEquals(await bytesOf(store.read(held.digest)), bytes);
  });

  test("never collects what content is being put together from", async ({ store, time }) => {
    time.now = 1_000;
    const { old, edited } = versionsOf(15);
    await put(store, "f", old);
    await put(store, "f", "other");
    const recipe = recipeOf(edited);
    const writer = await store.writeRecipe(recipe, "a");
    const here = writer.here.slice();
    time.now = 1_000_000;
    await store.collect({ versions: 0, ageMs: 0 });
    assertEquals(sizeOf(store, sha256(old)), undefined);
    assert(here.includes(1));
    const held = finished(writer, edited, recipe);
    await store.commit([fileChange("f", held, ANY)], WHO);
    held.release();
    await store.collect({ versions: 0, ageMs: 0 });
    assertEquals(await bytesOf(store.read(held.digest)), edited);
  });

  test("reads content here and there", async ({ store }) => {
    const bytes = new Random(16).bytes(400_000);
    const { digest } = await put(store, "f", bytes);
    const reader = store.open(digest!)!;
    for (
      const [offset, length] of [[0, 10], [399_000, 5_000], [90_000, 200_000], [
        400_000,
        1,
      ]] as const
    ) {
      const into = new Uint8Array(length);
      const count = reader.read(into, offset);
      const expected = bytes.subarray(offset, offset + length);
      assertEquals(count, expected.length);
      assertEquals(into.subarray(0, count), expected);
    }
    reader.close();
    assertEquals(store.open(sha256(new Uint8Array(1))), undefined);
    assertEquals(store.recipe(sha256(new Uint8Array(1))), undefined);
  });

  test("gives up what was written and belongs to nothing", async ({ store }) => {
    const writer = store.write();
    writer.append(new Random(5).bytes(600_000));
    writer.abort();
    const held = storeBytes(store, new Random(6).bytes(100_000));
    held.release();
    assertEquals(sizeOf(store, held.digest), undefined);
    const { refused } = await store.commit([fileChange("f", held, ANY)], WHO);
    assertEquals(refused[0]?.reason, "content-missing");
    assertEquals((await store.totals()).chunks, 0);
  });
}

function storeText(into: HubStore): StoredContent {
  return store(into, "text");
}

const storeBytes = store;

/** Some content, and the same with a few bytes changed in the middle. */
function versionsOf(seed: number): { old: Uint8Array; edited: Uint8Array } {
  const old = new Random(seed).bytes(900_000);
  const edited = old.slice();
  edited.fill(7, 450_000, 450_020);
  return { old, edited };
}

/** Gives `writer` all that it lacks of `content`. */
function finished(
  writer: RecipeWriter,
  content: Uint8Array,
  recipe: Recipe,
): StoredContent {
  const offsets = offsetsOf(recipe);
  while (writer.next < recipe.lengths.length) {
    const i = writer.next;
    if (writer.here[i] === 1) writer.copy();
    else writer.put(content.subarray(offsets[i]!, offsets[i + 1]!));
  }
  return writer.finish();
}

/** `content`, cut into chunks of these lengths. */
function recipeWith(content: Uint8Array, lengths: readonly number[]): Recipe {
  const builder = new RecipeBuilder();
  let at = 0;
  for (const length of lengths) {
    const id = sha256(content.subarray(at, at + length));
    builder.add(Uint8Array.fromHex(id), length);
    at += length;
  }
  return builder.finish();
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
