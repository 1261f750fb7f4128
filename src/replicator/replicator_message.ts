/**
 * What a {@link ReplicatorSource} and a {@link ReplicatorTarget} hand to whoever
 * carries it: plain data and bytes, which `structuredClone()` and `postMessage()`
 * copy as they are. As JSON, the bytes are base64, by `toJSON`. As bytes:
 *
 * | offset | size   | field   | allowed values                                |
 * | ------ | ------ | ------- | --------------------------------------------- |
 * | 0      | 1      | form    | 1                                             |
 * | 1      | 16     | session |                                               |
 * | 17     | 1 to 8 | number  | varint                                        |
 * |        | rest   | message | 0 to 262,144 bytes                            |
 */
import { messageOf, ProtocolError } from "../errors.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";

const FORM = 1;
const SESSION_BYTES = 16;
const SESSION = /^[0-9a-f]{32}$/;

/** Most bytes of an encoded message that are not its content. */
const MAX_HEADER_BYTES = 1 + SESSION_BYTES + 8;

/** Longest base64 that may hold a message. */
const MAX_BASE64_LENGTH = Math.ceil(MAX_MESSAGE_BYTES / 3) * 4;

/** A request or its response; whoever carries it need not look into it. */
export class ReplicatorMessage {
  /** 32 hexadecimal digits: the conversation that it belongs to. */
  readonly session: string;
  /** Counts the requests of a session from 0; the response has that of its request. */
  readonly number: number;
  /** What is said, as on the wire of Lockstep; empty where there is nothing to say. */
  readonly message: Uint8Array;

  /** A message as it is; {@link decodeMessage} and `handle` check theirs. */
  constructor(session: string, number: number, message: Uint8Array) {
    this.session = session;
    this.number = number;
    this.message = message;
  }

  /** The form that `JSON.stringify()` writes. */
  toJSON(): {
    readonly session: string;
    readonly number: number;
    readonly message: string;
  } {
    const { session, number, message } = this;
    return { session, number, message: message.toBase64() };
  }
}

/** `message` for a carrier of bytes. */
export function encodeMessage(message: ReplicatorMessage): Uint8Array {
  const writer = new ByteWriter(message.message.length + MAX_HEADER_BYTES);
  writer.u8(FORM);
  writer.raw(Uint8Array.fromHex(message.session));
  writer.varint(message.number);
  writer.raw(message.message);
  return writer.bytes.slice();
}

/**
 * The message that {@link encodeMessage} has made `bytes` of.
 * @throws {ProtocolError} If they are something else.
 */
export function decodeMessage(bytes: Uint8Array): ReplicatorMessage {
  if (bytes.length > MAX_HEADER_BYTES + MAX_MESSAGE_BYTES) throw tooLong();
  const reader = new ByteReader(bytes);
  if (reader.u8("the form") !== FORM) {
    throw new ProtocolError("The bytes are no message of a replicator");
  }
  const session = reader.raw(SESSION_BYTES, "the session").toHex();
  const number = reader.varint(Number.MAX_SAFE_INTEGER, "the number");
  const message = reader.raw(reader.left, "the message");
  return checkMessage({ session, number, message });
}

/**
 * Checks what a carrier has brought, in any of its forms but bytes; the answer
 * shares nothing with it.
 * @throws {ProtocolError} If it can't be a message.
 */
export function checkMessage(value: unknown): ReplicatorMessage {
  if (typeof value !== "object" || value === null) {
    throw new ProtocolError("A message of a replicator is no object");
  }
  const { session, number, message } = value as Record<string, unknown>;
  if (typeof session !== "string" || !SESSION.test(session)) {
    throw new ProtocolError("A message of a replicator names no session");
  }
  if (
    typeof number !== "number" || !Number.isSafeInteger(number) || number < 0
  ) {
    throw new ProtocolError("A message of a replicator has no number");
  }
  return new ReplicatorMessage(session, number, bytesOf(message));
}

function bytesOf(message: unknown): Uint8Array {
  if (message instanceof Uint8Array) {
    if (message.length > MAX_MESSAGE_BYTES) throw tooLong();
    return message.slice();
  }
  if (typeof message !== "string") {
    throw new ProtocolError("A message of a replicator holds no bytes");
  }
  if (message.length > MAX_BASE64_LENGTH) throw tooLong();
  try {
    return Uint8Array.fromBase64(message);
  } catch (error) {
    throw new ProtocolError(
      `A message of a replicator is no base64: ${messageOf(error)}`,
    );
  }
}

function tooLong(): ProtocolError {
  return new ProtocolError(
    `A message of a replicator has more than ${MAX_MESSAGE_BYTES} bytes`,
  );
}
