/** What a release has executables for, and what they are called. */

/** The systems, as `deno compile --target` calls them, and the name of each executable. */
export const TARGETS = {
  "x86_64-unknown-linux-gnu": "lockstep-x86_64-linux",
  "aarch64-unknown-linux-gnu": "lockstep-aarch64-linux",
  "x86_64-apple-darwin": "lockstep-x86_64-macos",
  "aarch64-apple-darwin": "lockstep-aarch64-macos",
  "x86_64-pc-windows-msvc": "lockstep-x86_64-windows.exe",
} as const;

/** One of {@link TARGETS}. */
export type Target = keyof typeof TARGETS;

/**
 * The permissions that are compiled in. It would be all but FFI and the import of
 * remote code; but files are reached through /proc/self/fd on Linux (which no
 * symbolic link can lead astray), may lie on a share on Windows, and Deno opens
 * such paths only for a program that may do everything.
 */
export const PERMISSIONS: readonly string[] = ["--allow-all"];

/** Whether `name` is one of {@link TARGETS}. */
export function isTarget(name: string): name is Target {
  return Object.hasOwn(TARGETS, name);
}
