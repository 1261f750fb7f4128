/** What a hub wants described, what it lacks then, and what it makes of that. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { decodeDelta } from "../../../src/content/delta_codec.ts";
import { patch } from "../../../src/content/delta.ts";
import type { Lacking } from "../../../src/content/description.ts";
import { digestOfRecipe, pagesOf } from "../../../src/content/pages.ts";
import { type Recipe, recipeOf } from "../../../src/content/recipe.ts";
import { encodePage } from "../../../src/content/recipe_assembly.ts";
import { shapeFor, signatureOf } from "../../../src/content/signature.ts";
import { type Change, filesOf } from "../../../src/core/change.ts";
import type { FileEntry, TrackedEntry } from "../../../src/core/entry.ts";
import type { Name } from "../../../src/core/path.ts";
import type { Piece } from "../../../src/core/piece.ts";
import { entryAt, NO_IGNORE } from "../../../src/core/snapshot.ts";
import { FileSystemError, ProtocolError } from "../../../src/errors.ts";
import { HubEndpoint } from "../../../src/hub/hub_endpoint.ts";
import { HubReuse } from "../../../src/hub/hub_reuse.ts";
import { HubTrees } from "../../../src/hub/hub_tree.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import type {
  Staging,
  TransitionResult,
} from "../../../src/session/endpoint.ts";
import { at, bytesOf, put, sizeOf } from "../../contract/hub_store_contract.ts";
import { Random } from "../../support/random.ts";
import { file } from "../../support/trees.ts";
import { joined } from "../../support/wire_message.ts";

const OLD = new Random(1).bytes(400_000);
const EDITED = OLD.slice();
EDITED.fill(9, 200_000, 200_010);

const SCAN = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: NO_IGNORE,
} as const;

/** A client of a hub that does by hand what a cycle does. */
class Client implements AsyncDisposable {
  readonly store = openMemoryStore(() => 0);
  readonly endpoint = new HubEndpoint({
    store: this.store,
    trees: new HubTrees(this.store),
    client: "a",
  });
  #changes: readonly Change[] = [];
  #staging: Staging | undefined;

