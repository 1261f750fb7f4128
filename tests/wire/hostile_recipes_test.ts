/** Who lies about recipes, gaps and deltas loses the session, and changes nothing. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { pagesOf } from "../../src/content/pages.ts";
import { digestOfRecipe } from "../../src/content/pages.ts";
import { ID_BYTES, type Recipe, recipeOf } from "../../src/content/recipe.ts";
import { encodePages, encodeRecipe } from "../../src/content/recipe_codec.ts";
import type { Change } from "../../src/core/change.ts";
import { parseRelPath } from "../../src/core/path.ts";
import { ProtocolError } from "../../src/errors.ts";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { LackingReader } from "../../src/protocol/lacking_codec.ts";
import { WantReader } from "../../src/protocol/want_codec.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { awaitHello, openSession } from "../../src/session/open_session.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { fileEntry } from "../support/fake_endpoint.ts";
import { Ground, MemoryReceiver } from "../support/hostile_ground.ts";
import { HostileHub } from "../support/hostile_hub.ts";
import { helloRecord, HostileSender } from "../support/hostile_peer.ts";
import {
  bytes,
  file,
  path,
  piece,
  put,
  text,
  time,
  TOO_LARGE,
  varint,
} from "../support/hostile_records.ts";
import { Random } from "../support/random.ts";
import { party, RawPeer } from "../support/session_pair.ts";
import { joined } from "../support/wire_message.ts";

const random = new Random(17);
const letters = (length: number): string =>
  Array.from({ length }, () => "abcdefghijklmnop"[random.below(16)]).join("");
const OLD = letters(150_000);
const LONG = new Random(5).bytes(80 * 1024 * 1024);
const NEW = new TextEncoder().encode(
  `${OLD.slice(0, 75_000)}!${OLD.slice(75_000)}`,
);
const RECIPE = recipeOf(NEW);
const LONG_RECIPE = recipeOf(LONG);
const HELLO = helloRecord(1, { capabilities: ["recipes"] });
const KIND = { unavailable: 0, recipe: 1, pages: 2, chunks: 3 } as const;

/** One description. */
function description(
  kind: keyof typeof KIND,
  content: Uint8Array,
  index = 0,
): Uint8Array {
  return joined(
    varint(index),
    bytes(KIND[kind]),
    varint(content.length),
    content,
  );
}

/** A recipe with one thing changed. */
function recipe(change: Partial<Recipe>): Uint8Array {
  return encodeRecipe({ ...RECIPE, ...change });
}

function withLengths(...lengths: number[]): Uint8Array {
  return recipe({
    lengths: Uint32Array.from(lengths),
    ids: new Uint8Array(lengths.length * ID_BYTES),
  });
}

function pages(of: Recipe, digest = digestOfRecipe(of)): Uint8Array {
  return joined(Uint8Array.fromHex(digest), encodePages(pagesOf(of)));
}

/** Targets with a file of letters, to which a sender speaks by hand: a directory, and a hub. */
async function attacked(
  attack: (sender: HostileSender) => Promise<unknown>,
  what: string,
): Promise<void> {
  await using ground = new Ground({ file: OLD });
  const receiver = new MemoryReceiver(ground.target);
  await lost(await receiver.connect(HELLO), attack, what);
  await receiver.over();
  ground.assertUnchanged();
  assertEquals(receiver.clock.timers, 0);
  await using hub = await HostileHub.with(OLD);
  await lost(await hub.connect(HELLO), attack, `${what}, at a hub`);
  await hub.over();
  await hub.assertUnchanged();
  assertEquals(hub.clock.timers, 0);
}

/** Fails unless `attack` ends the session of `sender`. */
async function lost(
  sender: HostileSender,
  attack: (sender: HostileSender) => Promise<unknown>,
  what: string,
): Promise<void> {
  using _ = sender;
  const verdict = await sender.rejection(attack).catch((error) => {
    throw new Error(what, { cause: error });
  });
  assertEquals(verdict.code, "protocol", `${what}: ${verdict.message}`);
}

/** Scans, and announces that `file` becomes {@link NEW}: what is wanted. */
async function begun(
  sender: HostileSender,
  size = NEW.length,
): Promise<WantReader> {
  await sender.scan();
  const wants = new WantReader(1, { recipes: true });
  const answer = await sender.stage(put("file", file({ size, mtime: 5000 })));
  wants.read(new ByteReader(answer));
  assertEquals(wants.wants, [
    { first: 0, count: 1, resume: undefined, recipe: true },
  ]);
  return wants;
}

