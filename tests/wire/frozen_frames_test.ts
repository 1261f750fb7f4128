import { assertEquals } from "@std/assert";
import { type Change, shallow } from "../../src/core/change.ts";
import type { DirectoryEntry, Entry } from "../../src/core/entry.ts";
import { type Name, parseName, parseRelPath } from "../../src/core/path.ts";
import type { Piece, Want } from "../../src/core/piece.ts";
import { ByteWriter } from "../../src/protocol/bytes.ts";
import { writeChanges } from "../../src/protocol/change_codec.ts";
import { writePieces } from "../../src/protocol/content_codec.ts";
import { type WireMove, writeMoves } from "../../src/protocol/move_codec.ts";
import {
  type DescriptionKind,
  writeDescribes,
  writeDescriptions,
} from "../../src/protocol/description_codec.ts";
import { writeLacking } from "../../src/protocol/lacking_codec.ts";
import { writeListings } from "../../src/protocol/listing_codec.ts";
import { decodeFrames, FrameType } from "../../src/protocol/frame.ts";
import {
  type ScanSummary,
  writeDone,
  writeNumbers,
  writePaths,
  writeProblems,
  writeScanOptions,
  writeScanSummary,
  writeSynced,
} from "../../src/protocol/message.ts";
import { writePacked } from "../../src/protocol/packed_codec.ts";
import {
  type WirePair,
  type WirePaired,
  writePair,
  writePaired,
} from "../../src/protocol/pairing_codec.ts";
import { RequestWriter, writeWants } from "../../src/protocol/want_codec.ts";
import {
  type Hello,
  writeError,
  writeFresh,
  writeHello,
  writeOutcome,
} from "../../src/protocol/session_codec.ts";
import { decodePayload } from "../support/decode_payload.ts";
import { fileEntry } from "../support/fake_endpoint.ts";
import { FROZEN_FRAMES, frozenBytes } from "../support/frozen_frames.ts";
import { encodeMessage } from "../support/wire_message.ts";

Deno.test("There is a frozen frame of every type", () => {
  const types = new Set(FROZEN_FRAMES.map(({ type }) => type));
  assertEquals(
    [...types].sort((a, b) => a - b),
    Object.values(FrameType).sort((a, b) => a - b),
  );
});

for (const frozen of FROZEN_FRAMES) {
  const { name, type, exchange, end, value } = frozen;

  Deno.test(`The frozen ${name} frame is still read as what it says`, () => {
    const [frame, ...more] = decodeFrames(frozenBytes(frozen));
    assertEquals(more, []);
    assertEquals([frame?.type, frame?.exchange, frame?.end], [
      type,
      exchange,
      end,
    ]);
    assertEquals(decodePayload(type, frame!.payload), value);
  });

  Deno.test(`What the frozen ${name} frame says is still written so`, () => {
    const writer = new ByteWriter();
    writeValue(writer, type, value);
    const payload = writer.bytes;
    if (type === FrameType.packed) {
      // Another zstd may pack otherwise: what counts is what is read.
      return assertEquals(decodePayload(type, payload), value);
    }
    const bytes = encodeMessage({ type, exchange, end, payload });
    assertEquals(bytes.toHex(), frozenBytes(frozen).toHex());
  });
}

/** Writes `value` as a frame of this type has it. */
function writeValue(
  writer: ByteWriter,
  frameType: FrameType,
  // deno-lint-ignore no-explicit-any
  value: any,
): void {
  switch (frameType) {
    case FrameType.hello: {
      const [versions, hello] = value as [{ min: number; max: number }, Hello];
      return writeHello(writer, versions, hello);
    }
    case FrameType.refuse:
      return writeError(writer, { code: 3, message: value });
    case FrameType.failed:
      return writeError(writer, { code: 38, message: value });
    case FrameType.cancel:
      return writeError(writer, { code: 9, message: value });
    case FrameType.bye:
      return writeOutcome(writer, value);
    case FrameType.credit:
    case FrameType.progress:
      return writer.varint(value);
    case FrameType.scan:
      return writeScanOptions(writer, value);
    case FrameType.list:
      return drain(writeNumbers(writer, value));
    case FrameType.confirm:
      return drain(writePaths(writer, value));
    case FrameType.stage:
      return drain(writeChanges(writer, stagedChanges()));
    case FrameType.move:
      return drain(writeMoves(writer, value as WireMove[]));
    case FrameType.content:
      return void writePieces(writer, value as Piece[], 0);
    case FrameType.packed: {
      const plain = new ByteWriter();
      writePieces(plain, value as Piece[], 0);
      return writePacked(writer, plain.bytes, 1);
    }
    case FrameType.supply: {
      const requests = new RequestWriter();
      for (const { index, path, size, mtime, resume, gaps } of value) {
        const request = { index, path, entry: fileEntry(size, { mtime }) };
        drain(requests.write(
          writer,
          gaps === undefined
            ? { ...request, resume }
            : { ...request, resume, gaps },
        ));
      }
      return;
    }
    case FrameType.describe:
      return drain(writeDescribes(writer, value));
    case FrameType.described:
      return drain(writeDescriptions(
        writer,
        (value as { index: number; kind: DescriptionKind; bytes: string }[])
          .map((it) => ({ ...it, bytes: Uint8Array.fromHex(it.bytes) })),
      ));
    case FrameType.lacking:
      return drain(writeLacking(writer, value));
    case FrameType.scanned:
      return writeScanSummary(writer, value as ScanSummary);
    case FrameType.problems:
      return drain(writeProblems(writer, value));
    case FrameType.listing:
      return drain(writeListings(
        writer,
        (value as DirectoryEntry["children"][]).map((children) => ({
          kind: "directory" as const,
          mode: 0,
          mtime: 0,
          children,
          digest: undefined,
        })),
      ));
    case FrameType.wants:
      return drain(writeWants(writer, value as Want[]));
    case FrameType.done:
      return drain(writeDone(writer, value));
    case FrameType.synced:
      return writeSynced(writer, value);
    case FrameType.pair:
      return writePair(writer, value as WirePair);
    case FrameType.paired:
      return writePaired(writer, value as WirePaired);
    case FrameType.fresh:
      return writeFresh(writer, value as string);
    case FrameType.ping:
    case FrameType.echo:
    case FrameType.changed:
    case FrameType.transition:
    case FrameType.stored:
    case FrameType.watch:
    case FrameType.noted:
      return;
    default:
      frameType satisfies never;
  }
}

/** The changes of the frozen stage frame, with what was there before. */
function stagedChanges(): Change[] {
  const children = new Map<Name, Entry>([
    [parseName("f"), fileEntry(300)],
    [parseName("l"), { kind: "symlink", target: "x", mtime: 1000 }],
  ]);
  const directory: DirectoryEntry = {
    kind: "directory",
    mode: 0o755,
    mtime: 1000,
    children,
    digest: undefined,
  };
  const touched = fileEntry(5, { mode: 0o600 });
  const old = shallow(directory);
  return [
    { path: parseRelPath("a"), old: undefined, new: directory },
    { path: parseRelPath("b"), old: fileEntry(5), new: touched },
    { path: parseRelPath("c"), old: fileEntry(5), new: undefined },
    { path: parseRelPath(""), old, new: shallow(directory) },
  ];
}

function drain(pages: Iterable<void>): void {
  for (const _ of pages) throw new Error("The page was full");
}
