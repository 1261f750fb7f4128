/**
 * Files of a source of which it is not known that the target has their content,
 * though they look the same at both sides. A file gets here where the source has
 * seen it replaced by one of the same size and mtime, or where it was read so soon
 * after a change that another one could hide. It stays until it was sent, or turned
 * out to be different anyway.
 */
import { type Change, isTouch, sameContent } from "../core/change.ts";
import { TreeEdit } from "../core/edit_tree.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Origins } from "../core/origins.ts";
import type { RelPath } from "../core/path.ts";
import { entryAt, type Snapshot } from "../core/snapshot.ts";
import { doubted, renewed, suspectsBetween } from "../core/suspects.ts";
import { RacyReads } from "../fs/racy_reads.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";

/** The doubts about one target, over all its rounds and connections. */
export class Doubts {
  /** What was read too early to be sure of. */
  readonly racy: RacyReads;
  /** Files that may differ though they look the same. */
  readonly #suspects = new Set<RelPath>();
  /** Those of them that the last {@link mark} has made different. */
  #marked: ReadonlySet<RelPath> = new Set();
  /** The source as it was when that was asked last. */
  #seen: DirectoryEntry | undefined;

  /** @param now The clock by which files are dated, in milliseconds since 1970. */
  constructor(now?: () => number) {
    this.racy = new RacyReads(now);
  }

  /** Looks again at what was sent too early to be sure of; whether it is in doubt now. */
  async reread(source: Pick<LocalEndpoint, "reread">): Promise<boolean> {
    const found = await source.reread();
    for (const path of found) this.#suspects.add(path);
    return found.length > 0;
  }

  /**
   * Both sides, in which files in doubt count as different, however equal they look:
   * so they are sent. To be called once for each round: from then on the target may
   * have what is at the source now, whatever comes of it.
   */
  mark(
    here: Snapshot,
    there: Snapshot,
    modes: boolean,
  ): { readonly here: Snapshot; readonly there: Snapshot } {
    for (const path of suspectsBetween(this.#seen ?? here.root, here.root)) {
      this.#suspects.add(path);
    }
    this.#seen = here.root;
    const marked = new Set<RelPath>();
    const ours = new TreeEdit(here.root, modes);
    const theirs = new TreeEdit(there.root, modes);
    for (const path of this.#suspects) {
      const old = entryAt(there.root, path);
      const now = entryAt(here.root, path);
      if (old?.kind !== "file" || now?.kind !== "file") continue;
      if (!sameContent(old, now)) continue;
      theirs.put(path, doubted(old));
      ours.put(path, renewed(now));
      marked.add(path);
    }
    this.#marked = marked;
    if (marked.size === 0) return { here, there };
    return {
      here: { ...here, root: ours.finish() },
      there: { ...there, root: theirs.finish() },
    };
  }

  /** A doubt goes along with what it is about, when that is moved. */
  moveAlong(origins: Origins): void {
    for (const [to, from] of origins) {
      if (this.#suspects.has(from)) this.#suspects.add(to);
    }
  }

  /**
   * Says that `changes` are about to be carried out. A file that is replaced is in
   * doubt until that is done: should it fail, and somebody put size and time back as
   * the target has them, nothing else would tell them apart.
   */
  sending(changes: readonly Change[]): void {
    for (const change of changes) {
      const { path, old, new: wanted } = change;
      if (old?.kind !== "file" || wanted?.kind !== "file") continue;
      if (!isTouch(change)) this.#suspects.add(path);
    }
  }

  /** Says that the target has what is at `path` of the source. */
  sent(path: RelPath): void {
    if (this.#marked.has(path)) this.#suspects.delete(path);
  }

  /** The tree `root` of the target, in which nothing counts as different any more. */
  unmark(root: DirectoryEntry, modes: boolean): DirectoryEntry {
    const edit = new TreeEdit(root, modes);
    for (const path of this.#marked) {
      const entry = entryAt(root, path);
      if (entry?.kind === "file") {
        edit.put(path, { ...entry, digest: undefined });
      }
    }
    return edit.finish();
  }

  /**
   * Forgets at the end of a round what is different anyway, and so is sent anyway:
   * all that was not marked, but for what `isOpen`, which could still come to look
   * the same.
   */
  settle(isOpen: (path: RelPath) => boolean): void {
    for (const path of this.#suspects) {
      const stays = this.#marked.has(path) || isOpen(path);
      if (!stays) this.#suspects.delete(path);
    }
  }
}
