/** Trees that are compared by what is in them, however that is kept. */
import type { DirectoryEntry, Entry } from "../../src/core/entry.ts";
import type { Name } from "../../src/core/path.ts";

/** `root` with ordinary maps, at any depth. */
export function plainTree(root: DirectoryEntry): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, entry] of root.children) {
    children.set(name, entry.kind === "directory" ? plainTree(entry) : entry);
  }
  return { ...root, children };
}
