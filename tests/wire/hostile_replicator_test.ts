/** What a hostile source may say to the target of a replicator, in requests. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ProtocolError, SyncError } from "../../src/errors.ts";
import { DenoFileSystem } from "../../src/fs/deno_fs.ts";
import type { Directory, FileSystem } from "../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import { decodeFrames, FrameType } from "../../src/protocol/frame.ts";
import { newId } from "../../src/replicator/party.ts";
import { ReplicatorMessage } from "../../src/replicator/replicator_message.ts";
import { ReplicatorSource } from "../../src/replicator/replicator_source.ts";
import { ReplicatorTarget } from "../../src/replicator/replicator_target.ts";
import { Ground } from "../support/hostile_ground.ts";
import { helloRecord, HostileSender } from "../support/hostile_peer.ts";
import { Random } from "../support/random.ts";
import { requestTransport } from "../support/request_transport.ts";
import { encodeMessage, sealed } from "../support/wire_message.ts";
import { SENDER_CASES, TARGET_FILES } from "./hostile_sender_cases.ts";

for (const [row, cases] of Map.groupBy(SENDER_CASES, ({ row }) => row)) {
  Deno.test(`${row}: ${cases.length} attempts of a source end its session and change nothing`, async () => {
    await using ground = new Ground(TARGET_FILES);
    const target = new ReplicatorTarget(new DenoFileSystem(), ground.target);
    for (const { what, attack } of cases) {
      using sender = await HostileSender.over(requestTransport(target));
      const verdict = await sender.rejection(attack).catch((error) => {
        throw new Error(what, { cause: error });
      });
      assert(
        ["protocol", "unsafe-path"].includes(verdict.code),
        `${what}: ${verdict.code}, ${verdict.message}`,
      );
      ground.assertUnchanged();
    }
    // Whatever came before, the next one is served.
    using sender = await HostileSender.over(requestTransport(target));
    await sender.scan();
    assertEquals(await sender.bye(), undefined);
    await target.close();
  });
}

Deno.test("requests out of turn, or of nobody, are refused and change nothing", async () => {
  const fs = MemoryFileSystem.from({ "b/kept": "kept" });
  const target = new ReplicatorTarget(fs, "b");
  const session = newId();
  const say = async (
    number: number,
    message: Uint8Array = new Uint8Array(),
    id = session,
  ): Promise<readonly number[]> => {
    const response = await target.handle(
      new ReplicatorMessage(id, number, message),
    );
    assertEquals([response.session, response.number], [id, number]);
    if (response.message.length === 0) return [];
    return [...decodeFrames(response.message)].map(({ type }) => type);
  };
  const { hello, failed } = FrameType;
  const greeting = encodeMessage({
    type: hello,
    exchange: 0,
    end: false,
    payload: helloRecord(),
  });
  assertEquals(await say(1), [failed]);
  assertEquals(await say(0, new Uint8Array(), newId()), [failed]);
  assertEquals(await say(0, greeting), [hello]);
  assertEquals(await say(0, greeting), [hello]);
  for (const number of [2, 7, Number.MAX_SAFE_INTEGER]) {
    assertEquals(await say(number), [failed], String(number));
  }
  assertEquals(await say(1), []);
  // One that has gone does not come back, and takes nobody's place.
  assertEquals(await say(0, greeting, newId()), [hello]);
  assertEquals(await say(0, greeting), [failed]);
  assertEquals(await say(2), [failed]);
  await target.close();
  await assertRejects(() => say(3), TypeError);
  assertEquals(fs.dump(), { "b/kept": "kept" });
});

Deno.test("sources that all come at once leave one session, and nothing open", async () => {
  const fs = MemoryFileSystem.from({ "b/kept": "kept" });
  let open = 0;
  const counting: FileSystem = {
    traits: fs.traits,
    async openRoot(path, options): Promise<Directory> {
      const root = await fs.openRoot(path, options);
      const close = root.close.bind(root);
      open++;
      root.close = (): void => {
        open--;
        close();
      };
      return root;
    },
  };
  const target = new ReplicatorTarget(counting, "b");
  const message = encodeMessage({
    type: FrameType.hello,
    exchange: 0,
    end: false,
    payload: helloRecord(),
  });
  const ids = Array.from({ length: 50 }, newId);
  await Promise.all(
    ids.map((session) => target.handle({ session, number: 0, message })),
  );
  assertEquals(open, 1);
  // Nor do requests queue up, whose source has not waited for its response.
  const last = ids.at(-1)!;
  const empty = new Uint8Array();
  const answers = await Promise.all(
    [1, 2, 3].map((number) =>
      target.handle({ session: last, number, message: empty })
    ),
  );
  assertEquals(answers.map(({ message }) => message.length > 0), [
    false,
    true,
    true,
  ]);
  const beginning = target.handle({ session: newId(), number: 0, message });
  await target.close();
  await beginning;
  assertEquals(open, 0);
});

Deno.test("noise ends a session at most, and the next source is served", async () => {
  const random = new Random(11);
  const to = MemoryFileSystem.from({ "b/kept": "kept", "beside": "x" });
  const target = new ReplicatorTarget(to, "b");
  const types = Object.values(FrameType);
  for (let round = 0; round < 300; round++) {
    const session = newId();
    const messages = [
      encodeMessage({
        type: FrameType.hello,
        exchange: 0,
        end: false,
        payload: helloRecord(),
      }),
    ];
    for (let i = random.between(1, 5); i > 0; i--) {
      const frames = Array.from({ length: random.between(1, 3) }, () => ({
        type: random.pick(types),
        exchange: random.below(4),
        end: random.below(2) === 0,
        payload: random.bytes(random.pick([0, 1, 2, 40])),
      }));
      messages.push(encodeMessage(...frames));
      if (random.below(4) === 0) messages.push(sealed(random.bytes(30)));
    }
    for (const [number, message] of messages.entries()) {
      try {
        await target.handle({ session, number, message });
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
      }
    }
  }
  for (const nothing of [undefined, 7, "text", {}, new Uint8Array(9)]) {
    await assertRejects(() => target.handle(nothing), ProtocolError);
  }
  assertEquals(to.dump(), { "b/kept": "kept", "beside": "x" });
  const from = MemoryFileSystem.from({ "a/new": "new" });
  const source = new ReplicatorSource(from, "a", (r) => target.handle(r));
  await source.start();
  await source.close();
  await target.close();
  assertEquals(to.dump(), { "b/new": "new", "beside": "x" });
});
