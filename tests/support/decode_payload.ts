/** Decodes what is in a frame of any type, as whoever receives it would. */
import { ProtocolError } from "../../src/errors.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { ChangeReader } from "../../src/protocol/change_codec.ts";
import { readPieces } from "../../src/protocol/content_codec.ts";
import {
  DescribeReader,
  DescriptionReader,
} from "../../src/protocol/description_codec.ts";
import { LackingReader } from "../../src/protocol/lacking_codec.ts";
import { ListingReader } from "../../src/protocol/listing_codec.ts";
import { fromWireError } from "../../src/protocol/error_code.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import {
  DoneReader,
  NumberReader,
  PathListReader,
  ProblemReader,
  readCount,
  readScanOptions,
  readScanSummary,
  readSynced,
} from "../../src/protocol/message.ts";
import { MoveReader } from "../../src/protocol/move_codec.ts";
import { readPacked } from "../../src/protocol/packed_codec.ts";
import { readPair, readPaired } from "../../src/protocol/pairing_codec.ts";
import { RequestReader, WantReader } from "../../src/protocol/want_codec.ts";
import {
  readCredit,
  readError,
  readFresh,
  readHello,
  readOutcome,
  readVersions,
} from "../../src/protocol/session_codec.ts";

/** How many planned files, changes and directories the receiver has in mind. */
export const KNOWN = 20;

/** Their size, in bytes. */
const SIZE = 1_000_000;

/**
 * The value in `payload`, the only frame of its direction.
 * @throws {ProtocolError | UnsafePathError} If it is malformed.
 */
export function decodePayload(type: FrameType, payload: Uint8Array): unknown {
  const reader = new ByteReader(payload);
  const value = decode(type, reader, payload);
  reader.end("a payload");
  return value;
}

function decode(
  type: FrameType,
  reader: ByteReader,
  payload: Uint8Array,
): unknown {
  switch (type) {
    case FrameType.hello:
      return [readVersions(reader), readHello(reader)];
    case FrameType.refuse:
    case FrameType.failed:
    case FrameType.cancel:
      return fromWireError(readError(reader)).message;
    case FrameType.credit:
      return readCredit(reader);
    case FrameType.bye:
      return readOutcome(reader);
    case FrameType.scan:
      return readScanOptions(reader);
    case FrameType.list:
      return [...new NumberReader(KNOWN).read(reader)];
    case FrameType.confirm: {
      const paths = new PathListReader();
      paths.read(reader);
      return paths.paths;
    }
    case FrameType.stage: {
      const changes = new ChangeReader();
      const read = [...changes.read(reader)];
      if (changes.incomplete) throw new ProtocolError("incomplete");
      return read;
    }
    case FrameType.move:
      return [...new MoveReader().read(reader)];
    case FrameType.content:
      return payload.length === 0 ? undefined : readPieces(reader);
    case FrameType.packed: {
      const payload = new ByteReader(readPacked(reader));
      return readPieces(payload);
    }
    case FrameType.supply: {
      const requests = new RequestReader();
      const read = [...requests.read(reader)];
      if (requests.incomplete) throw new ProtocolError("incomplete");
      return read;
    }
    case FrameType.describe: {
      const describes = new DescribeReader();
      describes.read(reader);
      return describes.requests;
    }
    case FrameType.described: {
      const descriptions = new DescriptionReader();
      const read = [...descriptions.read(reader)].map((it) => ({
        ...it,
        bytes: it.bytes.toHex(),
      }));
      if (descriptions.incomplete) throw new ProtocolError("incomplete");
      return read;
    }
    case FrameType.lacking: {
      const lacking = new LackingReader((index) =>
        index < KNOWN ? SIZE : undefined
      );
      lacking.read(reader);
      if (lacking.incomplete) throw new ProtocolError("incomplete");
      return lacking.answers;
    }
    case FrameType.progress:
      return readCount(reader);
    case FrameType.scanned:
      return readScanSummary(reader);
    case FrameType.problems: {
      const problems = new ProblemReader();
      problems.read(reader);
      return problems.problems;
    }
    case FrameType.listing: {
      const listings: unknown[] = [];
      const listing = new ListingReader({
        isRoot: true,
        childrenOf: (place) => listings[place] = new Map(),
        onEnd: () => {},
      });
      listing.read(reader);
      if (listing.incomplete) throw new ProtocolError("incomplete");
      return listings;
    }
    case FrameType.wants: {
      const wants = new WantReader(KNOWN);
      wants.read(reader);
      return wants.wants;
    }
    case FrameType.done: {
      const done = new DoneReader(KNOWN);
      done.read(reader);
      if (done.incomplete) throw new ProtocolError("incomplete");
      return done.done;
    }
    case FrameType.synced:
      return readSynced(reader);
    case FrameType.pair:
      return readPair(reader);
    case FrameType.paired:
      return readPaired(reader);
    case FrameType.fresh:
      return readFresh(reader);
    case FrameType.ping:
    case FrameType.echo:
    case FrameType.changed:
    case FrameType.transition:
    case FrameType.stored:
    case FrameType.watch:
    case FrameType.noted:
      return undefined;
    default:
      return type satisfies never;
  }
}
