import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { IntegrityError, SyncError } from "../../../src/errors.ts";
import {
  decodeAncestor,
  encodeAncestor,
} from "../../../src/session/ancestor_codec.ts";
import type { AncestorRecord } from "../../../src/session/pairing.ts";
import { directory, file, symlink } from "../../support/trees.ts";

const RECORD: AncestorRecord = {
  alphaId: "a".repeat(32),
  betaId: "b".repeat(32),
  token: "c".repeat(32),
  ancestor: directory({
    d: directory({ empty: directory({}, { mode: 0o700, mtime: -5 }) }),
    f: file({ digest: "12".repeat(32), size: 2 ** 40, mtime: -1, mode: 0 }),
    "ü": symlink("../x"),
  }, { mode: 0o711, mtime: 8.64e15 }),
};

/**
 * {@link RECORD} as version 1 keeps it: what a release has written, later ones
 * have to read.
 */
const VERSION_1 = `
  4c53414e43455354 00000001
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  cccccccccccccccccccccccccccccccc 01c9 433eb208c2dc0000
  0164 01 01ed 408f400000000000 05656d707479 01 01c0 c014000000000000 00 00
  0166 0a 0000 bff0000000000000 808080808020
  1212121212121212121212121212121212121212121212121212121212121212
  02c3bc 03 408f400000000000 042e2e2f78 00`;

function encoded(record = RECORD): Uint8Array<ArrayBuffer> {
  const pieces = Array.from(encodeAncestor(record), (piece) => piece.toHex());
  return Uint8Array.fromHex(pieces.join(""));
}

function sealed(body: Uint8Array): Uint8Array {
  const sum = createHash("sha256").update(body).digest("hex");
  return Uint8Array.fromHex(body.toHex() + sum);
}

Deno.test("decodeAncestor() reads what encodeAncestor() wrote", () => {
  assertEquals(decodeAncestor(encoded()), RECORD);
});

Deno.test("decodeAncestor() reads a tree of many pages", () => {
  const names = Array.from({ length: 5_000 }, (_, i) => `file ${i}`);
  const children = Object.fromEntries(
    names.map((name) => [name, file({ digest: "ab".repeat(32) })]),
  );
  const ancestor = directory({ d: directory(children) });
  assertEquals(
    decodeAncestor(encoded({ ...RECORD, ancestor })).ancestor,
    ancestor,
  );
});

Deno.test("the bytes of version 1 are written and read as they always were", () => {
  const body = Uint8Array.fromHex(VERSION_1.replaceAll(/\s/g, ""));
  assertEquals(encoded().toHex(), sealed(body).toHex());
  assertEquals(decodeAncestor(sealed(body)), RECORD);
});

Deno.test("K02: decodeAncestor() notices any damage", () => {
  const whole = encoded();
  for (let at = 0; at < whole.length; at++) {
    const bytes = whole.slice();
    bytes[at]! ^= 1 << (at % 8);
    assertThrows(() => decodeAncestor(bytes), IntegrityError);
    assertThrows(() => decodeAncestor(whole.slice(0, at)), IntegrityError);
  }
});

Deno.test("decodeAncestor() takes no nonsense with a right checksum", () => {
  const body = encoded().slice(0, -32);
  for (let end = 12; end < body.length; end++) {
    assertThrows(
      () => decodeAncestor(sealed(body.slice(0, end))),
      IntegrityError,
    );
  }
  const more = Uint8Array.fromHex(`${body.toHex()}00`);
  assertThrows(() => decodeAncestor(sealed(more)), IntegrityError);
});

Deno.test("K04: decodeAncestor() refuses a newer version, and says both", () => {
  const body = encoded().slice(0, -32);
  body[11] = 2;
  const error = assertThrows(() => decodeAncestor(sealed(body)), SyncError);
  assert(!(error instanceof IntegrityError));
  assertEquals(error.message.match(/\d+/g), ["2", "1"]);
});
