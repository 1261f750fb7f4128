import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/errors.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/protocol/limits.ts";
import {
  checkMessage,
  decodeMessage,
  encodeMessage,
  ReplicatorMessage,
} from "../../../src/replicator/replicator_message.ts";
import { FORMS } from "../../support/replicator_kit.ts";

const SESSION = "00112233445566778899aabbccddeeff";

Deno.test("a message survives each form that it can have", () => {
  for (const length of [0, 1, 2, 3, 100, MAX_MESSAGE_BYTES]) {
    for (const number of [0, 127, 128, Number.MAX_SAFE_INTEGER]) {
      const bytes = new Uint8Array(length).map((_, i) => i);
      const message = new ReplicatorMessage(SESSION, number, bytes);
      for (const [form, travel] of Object.entries(FORMS)) {
        assertEquals(checkMessage(travel(message)), message, form);
      }
    }
  }
});

Deno.test("a checked message shares no bytes with what was carried", () => {
  const carried = { session: SESSION, number: 0, message: new Uint8Array(3) };
  const { message } = checkMessage(carried);
  carried.message[0] = 9;
  assertEquals(message, new Uint8Array(3));
});

Deno.test("what is no message is refused", () => {
  const good = { session: SESSION, number: 0, message: new Uint8Array() };
  const bad: unknown[] = [
    undefined,
    null,
    "text",
    7,
    [],
    {},
    { ...good, session: undefined },
    { ...good, session: SESSION.toUpperCase() },
    { ...good, session: `${SESSION}0` },
    { ...good, session: "../../../../../../../../../../etc" },
    { ...good, number: -1 },
    { ...good, number: 0.5 },
    { ...good, number: "0" },
    { ...good, number: 2 ** 53 },
    { ...good, message: undefined },
    { ...good, message: [1, 2] },
    { ...good, message: { 0: 1, length: 1 } },
    { ...good, message: "no base64!" },
    { ...good, message: new Uint8Array(MAX_MESSAGE_BYTES + 1) },
    { ...good, message: "A".repeat(MAX_MESSAGE_BYTES * 2) },
  ];
  for (const value of bad) {
    assertThrows(() => checkMessage(value), ProtocolError);
  }
});

Deno.test("bytes that are no message are refused", () => {
  const good = encodeMessage(
    new ReplicatorMessage(SESSION, 300, Uint8Array.of(1, 2)),
  );
  for (let length = 0; length < good.length - 2; length++) {
    assertThrows(() => decodeMessage(good.subarray(0, length)), ProtocolError);
  }
  const other = good.slice();
  other[0] = 2;
  assertThrows(() => decodeMessage(other), ProtocolError);
  const long = new Uint8Array(MAX_MESSAGE_BYTES + 100);
  long.set(good);
  assertThrows(() => decodeMessage(long), ProtocolError);
});
