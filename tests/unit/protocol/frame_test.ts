import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError, TransportError } from "../../../src/errors.ts";
import {
  costsCredit,
  decodeFrames,
  type Frame,
  FrameType,
  isQuestion,
  putFrameHeader,
  sealMessage,
} from "../../../src/protocol/frame.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/protocol/limits.ts";
import { encodeMessage, sealed } from "../../support/wire_message.ts";

const FRAME: Frame = {
  type: FrameType.content,
  exchange: 0xfffefdfc,
  end: true,
  payload: Uint8Array.of(1, 2, 3),
};

Deno.test("A frame comes back as it was", () => {
  assertEquals([...decodeFrames(encodeMessage(FRAME))], [FRAME]);
});

Deno.test("A message gives its frames in order, as views", () => {
  const frames = [0, 1, 70_000].map((length, i) => ({
    type: FrameType.listing,
    exchange: i,
    end: false,
    payload: new Uint8Array(length).fill(i),
  }));
  const message = encodeMessage(...frames);
  const decoded = [...decodeFrames(message)];
  assertEquals(decoded, frames);
  assertEquals(decoded[2]!.payload.buffer, message.buffer);
});

Deno.test("The checksum of a message is the CRC-32 of all behind it", () => {
  // The check value by which implementations are compared.
  const message = new TextEncoder().encode("????123456789");
  sealMessage(message);
  assertEquals(message.subarray(0, 4).toHex(), "cbf43926");
});

Deno.test("A message without its right checksum was damaged, whatever else it is", () => {
  const good = encodeMessage(FRAME);
  const table: [string, Uint8Array][] = [
    ["nothing", new Uint8Array()],
    ["half a checksum", new Uint8Array(2)],
    ["a checksum of something else", patched(good, 0, good[0]! ^ 1)],
    ["another byte", patched(good, 18, 4)],
    ["an unknown type", patched(good, 4, 99)],
    ["an end that is missing", good.subarray(0, good.length - 1)],
    ["too many bytes", new Uint8Array(MAX_MESSAGE_BYTES + 1)],
  ];
  for (const [what, message] of table) {
    const error = assertThrows(
      () => [...decodeFrames(message)],
      TransportError,
      undefined,
      what,
    );
    assertEquals(error.code, "connection-lost");
  }
});

Deno.test("decodeFrames() refuses what is not a row of whole frames", () => {
  const good = encodeMessage(FRAME);
  const table: [string, Uint8Array][] = [
    ["an empty message", new Uint8Array(4)],
    ["a frame cut off anywhere", good.slice(0, good.length - 1)],
    ["a header cut off", good.slice(0, 15)],
    ["a byte too many", Uint8Array.of(...good, 0)],
    ["an unknown type", patched(good, 4, 99)],
    ["type 0", patched(good, 4, 0)],
    ["unknown flags", patched(good, 5, 2)],
    ["reserved bits", patched(good, 6, 1)],
    ["more reserved bits", patched(good, 7, 128)],
    ["a length beyond the end", patched(good, 15, 4)],
    ["a huge length", patched(good, 12, 0xff)],
    ["a message that is too long", new Uint8Array(MAX_MESSAGE_BYTES + 1)],
  ];
  for (const [what, message] of table) {
    assertThrows(
      () => [...decodeFrames(sealed(message))],
      ProtocolError,
      undefined,
      what,
    );
  }
});

Deno.test("putFrameHeader() refuses a payload that fits no message", () => {
  const page = new Uint8Array(MAX_MESSAGE_BYTES + 1);
  assertThrows(() => putFrameHeader(page, FRAME), RangeError);
});

Deno.test("Session frames cost no credit, questions and answers do", () => {
  assertEquals(costsCredit(FrameType.hello), false);
  assertEquals(costsCredit(FrameType.cancel), false);
  assertEquals(costsCredit(FrameType.scan), true);
  assertEquals(costsCredit(FrameType.done), true);
  assertEquals(isQuestion(FrameType.transition), true);
  assertEquals(isQuestion(FrameType.progress), false);
  assertEquals(isQuestion(FrameType.ping), false);
});

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}
