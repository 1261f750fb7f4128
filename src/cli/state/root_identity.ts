/** By what a directory is known again. */
import type { RootIdentity } from "../../core/guard.ts";

/** The identity of the directory at `path`, which is absolute and free of links. */
export function identityOf(path: string): RootIdentity {
  const { dev, ino, birthtime } = Deno.statSync(path);
  return {
    path,
    device: dev,
    inode: ino ?? 0,
    born: birthtime?.getTime() ?? undefined,
  };
}
