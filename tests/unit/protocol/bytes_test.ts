import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/errors.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/bytes.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.bytes.slice();
}

function readerOf(hex: string): ByteReader {
  return new ByteReader(Uint8Array.fromHex(hex.replaceAll(" ", "")));
}

const MAX = Number.MAX_SAFE_INTEGER;

Deno.test("ByteWriter writes numbers big-endian and varints lowest first", () => {
  const bytes = written((writer) => {
    writer.u8(0x12);
    writer.u16(0x3456);
    writer.u32(0x789abcde);
    writer.f64(1);
    writer.varint(300);
  });
  assertEquals(bytes.toHex(), "123456789abcde3ff0000000000000ac02");
});

Deno.test("A varint comes back as it was, from 0 to 2^53 - 1", () => {
  for (
    const [value, bytes] of [
      [0, 1],
      [1, 1],
      [127, 1],
      [128, 2],
      [16_383, 2],
      [16_384, 3],
      [2 ** 31 - 1, 5],
      [2 ** 31, 5],
      [2 ** 32, 5],
      [2 ** 35, 6],
      [2 ** 49 - 1, 7],
      [2 ** 49, 8],
      [MAX, 8],
    ] as const
  ) {
    const encoded = written((writer) => writer.varint(value));
    assertEquals(encoded.length, bytes, `${value}`);
    const reader = new ByteReader(encoded);
    assertEquals(reader.varint(MAX, "it"), value);
    reader.end("it");
  }
});

Deno.test("ByteWriter refuses what is no whole number for a varint", () => {
  for (const value of [-1, 1.5, NaN, Infinity, 2 ** 53, -0.5, 0.5]) {
    assertThrows(() => new ByteWriter().varint(value), RangeError);
  }
});

Deno.test("ByteReader refuses numbers that are cut off, too long or too large", () => {
  const table: [string, string, (reader: ByteReader) => unknown][] = [
    ["no u8", "", (r) => r.u8("it")],
    ["half a u16", "01", (r) => r.u16("it")],
    ["half a u32", "010203", (r) => r.u32("it")],
    ["half a f64", "01020304050607", (r) => r.integer(MAX, "it")],
    ["no varint", "", (r) => r.varint(MAX, "it")],
    ["half a varint", "80", (r) => r.varint(MAX, "it")],
    ["a varint with a zero behind", "8000", (r) => r.varint(MAX, "it")],
    ["a varint of 2^53", "8080808080808010", (r) => r.varint(MAX, "it")],
    ["a varint of 9 bytes", "808080808080808001", (r) => r.varint(MAX, "it")],
    ["an endless varint", "ff".repeat(30), (r) => r.varint(MAX, "it")],
    ["a varint above the limit", "0b", (r) => r.varint(10, "it")],
    ["a long varint above the limit", "ac02", (r) => r.varint(200, "it")],
    ["NaN", "7ff8000000000000", (r) => r.integer(MAX, "it")],
    ["infinity", "7ff0000000000000", (r) => r.integer(MAX, "it")],
    ["1.5", "3ff8000000000000", (r) => r.integer(MAX, "it")],
    ["-11 of at most 10", "c026000000000000", (r) => r.integer(10, "it")],
    ["raw bytes beyond the end", "0102", (r) => r.raw(3, "it")],
    ["bytes too many", "01", (r) => r.end("it")],
  ];
  for (const [what, hex, read] of table) {
    const error = assertThrows(
      () => read(readerOf(hex)),
      ProtocolError,
      undefined,
      what,
    );
    assertStringIncludes(error.message, "it");
  }
});

Deno.test("ByteReader gives -0 as 0", () => {
  const value = readerOf("8000000000000000").integer(10, "it");
  assertEquals(Object.is(value, 0), true);
});

Deno.test("Text comes back as it was, short or long, plain or not", () => {
  const texts = [
    "",
    "a",
    "file-name.txt",
    "x".repeat(48),
    "x".repeat(49),
    "x".repeat(5000),
    "ä",
    "日本語のファイル名",
    "mixed 🎉 text",
    "\u0000\u007f",
    "\ufeffwith a mark",
    "é".repeat(1000),
  ];
  for (const text of texts) {
    const reader = new ByteReader(written((writer) => writer.text(text)));
    assertEquals(reader.text(100_000, "it"), text);
    reader.end("it");
  }
});

Deno.test("ByteReader refuses text that is not well-formed UTF-8", () => {
  const table = [
    ["a lone continuation", "01 80"],
    ["a lead without the rest", "01 c3"],
    ["an overlong slash", "02 c0af"],
    ["an overlong dot", "03 e080ae"],
    ["an overlong NUL", "02 c080"],
    ["a high surrogate", "03 eda080"],
    ["a low surrogate", "03 edb080"],
    ["a surrogate pair", "06 eda080edb080"],
    ["beyond U+10FFFF", "04 f4908080"],
    ["five bytes", "05 f888808080"],
    ["0xff", "01 ff"],
    ["ASCII, then rubbish", "03 6161ff"],
    ["a length beyond the end", "05 616161"],
    ["a length above the limit", "09 616161616161616161"],
  ] as const;
  for (const [what, hex] of table) {
    assertThrows(
      () => readerOf(hex).text(8, "it"),
      ProtocolError,
      undefined,
      what,
    );
  }
});

Deno.test("ByteWriter starts again behind what is to stay", () => {
  const writer = new ByteWriter(4);
  writer.u32(1);
  writer.text("some text that makes it grow");
  writer.reset(4);
  writer.u8(7);
  assertEquals(writer.bytes.toHex(), "0000000107");
});