/** Describes, and answers what comes back. */
async function describe(
  sender: HostileSender,
  ...descriptions: Uint8Array[]
): Promise<LackingReader> {
  const exchange = await sender.ask(
    FrameType.described,
    joined(...descriptions),
  );
  const answer = await sender.answer(exchange);
  const lacking = new LackingReader(() => NEW.length);
  for (const { payload } of answer) lacking.read(new ByteReader(payload));
  return lacking;
}

const DESCRIPTIONS: Readonly<Record<string, readonly Uint8Array[]>> = {
  "a recipe of another size": [
    description("recipe", encodeRecipe(recipeOf(NEW.subarray(1)))),
  ],
  "a chunk that is too short": [
    description("recipe", withLengths(16, NEW.length - 16)),
  ],
  "a chunk that is too long": [
    description("recipe", withLengths(300_000)),
  ],
  "an empty chunk at the end": [
    description("recipe", withLengths(NEW.length, 0)),
  ],
  "a recipe of no version": [
    description("recipe", joined(bytes(9), encodeRecipe(RECIPE).subarray(1))),
  ],
  "a recipe of more chunks than there are": [
    description("recipe", encodeRecipe(RECIPE).subarray(0, -1)),
  ],
  "more chunks than any recipe has": [
    description("recipe", bytes(1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)),
  ],
  "a description of 2^53 bytes": [
    joined(varint(0), bytes(KIND.recipe), TOO_LARGE),
  ],
  "a description of 1 GB": [
    joined(varint(0), bytes(KIND.recipe), varint(1e9)),
  ],
  "half a description": [
    description("recipe", encodeRecipe(RECIPE)).subarray(0, -9),
  ],
  "a kind that nobody knows": [
    joined(varint(0), bytes(4), varint(1), bytes(0)),
  ],
  "nothing, as a recipe": [description("recipe", bytes())],
  "something, as unavailable": [description("unavailable", bytes(1))],
  "a file that was never announced": [
    description("recipe", encodeRecipe(RECIPE), 1),
  ],
  "the same file twice": [
    description("unavailable", bytes()),
    description("unavailable", bytes()),
  ],
  "chunks of pages that nobody asked for": [
    description("chunks", new Uint8Array(36)),
  ],
  "pages of far too many chunks": [description("pages", pages(LONG_RECIPE))],
  "no pages": [
    description("pages", pages(recipeOf(new Uint8Array()))),
  ],
  "a list of pages without a digest": [
    description("pages", encodePages(pagesOf(RECIPE))),
  ],
};

for (const [what, descriptions] of Object.entries(DESCRIPTIONS)) {
  Deno.test(`A15, A16: a sender that tells ${what} loses the session`, async () => {
    await attacked(async (sender) => {
      await begun(sender);
      await describe(sender, ...descriptions);
    }, what);
  });
}

Deno.test("A16: page digests that do not hold end the session", async () => {
  const list = pagesOf(RECIPE);
  const chunks = encodeRecipe(RECIPE).subarray(8);
  const wrong = chunks.slice();
  wrong[0]! ^= 1;
  const answers: Record<string, readonly [Uint8Array, Uint8Array]> = {
    "a chunk that is not in the page": [pages(RECIPE), wrong],
    "too few chunks": [pages(RECIPE), chunks.subarray(36)],
    "too many chunks": [pages(RECIPE), joined(chunks, chunks)],
    "another digest of the file": [pages(RECIPE, "ab".repeat(32)), chunks],
  };
  assertEquals(list.ends.length, 1);
  for (const [what, [told, records]] of Object.entries(answers)) {
    await attacked(async (sender) => {
      await begun(sender);
      const lacking = await describe(sender, description("pages", told));
      assertEquals(lacking.answers.map(({ kind }) => kind), ["pages"]);
      await describe(sender, description("chunks", records));
    }, what);
  }
});

Deno.test("A19: descriptions have their place, once, before the content", async () => {
  const whole = description("recipe", encodeRecipe(RECIPE));
  await attacked(async (sender) => {
    await sender.scan();
    await describe(sender, whole);
  }, "before a stage");
  await attacked(async (sender) => {
    await begun(sender);
    await describe(sender, whole);
    await describe(sender, whole);
  }, "twice");
  await attacked(async (sender) => {
    await begun(sender);
    await sender.content(piece(NEW));
    await describe(sender, whole);
  }, "after the content");
  await attacked(async (sender) => {
    await sender.scan();
    await sender.ask(FrameType.describe, joined(varint(0), path("file")));
    await sender.answer(sender.next - 2);
  }, "asked of a target");
});

