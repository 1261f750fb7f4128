/**
 * A hub whose disk is full now and then, and fails to flush: what was acknowledged
 * is there after each start, and what was written for nothing is given back.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { createHash } from "node:crypto";
import { offsetsOf, recipeOf } from "../../src/content/recipe.ts";
import { FileSystemError } from "../../src/errors.ts";
import type { ChunkPlace, ChunkSpace } from "../../src/hub/chunk_space.ts";
import { openDatabase } from "../../src/hub/database.ts";
import { PackFiles } from "../../src/hub/pack_files.ts";
import { SqliteStore } from "../../src/hub/sqlite_store.ts";
import type { StoredContent } from "../../src/hub/store.ts";
import { ANY, at, fileChange } from "../contract/hub_store_contract.ts";
import { Random, seedOr } from "../support/random.ts";
import { concat } from "../support/recipe_world.ts";
import { TempDir } from "../support/temp.ts";

const WHO = { client: "tester", operation: "upload" } as const;
const STEPS = 60;

/** Who brings content; undefined: nobody who would go on with it later. */
const CLIENTS = ["a", "b", undefined];

/** What goes wrong. */
interface Trouble {
  /** So many chunks there is room for. */
  room: number;
  /** So many flushes of a file go well until one does not. */
  flushes: number;
}

/** Packs on a disk with as much room as there is just now. */
class TightSpace implements ChunkSpace {
  readonly #inner: PackFiles;
  readonly #trouble: Trouble;

  constructor(inner: PackFiles, trouble: Trouble) {
    this.#inner = inner;
    this.#trouble = trouble;
  }

  append(id: Uint8Array, bytes: Uint8Array): ChunkPlace {
    if (this.#trouble.room-- > 0) return this.#inner.append(id, bytes);
    throw new FileSystemError("no-space", "no room");
  }

  get current(): number | undefined {
    return this.#inner.current;
  }

  read(id: Uint8Array, place: ChunkPlace): Uint8Array {
    return this.#inner.read(id, place);
  }

  flush(): Promise<ReadonlyMap<number, number>> {
    return this.#inner.flush();
  }

  holds(place: ChunkPlace): boolean {
    return this.#inner.holds(place);
  }

  shorten(neededOf: (pack: number) => number): ReadonlyMap<number, number> {
    return this.#inner.shorten(neededOf);
  }

  startNewPack(): void {
    this.#inner.startNewPack();
  }

  remove(pack: number): void {
    this.#inner.remove(pack);
  }

  close(): void {
    this.#inner.close();
  }
}

/** A hub's store in a directory, and what it has acknowledged. */
class Scene {
  readonly directory: string;
  readonly random: Random;
  readonly trouble: Trouble = { room: Infinity, flushes: Infinity };
  readonly acknowledged = new Map<string, string>();
  failures = 0;
  store!: SqliteStore;

  constructor(directory: string, random: Random) {
    this.directory = directory;
    this.random = random;
    this.open();
  }

  open(): void {
    const database = openDatabase(join(this.directory, "hub.db"), {
      owner: true,
    });
    const rows = database.prepare("SELECT number, size FROM packs").all();
    const sizes = new Map(
      rows.map(({ number, size }) => [number as number, size as number]),
    );
    const packs = PackFiles.open(this.directory, sizes, {
      maxBytes: 300_000,
      flushFile: async () => {
        // Others go on meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (this.trouble.flushes-- > 0) return;
        this.trouble.flushes = Infinity;
        throw Object.assign(new Error("EIO"), { code: "EIO" });
      },
    });
    const space = new TightSpace(packs, this.trouble);
    // What does not fit the quota fails after it was flushed.
    const quota = { maxFiles: 5 };
    this.store = new SqliteStore({ database, space, now: Date.now, quota });
  }

  /** Stores something at `path`, or hears that it can't be. */
  async put(path: string): Promise<void> {
    const { random, store } = this;
    // Some of it is the same as elsewhere.
    const parts = Array.from({ length: random.between(1, 6) }, () => {
      const seed = random.below(12);
      return new Random(seed).bytes(40_000 + 1_000 * seed);
    });
    const held: StoredContent[] = [];
    try {
      const content = random.below(3) === 0
        ? await this.#putTogether(concat(parts))
        : await this.#write(parts);
      if (content === undefined) return;
      held.push(content);
      const { accepted, refused } = await store.commit(
        [fileChange(path, content, ANY)],
        WHO,
      );
      assertEquals(refused, []);
      if (accepted.length > 0) {
        const digest = createHash("sha256").update(concat(parts)).digest("hex");
        this.acknowledged.set(path, digest);
      }
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      this.failures++;
    } finally {
      for (const content of held) content.release();
    }
  }

