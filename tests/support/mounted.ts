/** Mounting file systems, for tests that need "mount". */
import { shell } from "./command.ts";

/** What is mounted, as `mount` takes it. */
export interface MountOptions {
  /** A small file system in memory unless said. */
  readonly type?: string;
  /** Words after `-o`. */
  readonly options?: string;
}

/** Mounts a file system at `path` while `work` is done. @throws If that fails. */
export async function mounted(
  path: string,
  { type = "tmpfs", options = "rw" }: MountOptions,
  work: () => void | Promise<void>,
): Promise<void> {
  await shell('mount -t "$1" -o "$2" none "$3"', type, options, path);
  try {
    await work();
  } finally {
    await shell('umount "$1"', path);
  }
}
