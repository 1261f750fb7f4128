import { assert, assertEquals, assertRejects } from "@std/assert";
import { decodeFrames, FrameType } from "../../../src/protocol/frame.ts";
import { FrameEncoderStream } from "../../../src/protocol/frame_streams.ts";
import {
  MAX_MESSAGE_BYTES,
  MESSAGE_HEADER_BYTES,
} from "../../../src/protocol/limits.ts";
import { settle } from "../../support/fake_clock.ts";
import { encodeMessage } from "../../support/wire_message.ts";

/** A frame behind room for the header of its message. */
function frame(exchange: number, length = 1): Uint8Array {
  const payload = new Uint8Array(length).fill(exchange);
  const type = FrameType.content;
  return encodeMessage({ type, exchange, end: false, payload })
    .fill(0, 0, MESSAGE_HEADER_BYTES);
}

function exchangesOf(message: Uint8Array): number[] {
  return [...decodeFrames(message)].map(({ exchange }) => exchange);
}

Deno.test("FrameEncoderStream sends a frame at once when somebody waits", async () => {
  const encoder = new FrameEncoderStream();
  const reader = encoder.readable.getReader();
  const writer = encoder.writable.getWriter();
  const read = reader.read();
  await writer.write(frame(1));
  assertEquals(exchangesOf((await read).value!), [1]);
});

Deno.test("FrameEncoderStream packs small frames that nobody was waiting for", async () => {
  const encoder = new FrameEncoderStream();
  const reader = encoder.readable.getReader();
  const writer = encoder.writable.getWriter();
  for (const exchange of [1, 2, 3]) await writer.write(frame(exchange));
  assertEquals(exchangesOf((await reader.read()).value!), [1, 2, 3]);
});

Deno.test("FrameEncoderStream keeps the order of small and large frames", async () => {
  const encoder = new FrameEncoderStream();
  const writer = encoder.writable.getWriter();
  const sizes = [10, 200_000, 10, 10, 33_000, 30_000, 30_000, 30_000, 5];
  const written = Promise.all(
    sizes.map((size, i) => writer.write(frame(i, size))),
  );
  const closed = writer.close();
  const seen: number[] = [];
  for await (const message of encoder.readable) {
    assert(message.length <= MAX_MESSAGE_BYTES);
    seen.push(...exchangesOf(message));
    await settle();
  }
  await written;
  await closed;
  assertEquals(seen, sizes.map((_, i) => i));
});

Deno.test("FrameEncoderStream lets a large frame's bytes go only when the reader is done", async () => {
  const encoder = new FrameEncoderStream();
  const reader = encoder.readable.getReader();
  const writer = encoder.writable.getWriter();
  const read = reader.read();
  let reusable = false;
  writer.write(frame(1, 100_000)).then(() => reusable = true);
  await read;
  await settle();
  assertEquals(reusable, false);
  const next = reader.read();
  await settle();
  assertEquals(reusable, true);
  await writer.write(frame(2));
  assertEquals(exchangesOf((await next).value!), [2]);
});

Deno.test("FrameEncoderStream does not touch a message that is being read", async () => {
  const encoder = new FrameEncoderStream();
  const reader = encoder.readable.getReader();
  const writer = encoder.writable.getWriter();
  await writer.write(frame(1));
  const { value } = await reader.read();
  const before = value!.slice();
  for (let i = 2; i < 9; i++) await writer.write(frame(i, 1000));
  assertEquals(value, before);
});

Deno.test("FrameEncoderStream lets go of writers when the reader has gone", async () => {
  const encoder = new FrameEncoderStream();
  const reader = encoder.readable.getReader();
  const writer = encoder.writable.getWriter();
  const stuck = writer.write(frame(1, 100_000));
  const after = writer.write(frame(2));
  after.catch(() => {});
  writer.closed.catch(() => {});
  await reader.cancel(new Error("gone"));
  await stuck.catch(() => {});
  await assertRejects(() => after, Error, "gone");
});

Deno.test("FrameEncoderStream refuses a frame that fits no message", async () => {
  const encoder = new FrameEncoderStream();
  const writer = encoder.writable.getWriter();
  writer.closed.catch(() => {});
  await assertRejects(
    () => writer.write(new Uint8Array(MAX_MESSAGE_BYTES + 1)),
    RangeError,
  );
});
