/** Directories that have to survive a loss of power. */
import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes what was made, renamed or removed in it last; Windows can't, and does without. */
export function syncDirectory(path: string): void {
  if (Deno.build.os === "windows") return;
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