/** Content of gaps, in which something is wrong; the first gap begins at 0. */
const CONTENTS: Readonly<
  Record<
    string,
    (gap: { offset: number; length: number }) => Uint8Array
  >
> = {
  "all of the file": () => piece(NEW),
  "content before the gap": ({ offset }) =>
    piece("x", { offset: offset === 0 ? NEW.length - 1 : 0, last: false }),
  "content behind the gap": ({ offset, length }) =>
    piece("x", { offset: offset + length, last: false }),
  "more than the gap": ({ offset, length }) =>
    piece("x".repeat(length + 1), { offset, last: false }),
  "less than the gap": ({ offset, length }) =>
    piece("x".repeat(length - 1), { offset }),
  "nothing for the gap": ({ offset }) => piece("", { offset }),
  "a delta that copies from outside the region": ({ offset, length }) =>
    deltaPiece(offset, length, [0x8000_0000 + length, 2 ** 31]),
  "a delta that makes too little": ({ offset, length }) =>
    deltaPiece(offset, length, [0x8000_0000 + length - 1, 0]),
  "a delta that makes too much": ({ offset, length }) =>
    deltaPiece(offset, length, [
      0x8000_0000 + length,
      0,
      0x8000_0000 + 1,
      0,
    ]),
  "a delta of nothing": ({ offset, length }) => deltaPiece(offset, length, []),
  "a delta of no version": ({ offset, length }) =>
    deltaPiece(offset, length, [0x8000_0000 + length, 0], 0x0200_0000),
  "a delta that is longer than the gap": ({ offset, length }) =>
    deltaPiece(offset, length + 1, [0x8000_0000 + length + 1, 0]),
};

function deltaPiece(
  offset: number,
  length: number,
  words: readonly number[],
  head = 0x0100_0000,
): Uint8Array {
  const content = new Uint8Array(4 + 4 * words.length);
  const view = new DataView(content.buffer);
  view.setUint32(0, head);
  words.forEach((word, i) => view.setUint32(4 + 4 * i, word >>> 0));
  return joined(
    varint(0),
    bytes(7 | (offset === 0 ? 0 : 8)),
    offset === 0 ? bytes() : varint(offset),
    varint(length),
    text(content),
  );
}

for (const [what, make] of Object.entries(CONTENTS)) {
  Deno.test(`A15: a sender that sends ${what} loses the session`, async () => {
    await attacked(async (sender) => {
      await begun(sender);
      const lacking = await describe(
        sender,
        description("recipe", encodeRecipe(RECIPE)),
      );
      const [answer] = lacking.answers;
      assert(answer?.kind === "gaps" && answer.gaps.length === 1);
      assert(answer.gaps[0]!.signature.length > 0);
      await sender.content(make(answer.gaps[0]!));
      await sender.transition();
    }, what);
  });
}

/** Describes a file, fills its gap with something else, and wants it in place. */
async function sendWrongContent(sender: HostileSender): Promise<void> {
  await begun(sender);
  const lacking = await describe(
    sender,
    description("recipe", encodeRecipe(RECIPE)),
  );
  const [answer] = lacking.answers;
  assert(answer?.kind === "gaps");
  const [{ offset, length }] = answer.gaps as [typeof answer.gaps[0] & object];
  await sender.content(piece("x".repeat(length), { offset }));
  await sender.transition();
}

Deno.test("A14: content that is not what the recipe says is never put in place", async () => {
  await using ground = new Ground({ file: OLD });
  const receiver = new MemoryReceiver(ground.target);
  using sender = await receiver.connect(HELLO);
  await sendWrongContent(sender);
  assertEquals(Deno.readTextFileSync(`${ground.target}/file`), OLD);
  await sender.bye();
  await receiver.over();
  ground.assertUnchanged();
});

Deno.test("A14: content that is not what the recipe says becomes no version at a hub", async () => {
  await using hub = await HostileHub.with(OLD);
  using sender = await hub.connect(HELLO);
  await sendWrongContent(sender);
  await sender.bye();
  await hub.over();
  await hub.assertUnchanged();
});

