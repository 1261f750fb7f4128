/** What Deno and the operating system throw, as {@link FileSystemError}s. */
import { quote } from "../core/path.ts";
import {
  FileSystemError,
  type FileSystemErrorCode,
  messageOf,
} from "../errors.ts";

type Reason = readonly [code: FileSystemErrorCode, text: string];

/**
 * By `.code`: for most of these Deno has no class. Only where an error carries
 * no code, its class decides.
 */
const BY_CODE: Readonly<Record<string, Reason>> = {
  EACCES: ["denied", "permission denied"],
  EAGAIN: ["unsupported", "it is a fifo, a socket or a device"],
  EBUSY: ["io", "it is in use"],
  EDQUOT: ["no-space", "the disk quota is used up"],
  EEXIST: ["exists", "it exists already"],
  EFBIG: ["no-space", "the file would be too large for this file system"],
  EINVAL: ["unsupported", "the file system does not accept it"],
  EIO: ["io", "input/output error"],
  EISDIR: ["is-a-directory", "it is a directory"],
  ELOOP: ["io", "too many symbolic links one after the other"],
  EMFILE: ["io", "too many open files"],
  EMLINK: ["unsupported", "too many hard links"],
  ENAMETOOLONG: ["name-too-long", "the name is too long"],
  ENFILE: ["io", "too many open files in the whole system"],
  ENODEV: ["unsupported", "it is a device that is not there"],
  ENOENT: ["not-found", "there is no such file or directory"],
  ENOSPC: ["no-space", "no space left on device"],
  ENOSYS: ["unsupported", "the file system can't do that"],
  ENOTDIR: ["not-a-directory", "it is not a directory"],
  ENOTEMPTY: ["not-empty", "the directory is not empty"],
  ENOTSUP: ["unsupported", "the file system can't do that"],
  ENXIO: ["unsupported", "it is a fifo, a socket or a device"],
  EOPNOTSUPP: ["unsupported", "the file system can't do that"],
  EPERM: ["denied", "operation not permitted"],
  EROFS: ["read-only", "the file system is read-only"],
  ESPIPE: ["unsupported", "it is a fifo, a socket or a device"],
  EXDEV: ["cross-device", "it is on another file system"],
};

const BY_CLASS: readonly (readonly [new (message: string) => Error, Reason])[] =
  [
    [Deno.errors.NotFound, BY_CODE.ENOENT!],
    [Deno.errors.AlreadyExists, BY_CODE.EEXIST!],
    [Deno.errors.NotADirectory, BY_CODE.ENOTDIR!],
    [Deno.errors.IsADirectory, BY_CODE.EISDIR!],
    [Deno.errors.FilesystemLoop, BY_CODE.ELOOP!],
    [Deno.errors.PermissionDenied, BY_CODE.EACCES!],
    [Deno.errors.NotCapable, ["denied", "Deno was not given the permission"]],
    [Deno.errors.NotSupported, BY_CODE.ENOTSUP!],
    [Deno.errors.Busy, BY_CODE.EBUSY!],
  ];

/** `.code` of an error of the operating system ("ENOENT"), if it has one. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Whether `error` says that there is no such entry. */
export function isNotFound(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === undefined
    ? error instanceof Deno.errors.NotFound
    : code === "ENOENT";
}

/**
 * `error`, thrown while somebody wanted to `action` ("create", "read" …) what is
 * at `path`: `Cannot create "/a/b.txt": no space left on device`. What is a
 * {@link FileSystemError} already, or was thrown for misuse, stays what it is.
 */
export function fileSystemError(
  error: unknown,
  action: string,
  path: string,
): Error {
  if (error instanceof FileSystemError || error instanceof ClosedError) {
    return error;
  }
  const [code, text] = reasonOf(error);
  return refusal(code, action, path, text, error);
}

/** The answer of ours that `action` is not done at `path`, and why. */
export function refusal(
  code: FileSystemErrorCode,
  action: string,
  path: string,
  reason: string,
  cause?: unknown,
): FileSystemError {
  const message = `Cannot ${action} ${quote(path)}: ${reason}`;
  return new FileSystemError(
    code,
    message,
    cause === undefined ? undefined : { cause },
  );
}

/** A call on something that its owner has closed already. */
export class ClosedError extends TypeError {
  override name = "ClosedError";

  constructor(path: string) {
    super(`${quote(path)} is closed`);
  }
}

function reasonOf(error: unknown): Reason {
  const known = BY_CODE[systemCodeOf(error) ?? ""];
  if (known !== undefined) return known;
  for (const [type, reason] of BY_CLASS) {
    if (error instanceof type) return reason;
  }
  return ["io", messageOf(error)];
}
