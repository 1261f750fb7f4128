/** What in one directory is not what it was when it was seen last. */
import type { DirectoryEntry, FileEntry } from "../core/entry.ts";
import type { Name } from "../core/path.ts";
import type { DirtyNode } from "./dirty_paths.ts";
import type { Directory, ListedEntry, Stat } from "./file_system.ts";

/** What there is under `name`, as a listing would tell it; undefined: nothing. */
export async function lookUp(
  directory: Directory,
  name: Name,
): Promise<ListedEntry | undefined> {
  const stat = await directory.lookup(name);
  if (stat === undefined) return undefined;
  const isLink = stat.kind === "symlink";
  const target = isLink ? await directory.readLink(name) : undefined;
  return { name, stat, target };
}

/**
 * `below`, and what else in `directory` is not what it was: `entry` is what it was.
 * A directory in it that has gained or lost something is to be listed likewise.
 * `listed` is what was seen of all that is in it.
 */
export async function changedEntries(
  directory: Directory,
  entry: DirectoryEntry,
  below: DirtyNode["below"],
): Promise<{
  readonly below: DirtyNode["below"];
  readonly listed: ReadonlyMap<Name, ListedEntry>;
}> {
  const more = new Map(below);
  const listed = new Map<Name, ListedEntry>();
  const dirty = { self: true, own: false, entries: false, below: new Map() };
  const gone = new Set(entry.children.keys());
  const { entries, failed } = await directory.list();
  for (const found of entries) {
    const { name, stat } = found;
    gone.delete(name);
    listed.set(name, found);
    const before = entry.children.get(name);
    const known = more.get(name);
    if (known?.self) continue;
    if (before?.kind === "directory" && isSameThing(before, stat)) {
      const isSame = before.mtime === stat.mtime && before.mode === stat.mode;
      if (isSame) continue;
      more.set(name, {
        self: false,
        own: false,
        entries: true,
        below: known?.below ?? new Map(),
      });
    } else if (
      before?.kind !== "file" || stat.kind !== "file" ||
      !isUnmoved(before, stat)
    ) more.set(name, dirty);
  }
  for (const { name, reason } of failed) {
    const before = entry.children.get(name as Name);
    const isAsBefore = before?.kind === "untracked" && before.reason === reason;
    if (isAsBefore) gone.delete(name as Name);
  }
  for (const name of gone) more.set(name, dirty);
  return { below: more, listed };
}

/** Whether nothing of a file has changed that a scan would see. */
export function isUnmoved(
  entry: FileEntry,
  stat: Stat,
): boolean {
  return entry.size === stat.size && entry.mtime === stat.mtime &&
    entry.mode === stat.mode && entry.ctime === stat.ctime &&
    isSameThing(entry, stat) &&
    (entry.owner === undefined ||
      entry.owner.uid === stat.uid && entry.owner.gid === stat.gid);
}

/** Whether it is not another one that has taken its place. */
export function isSameThing(
  { inode, generation }: Pick<DirectoryEntry, "inode" | "generation">,
  stat: Stat,
): boolean {
  return inode === stat.inode && generation === stat.generation;
}