  /** Undefined: it is broken off. */
  async #write(
    parts: readonly Uint8Array[],
  ): Promise<StoredContent | undefined> {
    const client = this.random.pick(CLIENTS);
    const writer = this.store.write(client);
    try {
      for (const bytes of parts) {
        writer.append(bytes);
        await this.#pause();
      }
      if (this.random.below(6) > 0) return writer.finish();
      if (client !== undefined) await this.store.keepUnfinished(client);
      return undefined;
    } finally {
      writer.abort();
    }
  }

  /** The same of chunks that are there, as far as they are. */
  async #putTogether(bytes: Uint8Array): Promise<StoredContent> {
    const recipe = recipeOf(bytes);
    const offsets = offsetsOf(recipe);
    const writer = await this.store.writeRecipe(recipe, "a");
    try {
      while (writer.next < recipe.lengths.length) {
        const i = writer.next;
        if (writer.here[i] === 1) writer.copy();
        else writer.put(bytes.subarray(offsets[i]!, offsets[i + 1]!));
        await this.#pause();
      }
      return writer.finish();
    } finally {
      writer.abort();
    }
  }

  async #pause(): Promise<void> {
    if (this.random.below(2) > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Keeps what has come so far, or gives up what was kept before. */
  async #keep(client: string): Promise<void> {
    try {
      if (this.random.below(4) === 0) this.store.forgetUnfinished(client);
      else await this.store.keepUnfinished(client);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    }
  }

  async step(): Promise<void> {
    const { random, store, trouble } = this;
    trouble.room = random.below(3) === 0 ? random.below(8) : Infinity;
    trouble.flushes = random.below(3) === 0 ? random.below(3) : Infinity;
    const work = ["a", "b", "c"].slice(0, random.between(1, 3))
      .map((name) => this.put(`${name}${random.below(3)}`));
    if (random.below(4) === 0) work.push(this.collect());
    if (random.below(3) === 0) work.push(this.#keep(random.pick(["a", "b"])));
    await Promise.all(work);
    trouble.room = trouble.flushes = Infinity;
    if (random.below(5) > 0) return;
    await store.close();
    this.open();
    await this.check();
  }

  async collect(): Promise<void> {
    try {
      const { problems } = await this.store.collect({ versions: 0, ageMs: 0 });
      assertEquals(problems, []);
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    }
  }

  /** Fails unless all that was acknowledged is there. */
  async check(): Promise<void> {
    for (const [path, digest] of this.acknowledged) {
      const record = await this.store.latest(at(path));
      assertEquals(record?.digest, digest, path);
      const sum = createHash("sha256");
      for (const bytes of this.store.chunks(digest)) sum.update(bytes);
      assertEquals(sum.digest("hex"), digest, path);
    }
  }

  /** Bytes in packs. */
  get bytes(): number {
    return [...Deno.readDirSync(this.directory)]
      .filter(({ name }) => name.endsWith(".pack"))
      .map(({ name }) => Deno.statSync(join(this.directory, name)).size)
      .reduce((a, b) => a + b, 0);
  }
}

Deno.test("C15, F01, F06: a hub whose disk fails now and then keeps what it has acknowledged", async () => {
  const seed = seedOr(20);
  for (let i = 0; i < 6; i++) {
    await using temp = new TempDir();
    const scene = new Scene(temp.path, new Random(seed + i));
    try {
      for (let step = 0; step < STEPS; step++) await scene.step();
      await scene.check();
      assert(scene.failures > 5, `${scene.failures} failures`);
      // Nothing of what does not fit stays.
      await scene.put("a0");
      const before = scene.bytes;
      const writer = scene.store.write();
      scene.trouble.room = 3;
      try {
        writer.append(new Random(1_000 + i).bytes(2_000_000));
        assert(false, "it does not fit");
      } catch (error) {
        if (!(error instanceof FileSystemError)) throw error;
      } finally {
        writer.abort();
      }
      scene.trouble.room = Infinity;
      await new Promise((resolve) => setTimeout(resolve, 0));
      // But for the header of a pack that was begun.
      assert(scene.bytes <= before + 16, `${scene.bytes}, ${before} before`);
      await scene.check();
    } catch (error) {
      throw new Error(`With seed ${seed + i}`, { cause: error });
    } finally {
      await scene.store.close();
    }
  }
});
