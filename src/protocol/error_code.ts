/**
 * Errors on the wire: a number for each code of ours. What only one's own side
 * can know (usage, a lost connection) has none.
 */
import {
  type ErrorCode,
  FileSystemError,
  type FileSystemErrorCode,
  GuardError,
  IntegrityError,
  messageOf,
  ProtocolError,
  StaleError,
  SyncError,
  TransportError,
  UnsafePathError,
} from "../errors.ts";

type Make = (message: string) => SyncError;

/** Both directions: number, code, and how the error is made again. */
const TABLE: readonly (readonly [number, ErrorCode, Make])[] = [
  [1, "protocol", (m) => new ProtocolError(m)],
  [2, "version", (m) => new ProtocolError(m, "version")],
  [3, "busy", (m) => new ProtocolError(m, "busy")],
  [4, "refused", (m) => new ProtocolError(m, "refused")],
  [5, "peer-stopped", (m) => new TransportError(m, "peer-stopped")],
  [6, "integrity", (m) => new IntegrityError(m)],
  [7, "stale", (m) => new StaleError(m)],
  [8, "guard", (m) => new GuardError(m)],
  [9, "failed", (m) => new SyncError("failed", m)],
  [10, "unsafe-path", (m) => new UnsafePathError(m)],
  fileSystem(32, "not-found"),
  fileSystem(33, "exists"),
  fileSystem(34, "not-a-directory"),
  fileSystem(35, "is-a-directory"),
  fileSystem(36, "not-empty"),
  fileSystem(37, "denied"),
  fileSystem(38, "no-space"),
  fileSystem(39, "name-too-long"),
  fileSystem(40, "read-only"),
  fileSystem(41, "cross-device"),
  fileSystem(42, "unsupported"),
  fileSystem(43, "io"),
  fileSystem(44, "locked"),
];

const FAILED = 9;
const NUMBERS = new Map(TABLE.map(([number, code]) => [code, number]));
const MAKERS = new Map(TABLE.map(([number, , make]) => [number, make]));

function fileSystem(
  number: number,
  code: FileSystemErrorCode,
): readonly [number, ErrorCode, Make] {
  const foreign = { isForeign: true };
  return [number, code, (m) => new FileSystemError(code, m, foreign)];
}

/** An error as it travels. */
export interface WireError {
  readonly code: number;
  readonly message: string;
}

/** `error` for the wire; what has no number of its own has "failed". */
export function toWireError(error: unknown): WireError {
  const code = error instanceof SyncError ? NUMBERS.get(error.code) : undefined;
  return { code: code ?? FAILED, message: messageOf(error) };
}

/** The error that the peer met; a number that we do not know is its mistake. */
export function fromWireError({ code, message }: WireError): SyncError {
  const make = MAKERS.get(code);
  if (make !== undefined) return make(message);
  return new ProtocolError(`Unknown error ${code} at the peer: ${message}`);
}
