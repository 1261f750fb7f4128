/**
 * The message, which the carrier delivers as a whole:
 *
 * | offset | size | field    | allowed values                                   |
 * | ------ | ---- | -------- | ------------------------------------------------ |
 * | 0      | 4    | checksum | CRC-32 (that of zlib) of all that follows        |
 * | 4      | n    | frames   | one or more, whole                               |
 *
 * The frame, the unit of what is said:
 *
 * | offset | size | field    | allowed values                                   |
 * | ------ | ---- | -------- | ------------------------------------------------ |
 * | 0      | 1    | type     | see {@link FrameType}                            |
 * | 1      | 1    | flags    | bit 0: last frame of this exchange in this       |
 * |        |      |          | direction (END); others 0                        |
 * | 2      | 2    | reserved | 0                                                |
 * | 4      | 4    | exchange | 0 for the session itself, odd ids are opened by  |
 * |        |      |          | the client, even ones by the server              |
 * | 8      | 4    | length   | bytes of payload that follow, 0 to 262,128       |
 */
import { crc32 } from "node:zlib";
import { ProtocolError, TransportError } from "../errors.ts";
import {
  FRAME_HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PAYLOAD_BYTES,
  MESSAGE_HEADER_BYTES,
  PAGE_HEADER_BYTES,
} from "./limits.ts";

/** What a frame says; below 16 it speaks of the session, and costs no credit. */
export const FrameType = {
  hello: 1,
  refuse: 2,
  ping: 3,
  credit: 4,
  bye: 5,
  failed: 6,
  cancel: 7,
  echo: 8,
  changed: 9,
  fresh: 10,
  // Questions: the first frame of an exchange.
  scan: 16,
  list: 17,
  confirm: 18,
  stage: 19,
  content: 20,
  supply: 21,
  transition: 22,
  packed: 23,
  describe: 24,
  described: 25,
  move: 26,
  synced: 27,
  watch: 28,
  pair: 30,
  // Answers.
  progress: 32,
  scanned: 33,
  problems: 34,
  listing: 35,
  wants: 36,
  stored: 37,
  done: 38,
  lacking: 39,
  noted: 40,
  paired: 46,
} as const;
export type FrameType = typeof FrameType[keyof typeof FrameType];

/** Types from here on belong to an exchange and are paid for with credit. */
const FIRST_EXCHANGE_TYPE = 16;
const FIRST_ANSWER_TYPE = 32;

const NAMES = new Map<number, string>(
  Object.entries(FrameType).map(([name, type]) => [type, name]),
);

const END_FLAG = 1;

/** A frame as it was received. */
export interface Frame {
  readonly type: FrameType;
  readonly exchange: number;
  /** Whether it is the last one of its exchange in this direction. */
  readonly end: boolean;
  /** A view onto the message. */
  readonly payload: Uint8Array;
}

/** Whether frames of this type belong to an exchange and cost credit. */
export function costsCredit(type: FrameType): boolean {
  return type >= FIRST_EXCHANGE_TYPE;
}

/** Whether a frame of this type may be the first of an exchange. */
export function isQuestion(type: FrameType): boolean {
  return type >= FIRST_EXCHANGE_TYPE && type < FIRST_ANSWER_TYPE;
}

/** The name of a frame type, for messages. */
export function frameName(type: number): string {
  return NAMES.get(type) ?? `type ${type}`;
}

/**
 * Fills in the header of the frame in `page`: room for the header of a message,
 * room for that of the frame, and the payload.
 */
export function putFrameHeader(
  page: Uint8Array,
  header: Omit<Frame, "payload">,
): void {
  const length = page.length - PAGE_HEADER_BYTES;
  if (length > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`A frame of ${length} bytes is too long`);
  }
  const at = MESSAGE_HEADER_BYTES;
  page[at] = header.type;
  page[at + 1] = header.end ? END_FLAG : 0;
  page[at + 2] = 0;
  page[at + 3] = 0;
  putU32(page, at + 4, header.exchange);
  putU32(page, at + 8, length);
}

/** Fills in the checksum of a message whose frames stand behind room for it. */
export function sealMessage(message: Uint8Array): void {
  putU32(message, 0, crc32(message.subarray(MESSAGE_HEADER_BYTES)));
}

/**
 * The frames of one message, in order; their payloads are views onto it.
 * @throws {TransportError} If it was damaged on its way: to connect again helps.
 * @throws {ProtocolError} If it was sent like this: empty or too long, or with a
 *   header that is incomplete, unknown, or names more bytes than there are.
 */
export function* decodeFrames(message: Uint8Array): Generator<Frame> {
  if (
    message.length < MESSAGE_HEADER_BYTES ||
    getU32(message, 0) !== crc32(message.subarray(MESSAGE_HEADER_BYTES))
  ) {
    throw new TransportError("A message was damaged on its way");
  }
  if (message.length === MESSAGE_HEADER_BYTES) {
    throw new ProtocolError("A message is empty");
  }
  if (message.length > MAX_MESSAGE_BYTES) {
    throw new ProtocolError(
      `A message has ${message.length} bytes, at most ${MAX_MESSAGE_BYTES} are allowed`,
    );
  }
  for (let at = MESSAGE_HEADER_BYTES; at < message.length;) {
    const start = at + FRAME_HEADER_BYTES;
    if (start > message.length) {
      throw new ProtocolError(
        `A frame header is cut off after ${message.length - at} bytes`,
      );
    }
    const type = message[at]!;
    if (!isFrameType(type)) {
      throw new ProtocolError(`A frame has the unknown type ${type}`);
    }
    const flags = message[at + 1]!;
    if (flags > END_FLAG || message[at + 2] !== 0 || message[at + 3] !== 0) {
      throw new ProtocolError(
        `A ${frameName(type)} frame has reserved bits set`,
      );
    }
    const exchange = getU32(message, at + 4);
    const length = getU32(message, at + 8);
    if (length > message.length - start) {
      throw new ProtocolError(
        `A ${frameName(type)} frame of ${length} bytes ends after ${
          message.length - start
        }`,
      );
    }
    at = start + length;
    const payload = message.subarray(start, at);
    yield { type, exchange, end: flags === END_FLAG, payload };
  }
}

function isFrameType(type: number): type is FrameType {
  return NAMES.has(type);
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function getU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 |
    bytes[at + 3]!) >>> 0;
}
