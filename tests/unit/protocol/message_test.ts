import { assertEquals, assertThrows } from "@std/assert";
import { parseRelPath } from "../../../src/core/path.ts";
import type { SupplyRequest, Want } from "../../../src/core/piece.ts";
import type { Problem } from "../../../src/core/problem.ts";
import {
  type IgnoreOptions,
  NO_IGNORE,
  type ScanOptions,
} from "../../../src/core/snapshot.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/bytes.ts";
import {
  DoneReader,
  NumberReader,
  PathListReader,
  ProblemReader,
  readScanOptions,
  readScanSummary,
  writeDone,
  writeNumbers,
  writePaths,
  writeProblems,
  writeScanOptions,
  writeScanSummary,
} from "../../../src/protocol/message.ts";
import {
  RequestReader,
  RequestWriter,
  WantReader,
  writeWants,
} from "../../../src/protocol/want_codec.ts";
import { fileEntry } from "../../support/fake_endpoint.ts";
import { bytesOf } from "../../support/session_pair.ts";

const DIGEST = "ab".repeat(32);

/** One page with all that a generator writes; small lists need no second one. */
function page(write: (page: ByteWriter) => Iterable<void>): ByteReader {
  const writer = new ByteWriter();
  for (const _ of write(writer)) throw new Error("The page was full");
  return new ByteReader(writer.bytes.slice());
}

const IGNORE: IgnoreOptions = {
  rules: ["*.o", "!ä/", "x".repeat(4_096)],
  files: [".gitignore", ".syncignore"],
};

Deno.test("Scan options come back as they were", () => {
  for (const symlinks of ["copy", "skip", "follow"] as const) {
    for (const checksum of [true, false]) {
      const options: ScanOptions = {
        checksum,
        modes: !checksum,
        owners: !checksum,
        symlinks,
        ignore: checksum ? IGNORE : NO_IGNORE,
      };
      const bytes = bytesOf((writer) => writeScanOptions(writer, options));
      assertEquals(readScanOptions(new ByteReader(bytes)), options);
    }
  }
});

Deno.test("A scan's summary comes back as it was", () => {
  const summary = {
    root: {
      kind: "directory",
      mode: 0o755,
      mtime: -5,
      children: new Map(),
      digest: DIGEST,
    } as const,
    ignoreDigest: "cd".repeat(32),
    totals: { directories: 1, files: 2, symlinks: 3, bytes: 2 ** 50 },
  };
  const bytes = bytesOf((writer) => writeScanSummary(writer, summary));
  assertEquals(readScanSummary(new ByteReader(bytes)), summary);
});

Deno.test("Problems come back as they were, also those of the reserved name", () => {
  const codes = [
    "stale",
    "unreadable",
    "failed",
    "skipped",
    "blocked",
  ] as const;
  const problems: Problem[] = codes.map((code, i) => ({
    path: parseRelPath(i === 0 ? ".lockstep" : `dir/${code}`),
    code,
    message: `It is ${code}`,
  }));
  const reader = new ProblemReader();
  reader.read(page((writer) => writeProblems(writer, problems)));
  assertEquals(reader.problems, problems);
});

Deno.test("Numbers come back as they were, and none beyond the limit", () => {
  const numbers = [0, 1, 5, 1000, 1001];
  const write = (writer: ByteWriter): Iterable<void> =>
    writeNumbers(writer, numbers);
  assertEquals([...new NumberReader(1002).read(page(write))], numbers);
  assertThrows(
    () => [...new NumberReader(1001).read(page(write))],
    ProtocolError,
  );
});

Deno.test("Paths come back as they were", () => {
  const paths = ["a", "a/b", "a/c", "d/e/f"].map(parseRelPath);
  const reader = new PathListReader();
  reader.read(page((writer) => writePaths(writer, paths)));
  assertEquals(reader.paths, paths);
});

Deno.test("Wants come back as they were", () => {
  const wants: Want[] = [
    { first: 0, count: 3, resume: undefined },
    { first: 3, count: 1, resume: { offset: 9, digest: DIGEST } },
    { first: 100, count: 900, resume: undefined },
  ];
  const reader = new WantReader(1000);
  reader.read(page((writer) => writeWants(writer, wants)));
  assertEquals(reader.wants, wants);
});

Deno.test("WantReader refuses files that nobody offered", () => {
  const table: [string, number, Want[]][] = [
    ["any of none", 0, [{ first: 0, count: 1, resume: undefined }]],
    ["beyond the end", 10, [{ first: 5, count: 6, resume: undefined }]],
    ["no file", 10, [{ first: 5, count: 0, resume: undefined }]],
    ["several resumed as one", 10, [
      { first: 0, count: 2, resume: { offset: 1, digest: DIGEST } },
    ]],
    ["resumed from the start", 10, [
      { first: 0, count: 1, resume: { offset: 0, digest: DIGEST } },
    ]],
  ];
  for (const [what, files, wants] of table) {
    const reader = page((writer) => writeWants(writer, wants));
    assertThrows(
      () => new WantReader(files).read(reader),
      ProtocolError,
      undefined,
      what,
    );
  }
});

Deno.test("Requests come back as what identifies a file", () => {
  const requests: SupplyRequest[] = [
    { path: "a/b", resume: undefined },
    { path: "a/c", resume: { offset: 4, digest: DIGEST } },
  ].map(({ path, resume }, i) => ({
    index: 5 * i,
    path: parseRelPath(path),
    entry: fileEntry(10 + i),
    resume,
  }));
  const writer = new ByteWriter();
  const requestWriter = new RequestWriter();
  for (const request of requests) {
    const { index, path, entry, resume } = request;
    const pages = requestWriter.write(writer, { index, path, entry, resume });
    assertEquals([...pages], []);
  }
  const read = [...new RequestReader().read(new ByteReader(writer.bytes))];
  assertEquals(
    read,
    requests.map(({ index, path, entry: { size, mtime }, resume }) => ({
      index,
      path,
      size,
      mtime,
      resume,
    })),
  );
});

Deno.test("What was done comes back, one bit for each change", () => {
  for (const length of [0, 1, 7, 8, 9, 100]) {
    const done = Uint8Array.from({ length }, (_, i) => i % 3 === 0 ? 1 : 0);
    const reader = new DoneReader(length);
    reader.read(page((writer) => writeDone(writer, done)));
    assertEquals(reader.incomplete, false);
    assertEquals(reader.done, done);
  }
});

Deno.test("DoneReader refuses bits for changes that were not asked for", () => {
  for (const [changes, bits] of [[0, [0]], [3, [8]], [8, [1, 0]]] as const) {
    assertThrows(
      () => new DoneReader(changes).read(new ByteReader(Uint8Array.from(bits))),
      ProtocolError,
    );
  }
});
