import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { digestOfChildren } from "../../../src/core/digest.ts";
import type { DirectoryEntry, Entry } from "../../../src/core/entry.ts";
import {
  digested,
  directory,
  file,
  problem,
  symlink,
  untracked,
} from "../../support/trees.ts";

const CONTENT = createHash("sha256").update("content").digest("hex");

Deno.test("digestOfChildren() hashes the records that its table describes", () => {
  const inner = digested(directory({}, { mode: 0o750, mtime: -5 }));
  const children = directory({
    "a dir": inner,
    "b unread": file({ size: 2 ** 40, mtime: 1.7e12, mode: 0o600 }),
    "c read": file({ size: 3, mtime: 0, mode: 0, digest: CONTENT }),
    "d link ü": symlink("to/日本", 12_345),
    "e fifo": untracked(),
    "f broken": problem(),
  }).children;
  const records = [
    record(1, "a dir", -5, u16(0o750), hex(inner.digest)),
    record(2, "b unread", 1.7e12, u16(0o600), f64(2 ** 40), [0]),
    record(2, "c read", 0, u16(0), f64(3), [1], hex(CONTENT)),
    record(3, "d link ü", 12_345, u32(9), utf8("to/日本")),
  ];
  const expected = createHash("sha256");
  for (const bytes of records) expected.update(bytes);
  assertEquals(digestOfChildren(children, true), expected.digest("hex"));
});

Deno.test("digestOfChildren() of nothing is SHA-256 of nothing", () => {
  const empty = createHash("sha256").digest("hex");
  assertEquals(digestOfChildren(directory().children, true), empty);
});

Deno.test("digestOfChildren() sees every difference that counts", () => {
  const base = { f: file({ digest: CONTENT }), l: symlink("x") };
  const others: Record<string, Entry>[] = [
    { ...base, f: file({ digest: CONTENT, size: 2 }) },
    { ...base, f: file({ digest: CONTENT, mtime: 1_001 }) },
    { ...base, f: file({ digest: CONTENT, mode: 0o755 }) },
    { ...base, f: file({ digest: CONTENT.replace(/./, "0") }) },
    { ...base, f: file() },
    { ...base, f: symlink("x") },
    { ...base, l: symlink("y") },
    { ...base, l: symlink("x", 1_001) },
    { ...base, g: file() },
    { f: base.f, m: base.l },
    { f: base.f },
    { ...base, l: directory() },
    { f: base.f, l: symlink("x"), g: directory({ h: file() }) },
  ];
  const digests = [base, ...others].map((children) =>
    digested(directory(children)).digest
  );
  assertEquals(new Set(digests).size, digests.length);
});

Deno.test("digestOfChildren() leaves out what is of one machine only", () => {
  const here = directory({ f: file({ ctime: 5, inode: 7 }) });
  const there = directory({ f: file({ ctime: 9, inode: 1 }), x: untracked() });
  assertEquals(digested(here).digest, digested(there).digest);
});

Deno.test("digestOfChildren() without modes ignores mode bits, at any depth", () => {
  const one = tree(0o644, 0o755);
  const two = tree(0o600, 0o700);
  assertNotEquals(digested(one).digest, digested(two).digest);
  assertEquals(digested(one, false).digest, digested(two, false).digest);

  function tree(fileMode: number, mode: number): DirectoryEntry {
    return directory({
      d: directory({ f: file({ mode: fileMode }) }, { mode }),
    });
  }
});

Deno.test("digestOfChildren() grows its memory for many and for long records", () => {
  const many: Record<string, Entry> = {};
  for (let i = 0; i < 5_000; i++) many[`file ${i}`] = file({ size: i });
  many["漢".repeat(340)] = symlink("日".repeat(200_000));
  const records = Object.keys(many).sort().map((name) => {
    const entry = many[name]!;
    if (entry.kind === "symlink") {
      return record(3, name, 1_000, u32(600_000), utf8(entry.target));
    }
    const size = entry.kind === "file" ? entry.size : 0;
    return record(2, name, 1_000, u16(0o644), f64(size), [0]);
  });
  const expected = createHash("sha256");
  for (const bytes of records) expected.update(bytes);
  assertEquals(
    digestOfChildren(directory(many).children, true),
    expected.digest("hex"),
  );
});

Deno.test("digestOfChildren() refuses a directory that has no digest", () => {
  const { children } = directory({ d: directory() });
  assertThrows(() => digestOfChildren(children, true), TypeError);
});

function record(
  kind: number,
  name: string,
  mtime: number,
  ...fields: Iterable<number>[]
): Uint8Array {
  const text = utf8(name);
  const head = [kind, ...u16(text.length), ...text, ...f64(mtime)];
  return Uint8Array.from([...head, ...fields.flatMap((field) => [...field])]);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hex(digest: string): Uint8Array {
  return Uint8Array.fromHex(digest);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(...u16(value >>> 16), ...u16(value & 0xffff));
}

function f64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}
