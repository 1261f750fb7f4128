/**
 * Descriptions and what is lacking, between the wire and the model: what comes in
 * is decoded and checked here in full.
 */
import type {
  DescribeRequest,
  Description,
  GapRequest,
  Lacking,
} from "../content/description.ts";
import {
  decodePages,
  decodeRecipe,
  encodePages,
  encodeRecipe,
} from "../content/recipe_codec.ts";
import {
  decodeSignature,
  encodeSignature,
} from "../content/signature_codec.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import {
  DescriptionReader,
  type WireDescribe,
  type WireDescription,
  writeDescriptions,
} from "../protocol/description_codec.ts";
import { FrameType } from "../protocol/frame.ts";
import type { WireGap } from "../protocol/gap_codec.ts";
import type { WireLacking } from "../protocol/lacking_codec.ts";
import type { Exchange } from "./exchange.ts";

const DIGEST_BYTES = 32;
const NO_BYTES = new Uint8Array(0);

/** A question as it travels. */
export function toWireDescribe(
  { index, path, entry: { size, mtime }, pages }: DescribeRequest,
): WireDescribe {
  return { index, path, size, mtime, pages };
}

/** Sends `descriptions`, as all that one direction of `exchange` says. */
export async function sendDescriptions(
  exchange: Exchange,
  descriptions: readonly Description[],
): Promise<void> {
  await exchange.sendPages(
    FrameType.described,
    (page) => writeDescriptions(page, toWire(descriptions)),
  );
}

/**
 * Receives all descriptions that one direction of `exchange` brings.
 * @throws {ProtocolError} If one of them is malformed.
 */
export async function receiveDescriptions(
  exchange: Exchange,
): Promise<Description[]> {
  const reader = new DescriptionReader();
  const descriptions: Description[] = [];
  for await (const { payload } of exchange.frames(FrameType.described)) {
    for (const wire of reader.read(new ByteReader(payload))) {
      descriptions.push(fromWire(wire));
    }
  }
  if (!reader.incomplete) return descriptions;
  throw new ProtocolError("Descriptions end in the middle of one");
}

/** One after the other, for they take memory. */
function* toWire(
  descriptions: readonly Description[],
): Generator<WireDescription> {
  for (const description of descriptions) {
    const { kind, index } = description;
    yield { kind, index, bytes: bytesOf(description) };
  }
}

function bytesOf(description: Description): Uint8Array {
  switch (description.kind) {
    case "unavailable":
      return NO_BYTES;
    case "recipe":
      return encodeRecipe(description.recipe);
    case "pages": {
      const pages = encodePages(description.pages);
      const bytes = new Uint8Array(DIGEST_BYTES + pages.length);
      bytes.setFromHex(description.digest);
      bytes.set(pages, DIGEST_BYTES);
      return bytes;
    }
    case "chunks":
      return description.records;
    default:
      return description satisfies never;
  }
}

function fromWire({ kind, index, bytes }: WireDescription): Description {
  switch (kind) {
    case "unavailable":
      return { kind, index };
    case "recipe":
      return { kind, index, recipe: decodeRecipe(bytes) };
    case "pages": {
      const digest = bytes.subarray(0, DIGEST_BYTES).toHex();
      const pages = decodePages(bytes.subarray(DIGEST_BYTES));
      return { kind, index, digest, pages };
    }
    case "chunks":
      return { kind, index, records: bytes };
    default:
      return kind satisfies never;
  }
}

/** What is lacking, as it travels; one after the other, for signatures take memory. */
export function* toWireLacking(
  answers: readonly Lacking[],
): Generator<WireLacking> {
  for (const answer of answers) {
    yield answer.kind === "gaps"
      ? { ...answer, gaps: toWireGaps(answer.gaps) }
      : answer;
  }
}

/** @throws {ProtocolError} If a signature is malformed. */
export function fromWireLacking(answer: WireLacking): Lacking {
  return answer.kind === "gaps"
    ? { ...answer, gaps: fromWireGaps(answer.gaps) }
    : answer;
}

export function toWireGaps(gaps: readonly GapRequest[]): WireGap[] {
  return gaps.map(({ offset, length, signature }) => ({
    offset,
    length,
    signature: signature === undefined ? NO_BYTES : encodeSignature(signature),
  }));
}

/** @throws {ProtocolError} If a signature is malformed. */
export function fromWireGaps(gaps: readonly WireGap[]): GapRequest[] {
  return gaps.map(({ offset, length, signature }) => ({
    offset,
    length,
    signature: signature.length === 0 ? undefined : decodeSignature(signature),
  }));
}