/** What a receiver may answer to a description of a file of 150,001 bytes. */
const ANSWERS: Readonly<Record<string, Uint8Array>> = {
  "nothing": bytes(),
  "another file": bytes(1, 0),
  "the file twice": bytes(0, 0, 0, 0),
  "something unknown": bytes(0, 3),
  "no pages": bytes(0, 1, 0),
  "a page of 2^53": joined(bytes(0, 1, 1), TOO_LARGE),
  "pages of a file that was told as a whole": bytes(0, 1, 1, 0),
  "a gap behind the end": joined(
    bytes(0, 2, 1),
    varint(NEW.length),
    bytes(1, 0),
  ),
  "a gap over the end": joined(
    bytes(0, 2, 1, 1),
    varint(NEW.length),
    bytes(0),
  ),
  "an empty gap": bytes(0, 2, 1, 0, 0, 0),
  "half a gap": bytes(0, 2, 2, 0, 1, 0),
  "2^53 gaps": joined(bytes(0, 2), TOO_LARGE),
  "a signature of no version": bytes(0, 2, 1, 0, 1, 12, ...new Array(12)),
  "a signature that is cut off": bytes(0, 2, 1, 0, 1, 12, 1, 1, 0),
  "a signature of other blocks": bytes(
    ...[0, 2, 1, 0, 1, 12, 1, 1, 0, 0, 0, 0, 0, 16, 0, 0, 0, 17],
  ),
  "a signature of tiny blocks": bytes(
    ...[0, 2, 1, 0, 1, 12, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
  ),
};

for (const [what, payload] of Object.entries(ANSWERS)) {
  Deno.test(`B03: a receiver that lacks ${what} loses the session`, async () => {
    const [near, far] = memoryTransports();
    const raw = new RawPeer(far);
    const clock = new FakeClock();
    const opened = openSession(near, party(1), { clock });
    await raw.receiveType(FrameType.hello);
    await raw.send(FrameType.hello, {
      payload: helloRecord(2, { capabilities: ["recipes"] }),
    });
    const remote = new RemoteEndpoint(await opened);
    const changes: Change[] = [
      {
        path: parseRelPath("file"),
        old: fileEntry(OLD.length),
        new: fileEntry(NEW.length),
      },
    ];
    const staged = remote.stage(changes);
    await raw.receiveType(FrameType.stage);
    await raw.send(FrameType.wants, {
      exchange: 1,
      end: true,
      payload: bytes(0, 6),
    });
    assertEquals((await staged).wants[0]?.recipe, true);
    const answered = remote.recipes!.lacking([
      { kind: "recipe", index: 0, recipe: RECIPE },
    ]);
    await raw.receiveType(FrameType.described);
    await raw.send(FrameType.lacking, { exchange: 3, end: true, payload });
    // What is right in its form alone is found out by who has asked.
    const isForm = ["nothing", "pages of a file that was told as a whole"];
    if (isForm.includes(what)) await answered;
    else await assertRejects(() => answered, ProtocolError);
    raw.close();
  });
}

Deno.test("B01: pages that a file has not, and gaps of others, are not supplied", async () => {
  const questions: readonly [FrameType, Uint8Array][] = [
    [
      FrameType.describe,
      joined(
        varint(0),
        path("f"),
        varint(NEW.length),
        time(0),
        varint(1),
        varint(7),
      ),
    ],
    [
      FrameType.describe,
      joined(varint(0), path("g"), varint(1), time(0), varint(0)),
    ],
    [
      FrameType.supply,
      joined(
        varint(0),
        path("f"),
        varint(NEW.length),
        time(0),
        bytes(2, 1),
        varint(NEW.length),
        bytes(1, 0),
      ),
    ],
  ];
  for (const [type, payload] of questions) {
    const fileSystem = MemoryFileSystem.from({ f: NEW }, { now: () => 0 });
    const endpoint = await LocalEndpoint.open(fileSystem, "/");
    const [near, far] = memoryTransports();
    const clock = new FakeClock();
    const pending = awaitHello(far, { clock });
    const sending = HostileSender.over(near, HELLO);
    const session = await (await pending).accept(party(2));
    const served = serveEndpoint(session, endpoint, { role: "source" })
      .catch((error) => error as Error);
    using sender = await sending;
    const verdict = await sender.rejection(async () => {
      await sender.scan();
      await sender.answer(await sender.ask(type, payload));
    });
    assertEquals(verdict.code, "protocol");
    assert(await served instanceof ProtocolError);
    await using hub = await HostileHub.with(NEW, "f");
    await lost(
      await hub.connect(HELLO, "source"),
      async (sender) => {
        await sender.scan();
        await sender.answer(await sender.ask(type, payload));
      },
      "at a hub",
    );
    await hub.assertUnchanged();
  }
});
