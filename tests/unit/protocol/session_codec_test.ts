import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  type ErrorCode,
  FileSystemError,
  ProtocolError,
  SyncError,
  TransportError,
} from "../../../src/errors.ts";
import { ByteReader, type ByteWriter } from "../../../src/protocol/bytes.ts";
import { grantCredit, takeCredit } from "../../../src/protocol/credit.ts";
import {
  fromWireError,
  toWireError,
} from "../../../src/protocol/error_code.ts";
import { MAX_WINDOW_BYTES } from "../../../src/protocol/limits.ts";
import {
  type Hello,
  readError,
  readHello,
  readOutcome,
  readVersions,
  writeError,
  writeHello,
  writeOutcome,
} from "../../../src/protocol/session_codec.ts";
import { negotiate } from "../../../src/protocol/version.ts";
import { bytesOf } from "../../support/session_pair.ts";

const HELLO: Hello = {
  software: "lockstep/0.1.0",
  clientId: "0123456789abcdef0123456789abcdef",
  traits: { modes: true, symlinks: false, owners: true },
  windowBytes: MAX_WINDOW_BYTES,
  capabilities: ["zstd", "from-the-future"],
};

Deno.test("A hello comes back as it was", () => {
  const bytes = bytesOf((w) => writeHello(w, { min: 1, max: 3 }, HELLO));
  const reader = new ByteReader(bytes);
  assertEquals(readVersions(reader), { min: 1, max: 3 });
  assertEquals(readHello(reader), HELLO);
});

Deno.test("A hello with impossible values is refused", () => {
  const good = (change: Partial<Hello>): Uint8Array =>
    bytesOf((w) => writeHello(w, { min: 1, max: 1 }, { ...HELLO, ...change }));
  const table: [string, Uint8Array][] = [
    ["no magic", good({}).with(0, 0)],
    ["version 0", good({}).with(5, 0)],
    ["versions the wrong way round", good({}).with(5, 2)],
    ["no software", good({ software: "" })],
    ["unknown traits", good({}).with(4 + 4 + 15 + 16, 8)],
    ["a window that is too small", good({ windowBytes: 1024 })],
    ["a window that is too large", good({ windowBytes: 2 ** 31 })],
    ["too many capabilities", good({ capabilities: Array(65).fill("x") })],
    ["a long capability", good({ capabilities: ["x".repeat(65)] })],
    ["a byte too many", Uint8Array.of(...good({}), 0)],
    ["an end too early", good({}).slice(0, -1)],
  ];
  for (const [what, bytes] of table) {
    assertThrows(
      () => {
        const reader = new ByteReader(bytes);
        readVersions(reader);
        readHello(reader);
      },
      ProtocolError,
      undefined,
      what,
    );
  }
});

Deno.test("negotiate() takes the highest version that both speak", () => {
  const table = [
    [[1, 1], [1, 1], 1],
    [[1, 3], [2, 5], 3],
    [[2, 5], [1, 3], 3],
    [[1, 1], [2, 2], undefined],
    [[3, 4], [1, 2], undefined],
  ] as const;
  for (const [[aMin, aMax], [bMin, bMax], version] of table) {
    const ours = { min: aMin, max: aMax };
    assertEquals(negotiate(ours, { min: bMin, max: bMax }), version);
  }
});

Deno.test("An outcome comes back as it was", () => {
  for (
    const kind of [
      "done",
      "partial",
      "halted",
      "interrupted",
      "failed",
      "planned",
    ] as const
  ) {
    const outcome = { kind, message: "2 paths left out" };
    const bytes = bytesOf((writer) => writeOutcome(writer, outcome));
    assertEquals(readOutcome(new ByteReader(bytes)), outcome);
  }
});

Deno.test("An error comes back with its class, code and message", () => {
  const errors: SyncError[] = [
    new ProtocolError("a"),
    new ProtocolError("a", "busy"),
    new ProtocolError("a", "version"),
    new ProtocolError("a", "refused"),
    new FileSystemError("no-space", "Cannot write: no space"),
    new FileSystemError("denied", "no"),
    new TransportError("bye", "peer-stopped"),
    new SyncError("failed", "something"),
  ];
  for (const error of errors) {
    const bytes = bytesOf((w: ByteWriter) => writeError(w, toWireError(error)));
    const read = fromWireError(readError(new ByteReader(bytes)));
    assertEquals(read.constructor, error.constructor);
    assertEquals([read.code, read.message], [error.code, error.message]);
  }
});

Deno.test("An error that only its own side can judge travels as a failure", () => {
  const own: unknown[] = [
    new TransportError("lost"),
    new SyncError("usage", "wrong"),
    new RangeError("a bug"),
    "thrown text",
  ];
  for (const error of own) {
    const code: ErrorCode = fromWireError(toWireError(error)).code;
    assertEquals(code, "failed");
  }
});

Deno.test("An error code that nobody knows is a fault of the protocol", () => {
  assertInstanceOf(
    fromWireError({ code: 999, message: "m" }),
    ProtocolError,
  );
});

Deno.test("Credit is taken and granted within its window", () => {
  assertEquals(takeCredit(10, 10), 0);
  assertEquals(grantCredit(0, 10, 10), 10);
  assertEquals(grantCredit(4, 3, 10), 7);
  assertThrows(() => takeCredit(10, 11), ProtocolError);
  for (const bytes of [0, -1, NaN, 11]) {
    assertThrows(() => grantCredit(0, bytes, 10), ProtocolError);
  }
  assertThrows(() => grantCredit(1, MAX_WINDOW_BYTES), ProtocolError);
});