  /** Announces `files`: which are wanted, and how. */
  async stage(
    files: Readonly<Record<string, TrackedEntry>>,
    checksum = false,
  ): Promise<Staging["wants"]> {
    const { root } = await this.endpoint.scan({ ...SCAN, checksum });
    this.#changes = Object.entries(files).map(([path, entry]) => ({
      path: at(path),
      old: entryAt(root, at(path)) as TrackedEntry | undefined,
      new: entry,
    }));
    const recipes = { recipes: true };
    this.#staging = await this.endpoint.stage(
      this.#changes,
      undefined,
      recipes,
    );
    return this.#staging.wants;
  }

  async describe(index: number, recipe: Recipe): Promise<Lacking> {
    const description = { kind: "recipe", index, recipe } as const;
    const [answer] = await this.endpoint.recipes.lacking([description]);
    return answer!;
  }

  /** Sends `pieces`, and has the changes carried out. */
  async send(...pieces: Piece[]): Promise<TransitionResult> {
    const writer = this.#staging!.writable.getWriter();
    for (const piece of pieces) {
      const byteLength = piece.kind === "data" ? piece.bytes.length : 0;
      await writer.write({ pieces: [piece], byteLength });
    }
    await writer.close();
    return await this.endpoint.transition(this.#changes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint.close();
    await this.store.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The end of a file of which nothing came. */
function end(index: number, size: number): Piece {
  const bytes = new Uint8Array(0);
  return { kind: "data", index, offset: size, bytes, last: true };
}

/** What `answer` asks for of `content`. */
function gapsOf(content: Uint8Array, answer: Lacking): Piece[] {
  assert(answer.kind === "gaps");
  return answer.gaps.map(({ offset, length }, i): Piece => ({
    kind: "data",
    index: answer.index,
    offset,
    bytes: content.subarray(offset, offset + length),
    last: i === answer.gaps.length - 1,
  }));
}

Deno.test("a hub wants described what it may have in part, and nothing else", async () => {
  await using client = new Client();
  await put(client.store, "old", OLD);
  await put(client.store, "small", OLD.subarray(0, 5_000));
  await put(client.store, "tiny", "tiny");
  const wants = await client.stage({
    "old": file({ size: 400_001 }),
    "new of that size": file({ size: 400_000 }),
    "new of another": file({ size: 3_000_000 }),
    "small of that size": file({ size: 5_000 }),
    "small of another": file({ size: 5_001 }),
    "tiny of that size": file({ size: 4 }),
    "tiny, and of its time": file({ size: 4, mtime: 7 }),
  });
  const described = wants.flatMap(({ first, count, recipe }) =>
    Array.from({ length: count }, (_, i) => recipe ? [first + i] : []).flat()
  );
  assertEquals(described, [0, 1, 3, 6]);
});

Deno.test("of an edited file a hub lacks the edit, and keeps both versions", async () => {
  await using client = new Client();
  await put(client.store, "f", OLD);
  await client.stage({ f: file({ size: EDITED.length }) });
  const answer = await client.describe(0, recipeOf(EDITED));
  assert(answer.kind === "gaps" && answer.gaps.length === 1);
  assert(answer.gaps[0]!.length < 300_000);
  assert(answer.gaps[0]!.signature !== undefined);
  const { done, problems } = await client.send(...gapsOf(EDITED, answer));
  assertEquals([[...done], problems], [[1], []]);
  for (const [revision, content] of [[1, OLD], [2, EDITED]] as const) {
    const { digest } = (await client.store.record(revision))!;
    assertEquals(await bytesOf(client.store.read(digest!)), content);
  }
});

Deno.test("of a copy a hub lacks nothing, also of a small one", async () => {
  await using client = new Client();
  const small = OLD.subarray(0, 5_000);
  await put(client.store, "f", OLD);
  await put(client.store, "s", small);
  await client.stage({
    large: file({ size: OLD.length }),
    small: file({ size: small.length }),
  });
  for (const [index, content] of [OLD, small].entries()) {
    const answer = await client.describe(index, recipeOf(content));
    assertEquals(answer, { kind: "gaps", index, gaps: [] });
  }
  const { problems } = await client.send(
    end(0, OLD.length),
    end(1, small.length),
  );
  assertEquals(problems, []);
  const { digest } = (await client.store.latest(at("large")))!;
  assertEquals(digest, sha256(OLD));
});

Deno.test("A14: a recipe of other content than was announced makes no version", async () => {
  await using client = new Client();
  await put(client.store, "f", OLD);
  const digest = sha256(new Uint8Array(7));
  await client.stage({ f: file({ size: EDITED.length, digest }) }, true);
  const answer = await client.describe(0, recipeOf(EDITED));
  const { done, problems } = await client.send(...gapsOf(EDITED, answer));
  assertEquals([...done], [0]);
  assertEquals(problems.map(({ path }) => path), ["f"]);
  assertEquals(sizeOf(client.store, sha256(EDITED)), undefined);
});

Deno.test("A14: what did not make the file that was described comes whole the next time", async () => {
  await using client = new Client();
  await put(client.store, "f", OLD);
  const wanted = { f: file({ size: EDITED.length }) };
  await client.stage(wanted);
  const answer = await client.describe(0, recipeOf(EDITED));
  const wrong = EDITED.slice();
  wrong[200_005]! ^= 1;
  const { done, problems } = await client.send(...gapsOf(wrong, answer));
  assertEquals([...done], [0]);
  assertEquals(problems.map(({ code }) => code), ["stale"]);
  assertEquals(await client.stage(wanted), [
    { first: 0, count: 1, resume: undefined },
  ]);
});

Deno.test("A16: a chunk of the hub that is said to be of another length is not taken", async () => {
  await using client = new Client();
  await put(client.store, "f", OLD);
  const recipe = recipeOf(OLD);
  const lengths = recipe.lengths.slice();
  lengths[0]!--;
  lengths[1]!++;
  await client.stage({ g: file({ size: OLD.length }) });
  const answer = await client.describe(0, { ...recipe, lengths });
  const { problems } = await client.send(...gapsOf(OLD, answer));
  assertEquals(problems.map(({ code }) => code), ["stale"]);
  assertEquals(await client.store.latest(at("g")), undefined);
});

Deno.test("A20: a file is described once, and before its content", async () => {
  await using client = new Client();
  await put(client.store, "f", OLD);
  await client.stage({ f: file({ size: EDITED.length }) });
  const answer = await client.describe(0, recipeOf(EDITED));
  await assertRejects(
    () => client.describe(0, recipeOf(EDITED)),
    ProtocolError,
  );
  await client.send(...gapsOf(EDITED, answer));
  await client.stage({ g: file({ size: OLD.length }), h: file() });
  const writing = client.send(
    ...[0, 1].map((index): Piece => {
      const bytes = index === 0 ? OLD : OLD.subarray(0, 1);
      return { kind: "data", index, offset: 0, bytes, last: true };
    }),
  );
  await writing;
  await assertRejects(() => client.describe(0, recipeOf(OLD)), TypeError);
});

Deno.test("a long file is described by pages, of which a hub asks for those that it lacks", async () => {
  await using client = new Client();
  const old = new Random(2).bytes(9_000_000);
  const edited = old.slice();
  edited.fill(1, 5_000_000, 5_000_100);
  await put(client.store, "f", old);
  await client.stage({ f: file({ size: edited.length }) });
  const recipe = recipeOf(edited);
  const pages = pagesOf(recipe);
  const digest = digestOfRecipe(recipe);
  const { lacking } = client.endpoint.recipes;
  const [asked] = await lacking([{ kind: "pages", index: 0, digest, pages }]);
  assert(asked?.kind === "pages");
  assert(asked.pages.length > 0 && asked.pages.length < pages.ends.length);
  const records = joined(
    ...Array.from(asked.pages, (page) => encodePage({ recipe, pages }, page)),
  );
  const [answer] = await lacking([{ kind: "chunks", index: 0, records }]);
  const pieces = gapsOf(edited, answer!);
  assertEquals(pieces.length, 1);
  const { problems } = await client.send(...pieces);
  assertEquals(problems, []);
  const { digest: made } = (await client.store.latest(at("f")))!;
  assertEquals(made, sha256(edited));
});

Deno.test("a hub describes what it has without reading it, and supplies the gaps", async () => {
  await using client = new Client();
  await put(client.store, "f", OLD);
  await client.stage({});
  const { root } = await client.endpoint.scan(SCAN);
  const entry = root.children.get("f" as Name) as FileEntry;
  const request = { index: 0, path: at("f"), entry };
  const { describe } = client.endpoint.recipes;
  assertEquals(await describe([request]), [
    { kind: "recipe", index: 0, recipe: recipeOf(OLD) },
  ]);
  const region = EDITED.subarray(150_000, 250_000);
  const signature = signatureOf(region, shapeFor(region.length, 100_000));
  const gaps = [
    { offset: 10, length: 20, signature: undefined },
    { offset: 150_000, length: 100_000, signature },
  ];
  const supplied = client.endpoint.supply([
    { ...request, resume: undefined, gaps },
  ]);
  const pieces: Piece[] = [];
  for await (const batch of supplied) pieces.push(...batch.pieces);
  assertEquals(pieces.map((piece) => piece.kind), ["data", "delta"]);
  const [first, second] = pieces as [
    Piece & { kind: "data" },
    Piece & { kind: "delta" },
  ];
  assertEquals(first.bytes, OLD.subarray(10, 30));
  assert(second.bytes.length < 3_000);
  const bounds = { regionBytes: region.length, targetBytes: 100_000 };
  const operations = decodeDelta(second.bytes, bounds);
  assertEquals(
    patch(region, operations, 100_000),
    OLD.subarray(150_000, 250_000),
  );
  await put(client.store, "f", EDITED);
  assertEquals(await describe([request]), [{ kind: "unavailable", index: 0 }]);
});

/** Ways in which a hub can't plan how a file is made. */
const UNPLANNED: Readonly<Record<string, (client: Client) => void>> = {
  "the hub is full"({ store }): void {
    store.writeRecipe = () => Promise.reject(ioError("no-space"));
  },
  "a version can't be read"({ store }): void {
    const open = store.open.bind(store);
    store.open = (digest) => {
      const { close } = open(digest)!;
      const read = (): number => {
        throw ioError("io");
      };
      return { read, close };
    };
  },
  "the client has gone"({ store, endpoint }): void {
    const writeRecipe = store.writeRecipe.bind(store);
    store.writeRecipe = async (recipe, client) => {
      const writer = await writeRecipe(recipe, client);
      await endpoint.close();
      return writer;
    };
  },
};

function ioError(code: "io" | "no-space"): FileSystemError {
  return new FileSystemError(code, "the disk has failed");
}

for (const [why, happen] of Object.entries(UNPLANNED)) {
  Deno.test(`what a hub looked at is collected in the end, though ${why}`, async () => {
    await using client = new Client();
    const { store } = client;
    const { digest } = await put(store, "f", OLD);
    await client.stage({ f: file({ size: EDITED.length }) });
    happen(client);
    await client.describe(0, recipeOf(EDITED)).catch(() => {});
    await client.endpoint.close();
    await put(store, "f", "other");
    await store.collect({ versions: 0, ageMs: 0 });
    assertEquals(sizeOf(store, digest!), undefined);
    assertEquals((await store.totals()).chunks, 1);
  });
}

Deno.test("what is supplied is collected in the end, though the client has gone", async () => {
  await using client = new Client();
  const { store, endpoint } = client;
  const content = new Random(2).bytes(4_000_000);
  const { digest } = await put(store, "f", content);
  const { root } = await endpoint.scan(SCAN);
  const entry = root.children.get("f" as Name) as FileEntry;
  const request = { index: 0, path: at("f"), entry, resume: undefined };
  const gaps = [0, 1, 2, 3, 4, 5].map((i) => (
    { offset: i * 200_000, length: 180_000, signature: undefined }
  ));
  for (const asked of [request, { ...request, gaps }]) {
    const gone = new AbortController();
    const reader = endpoint.supply([asked], gone.signal).getReader();
    await reader.read();
    gone.abort();
    await assertRejects(async () => {
      while (!(await reader.read()).done);
    });
  }
  await put(store, "f", "other");
  await store.collect({ versions: 0, ageMs: 0 });
  assertEquals(sizeOf(store, digest!), undefined);
});

Deno.test("A14: what files are held against counts as well as what is told of them", async () => {
  await using client = new Client();
  const { store, endpoint } = client;
  const paths = ["a", "b", "c"].map(at);
  for (const path of paths) await put(store, path, OLD);
  const { root: tree } = await endpoint.scan(SCAN);
  const content = OLD.slice(0, 300_000).reverse();
  const recipe = recipeOf(content);
  const changes = paths.map((path): Change => ({
    path,
    old: entryAt(tree, path) as TrackedEntry,
    new: file({ size: content.length }),
  }));
  const each = recipeOf(OLD).lengths.length + recipe.lengths.length;
  const reuse = new HubReuse({
    store,
    client: "a",
    tree,
    changes,
    files: [...filesOf(changes)],
    distrusted: new Map(),
    maxChunks: 2 * each,
  });
  const answers = await reuse.lacking(
    paths.map((_, index) => ({ kind: "recipe", index, recipe })),
  );
  reuse.close();
  assertEquals(answers.map(({ kind }) => kind), ["gaps", "gaps", "whole"]);
});

Deno.test("I9: others have their turn while a hub looks whether a file can be resumed", async () => {
  await using client = new Client();
  const { store, endpoint } = client;
  const content = new Uint8Array(48 * 1024 * 1024);
  const { digest } = await put(store, "f", content);
  const { root } = await endpoint.scan(SCAN);
  const entry = root.children.get("f" as Name) as FileEntry;
  const resume = { offset: content.length, digest: digest! };
  const request = { index: 0, path: at("f"), entry, resume };
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const reader = endpoint.supply([request]).getReader();
  const { value } = await reader.read();
  clearInterval(timer);
  await reader.cancel();
  assertEquals(value!.byteLength, 0);
  assert(turns > 0);
});
