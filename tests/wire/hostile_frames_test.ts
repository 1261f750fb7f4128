import { assert, assertThrows } from "@std/assert";
import { ProtocolError, UnsafePathError } from "../../src/errors.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { decodePayload } from "../support/decode_payload.ts";
import {
  fileHex,
  HOSTILE_PAYLOADS,
  textHex,
} from "../support/hostile_payloads.ts";

Deno.test(`None of ${HOSTILE_PAYLOADS.length} hostile payloads is believed`, () => {
  for (const [what, type, hex] of HOSTILE_PAYLOADS) {
    const payload = Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));
    const error = assertThrows(
      () => decodePayload(type, payload),
      Error,
      undefined,
      what,
    );
    assert(
      error instanceof ProtocolError || error instanceof UnsafePathError,
      `${what}: ${error}`,
    );
  }
});

Deno.test("The names that JavaScript treats in a special way are ordinary names", () => {
  const names = ["__proto__", "constructor", "toString"];
  const hex = `${names.map((name) => fileHex(textHex(name))).join("")} 00`;
  const payload = Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));
  const [children] = decodePayload(FrameType.listing, payload) as [
    Map<string, unknown>,
  ];
  for (const name of names) assert(children.has(name));
});
