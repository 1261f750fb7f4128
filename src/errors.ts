/**
 * The errors that Lockstep throws. Each class is a decision for whoever catches
 * it; `code` says what happened in a form that programs can test and that
 * travels on the wire. Conflicts and problems of single paths are returned,
 * never thrown.
 */

/** What went wrong, in a word; stable across releases. */
export type ErrorCode =
  | "usage"
  | "protocol"
  | "version"
  | "busy"
  | "refused"
  | "unreachable"
  | "connection-lost"
  | "peer-stopped"
  | "integrity"
  | "stale"
  | "unsafe-path"
  | "guard"
  | "not-found"
  | "exists"
  | "not-a-directory"
  | "is-a-directory"
  | "not-empty"
  | "denied"
  | "no-space"
  | "name-too-long"
  | "read-only"
  | "cross-device"
  | "unsupported"
  | "io"
  | "locked"
  | "failed";

/** The parent of all errors that Lockstep throws on purpose. */
export class SyncError extends Error {
  /** The name of the class. */
  override name = "SyncError";
  /** What went wrong, in a word. */
  readonly code: ErrorCode;

  /** An error that says what failed, then the facts; without a full stop. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The command line or the configuration is wrong: show help, exit 2. */
export class UsageError extends SyncError {
  /** The name of the class. */
  override name = "UsageError";

  /** As of {@link SyncError}. */
  constructor(message: string, options?: ErrorOptions) {
    super("usage", message, options);
  }
}

/** The peer broke the protocol, or refused us: close the session. */
export class ProtocolError extends SyncError {
  /** The name of the class. */
  override name = "ProtocolError";

  /** As of {@link SyncError}. */
  constructor(
    message: string,
    code: "protocol" | "version" | "busy" | "refused" = "protocol",
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The connection could not be made, or broke: reconnect. */
export class TransportError extends SyncError {
  /** The name of the class. */
  override name = "TransportError";

  /** As of {@link SyncError}. */
  constructor(
    message: string,
    code: "unreachable" | "connection-lost" | "peer-stopped" =
      "connection-lost",
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** Bytes are not what their digest says: fetch them again. */
export class IntegrityError extends SyncError {
  /** The name of the class. */
  override name = "IntegrityError";

  /** As of {@link SyncError}. */
  constructor(message: string, options?: ErrorOptions) {
    super("integrity", message, options);
  }
}

/** An entry is no longer what the scan saw: scan again. */
export class StaleError extends SyncError {
  /** The name of the class. */
  override name = "StaleError";

  /** As of {@link SyncError}. */
  constructor(message: string, options?: ErrorOptions) {
    super("stale", message, options);
  }
}

/** A path would leave the root, or is not in canonical form: refuse it. */
export class UnsafePathError extends SyncError {
  /** The name of the class. */
  override name = "UnsafePathError";

  /** As of {@link SyncError}. */
  constructor(message: string, options?: ErrorOptions) {
    super("unsafe-path", message, options);
  }
}

/** A safety stop: nothing was changed, a person decides. */
export class GuardError extends SyncError {
  /** The name of the class. */
  override name = "GuardError";

  /** As of {@link SyncError}. */
  constructor(message: string, options?: ErrorOptions) {
    super("guard", message, options);
  }
}

/** Codes of what a file system can answer; see {@link FileSystemError}. */
export type FileSystemErrorCode = Extract<
  ErrorCode,
  | "not-found"
  | "exists"
  | "not-a-directory"
  | "is-a-directory"
  | "not-empty"
  | "denied"
  | "no-space"
  | "name-too-long"
  | "read-only"
  | "cross-device"
  | "unsupported"
  | "unsafe-path"
  | "locked"
  | "io"
>;

/** A file system call failed; the message names the entry and the reason. */
export class FileSystemError extends SyncError {
  /** The name of the class. */
  override name = "FileSystemError";
  /** What the file system answered. */
  declare readonly code: FileSystemErrorCode;
  /** Whether it is the file system of the other side that failed. */
  readonly isForeign: boolean;

  /** As of {@link SyncError}. */
  constructor(
    code: FileSystemErrorCode,
    message: string,
    options: ErrorOptions & { readonly isForeign?: boolean } = {},
  ) {
    super(code, message, options);
    this.isForeign = options.isForeign === true;
  }
}

/** Whether `error` is a file system's answer with this code. */
export function isFileSystemError(
  error: unknown,
  code?: FileSystemErrorCode,
): error is FileSystemError {
  return error instanceof FileSystemError &&
    (code === undefined || error.code === code);
}

/** The message of anything that was thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ");
}

/** Anything that was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
