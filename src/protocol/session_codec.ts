/**
 * What two sides tell each other about the session itself.
 *
 * | frame          | payload                                                   |
 * | -------------- | --------------------------------------------------------- |
 * | hello          | magic u32 0x4c4b5354, lowest version u16, highest u16;    |
 * |                | from version 1 on: software text (1 to 100 characters),   |
 * |                | client id (16 bytes), traits u8 (bit 0 modes, bit 1       |
 * |                | symlinks, bit 2 owners), window u32 (bytes), number of    |
 * |                | capabilities varint, each a text                          |
 * | refuse         | code u16 (see `error_code.ts`), remark                    |
 * | failed, cancel | code u16, remark                                          |
 * | ping, echo     | nothing                                                   |
 * | fresh          | the challenge of the hello that it answers (16 bytes)     |
 * | credit         | bytes, varint                                             |
 * | bye            | outcome u8 (1 done, 2 partial, 3 halted, 4 interrupted,   |
 * |                | 5 failed, 6 planned), remark                              |
 */
import type { Outcome } from "../core/outcome.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { WireError } from "./error_code.ts";
import { readRemark, writeRemark } from "./fields.ts";
import {
  MAX_CAPABILITIES,
  MAX_CAPABILITY_BYTES,
  MAX_SOFTWARE_LENGTH,
  MAX_WINDOW_BYTES,
  MIN_WINDOW_BYTES,
} from "./limits.ts";
import type { VersionRange } from "./version.ts";

const MAGIC = 0x4c4b5354;
const CLIENT_ID_BYTES = 16;
const CHALLENGE_BYTES = 16;

const OUTCOMES: readonly (Outcome["kind"] | undefined)[] = [
  undefined,
  "done",
  "partial",
  "halted",
  "interrupted",
  "failed",
  "planned",
];

/** The first message of each side. */
export interface Hello {
  /** Name and version of the program. */
  readonly software: string;
  /** 32 hexadecimal digits. */
  readonly clientId: string;
  readonly traits: {
    readonly modes: boolean;
    readonly symlinks: boolean;
    readonly owners: boolean;
  };
  /** How many unconsumed bytes its sender puts up with. */
  readonly windowBytes: number;
  readonly capabilities: readonly string[];
}

export function writeHello(
  writer: ByteWriter,
  versions: VersionRange,
  hello: Hello,
): void {
  writer.u32(MAGIC);
  writer.u16(versions.min);
  writer.u16(versions.max);
  writer.text(hello.software.slice(0, MAX_SOFTWARE_LENGTH).toWellFormed());
  const id = Uint8Array.fromHex(hello.clientId);
  if (id.length !== CLIENT_ID_BYTES) {
    throw new TypeError("A client id has 32 hexadecimal digits");
  }
  writer.raw(id);
  const { modes, symlinks, owners } = hello.traits;
  writer.u8((modes ? 1 : 0) | (symlinks ? 2 : 0) | (owners ? 4 : 0));
  writer.u32(hello.windowBytes);
  writer.varint(hello.capabilities.length);
  for (const capability of hello.capabilities) writer.text(capability);
}

/** The part of a hello that every version understands. */
export function readVersions(reader: ByteReader): VersionRange {
  if (reader.u32("a hello") !== MAGIC) {
    throw new ProtocolError("A hello does not begin as Lockstep's does");
  }
  const min = reader.u16("a version");
  const max = reader.u16("a version");
  if (min === 0 || min > max) {
    throw new ProtocolError(`A hello has the versions ${min} to ${max}`);
  }
  return { min, max };
}

/** The part of a hello that version 1 understands. */
export function readHello(reader: ByteReader): Hello {
  const software = reader.text(3 * MAX_SOFTWARE_LENGTH, "the software");
  if (software === "" || software.length > MAX_SOFTWARE_LENGTH) {
    throw new ProtocolError("The name of the software is too long, or empty");
  }
  const clientId = reader.raw(CLIENT_ID_BYTES, "a client id").toHex();
  const traits = reader.u8("the traits");
  if (traits > 7) throw new ProtocolError("A hello has unknown traits");
  const windowBytes = reader.u32("the window");
  if (windowBytes < MIN_WINDOW_BYTES || windowBytes > MAX_WINDOW_BYTES) {
    throw new ProtocolError(`A hello has a window of ${windowBytes} bytes`);
  }
  const count = reader.varint(MAX_CAPABILITIES, "the capabilities");
  const capabilities: string[] = [];
  for (let i = 0; i < count; i++) {
    capabilities.push(reader.text(MAX_CAPABILITY_BYTES, "a capability"));
  }
  reader.end("a hello");
  return {
    software,
    clientId,
    traits: {
      modes: (traits & 1) !== 0,
      symlinks: (traits & 2) !== 0,
      owners: (traits & 4) !== 0,
    },
    windowBytes,
    capabilities,
  };
}

/** Answers a challenge of 32 hexadecimal digits. */
export function writeFresh(writer: ByteWriter, challenge: string): void {
  writer.raw(Uint8Array.fromHex(challenge));
}

/** The challenge that is answered, in hexadecimal digits. */
export function readFresh(reader: ByteReader): string {
  const challenge = reader.raw(CHALLENGE_BYTES, "a challenge").toHex();
  reader.end("a challenge");
  return challenge;
}

export function writeError(writer: ByteWriter, error: WireError): void {
  writer.u16(error.code);
  writeRemark(writer, error.message);
}

export function readError(reader: ByteReader): WireError {
  const code = reader.u16("the code of an error");
  const message = readRemark(reader);
  reader.end("an error");
  return { code, message };
}

export function writeOutcome(writer: ByteWriter, outcome: Outcome): void {
  writer.u8(OUTCOMES.indexOf(outcome.kind));
  writeRemark(writer, outcome.message);
}

export function readOutcome(reader: ByteReader): Outcome {
  const kind = OUTCOMES[reader.u8("an outcome")];
  if (kind === undefined) throw new ProtocolError("An outcome is unknown");
  const message = readRemark(reader);
  reader.end("an outcome");
  return { kind, message };
}

/** Bytes of credit that the peer grants. */
export function readCredit(reader: ByteReader): number {
  const bytes = reader.varint(MAX_WINDOW_BYTES, "a credit");
  reader.end("a credit");
  return bytes;
}
