/**
 * The decision of a two-way sync: three trees in, the changes for both sides out.
 * Pure: it touches nothing, and who is called alpha makes no difference.
 *
 * A path that only one side changed since the ancestor goes to the other side. An
 * edit beats a deletion. What both changed alike is agreed on; what they changed
 * differently is a conflict. "Changed" is decided by content: by the digests of
 * files, the targets of links, what directories hold. Modes and times travel, too,
 * each for itself, but are never a conflict.
 *
 * A conflict is settled in two steps, so that nothing is replaced before it is
 * safe: first the version that loses is copied to the winner's side, under a name
 * of its own. Only where both trees show that copy already, the winner's version
 * takes the place of the other one.
 */
import { type Change, sameContent, shallow } from "./change.ts";
import {
  type Conflict,
  type ConflictPolicy,
  otherSide,
  type TwoWaySide,
  winnerOf,
} from "./conflict.ts";
import { placeOfCopy } from "./copy_place.ts";
import { isUnedited, LOOSE } from "./edits.ts";
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  isTracked,
  isWhollyTracked,
  NO_CHILDREN,
  type SymlinkEntry,
  type TrackedEntry,
  withoutUntracked,
} from "./entry.ts";
import { displayPath, join, type Name, type RelPath, ROOT } from "./path.ts";
import type { Problem } from "./problem.ts";
import type { SettledTrees } from "./settled_trees.ts";

/** How {@link reconcile} decides. */
export interface ReconcileMode {
  readonly policy: ConflictPolicy;
  /** Whether mode bits count: both file systems keep them. */
  readonly modes: boolean;
  /** How conflict copies call the sides, in lower-case letters. */
  readonly labels: Readonly<Record<TwoWaySide, string>>;
  /** What need not be looked at again; added to. */
  readonly settled?: SettledTrees | undefined;
}

/** What is to be done at one side. */
export interface SideChanges {
  /** In the order that a transition needs, as those of `diff`. */
  readonly changes: readonly Change[];
  /**
   * Where the other side has the content of a conflict copy, by the path of the
   * copy. Everything else has the same path on both sides.
   */
  readonly origins: ReadonlyMap<RelPath, RelPath>;
  /** Deletions that rest on the other side not having something any more. */
  readonly absences: readonly RelPath[];
  /** What can't be changed there, because something in it is left alone. */
  readonly problems: readonly Problem[];
}

/** What {@link reconcile} found. */
export interface Reconciliation {
  readonly alpha: SideChanges;
  readonly beta: SideChanges;
  /**
   * What both sides agree on, if all changes are carried out. Where one is not,
   * the old ancestor holds on, see `keep_ancestor.ts`. Nothing is in it that is
   * not on both sides then.
   */
  readonly ancestor: DirectoryEntry;
  /** What is settled by these changes, or is left as it is. */
  readonly conflicts: readonly Conflict[];
  /** What waits for its copies, which these changes make: the next round settles it. */
  readonly pending: readonly Conflict[];
}

/**
 * Finds what makes both sides equal.
 * @param ancestor The last state that both agreed on; undefined: they never did,
 *   and both keep all that they have.
 * @param alpha One side, with the digests of all its files, as `beta`.
 */
export function reconcile(
  ancestor: DirectoryEntry | undefined,
  alpha: DirectoryEntry,
  beta: DirectoryEntry,
  mode: ReconcileMode,
): Reconciliation {
  const work = new Reconciler(mode);
  const agreed = work.directories(ROOT, ancestor, alpha, beta);
  const { alpha: atAlpha, beta: atBeta, conflicts, pending } = work;
  return {
    alpha: atAlpha,
    beta: atBeta,
    ancestor: agreed,
    conflicts,
    pending,
  };
}

/** The changes of one side, while they are found. */
class Side implements SideChanges {
  readonly changes: Change[] = [];
  readonly origins = new Map<RelPath, RelPath>();
  readonly absences: RelPath[] = [];
  readonly problems: Problem[] = [];
}

const NOTHING: ReadonlySet<Name> = new Set();

/** One directory that both sides have, while what is in it is looked at. */
interface Frame {
  readonly path: RelPath;
  readonly ancestor: DirectoryEntry | undefined;
  readonly alpha: DirectoryEntry;
  readonly beta: DirectoryEntry;
  /** Sides on which a name comes, goes or is replaced: that moves the mtime. */
  readonly moved: Record<TwoWaySide, boolean>;
  /** Names that copies will take in this round; mostly {@link NOTHING}. */
  taken: ReadonlySet<Name>;
}

class Reconciler {
  readonly alpha = new Side();
  readonly beta = new Side();
  readonly conflicts: Conflict[] = [];
  readonly pending: Conflict[] = [];
  readonly #mode: ReconcileMode;

  constructor(mode: ReconcileMode) {
    this.#mode = mode;
  }

  /** Both sides have a directory: what of it they will agree on. */
  directories(
    path: RelPath,
    before: Entry | undefined,
    alpha: DirectoryEntry,
    beta: DirectoryEntry,
  ): DirectoryEntry {
    const { settled } = this.#mode;
    if (settled?.has(before, alpha, beta)) return before;
    const found = this.#found;
    const ancestor = before?.kind === "directory" ? before : undefined;
    const moved = { alpha: false, beta: false };
    const frame: Frame = {
      path,
      ancestor,
      alpha,
      beta,
      moved,
      taken: NOTHING,
    };
    const known = ancestor?.children ?? NO_CHILDREN;
    const agreed = new Map<Name, Entry>();
    let isNew = false;
    for (const name of namesIn(alpha, beta, known)) {
      const was = known.get(name);
      const is = this.#child(
        frame,
        name,
        was,
        alpha.children.get(name),
        beta.children.get(name),
      );
      if (is !== undefined) agreed.set(name, is);
      if (is !== was) isNew = true;
    }
    const mode = this.#modeOf(ancestor, alpha, beta);
    // Whatever changed in it has moved one or both: the later time is the truth.
    const mtime = Math.max(alpha.mtime, beta.mtime);
    this.#touchDirectory("alpha", path, alpha, mode, mtime, moved.alpha);
    this.#touchDirectory("beta", path, beta, mode, mtime, moved.beta);
    const isSame = ancestor !== undefined && !isNew &&
      ancestor.mtime === mtime && ancestor.mode === (mode ?? ancestor.mode);
    if (isSame) {
      if (this.#found === found) settled?.add(ancestor, alpha, beta);
      return ancestor;
    }
    return {
      kind: "directory",
      mode: mode ?? alpha.mode,
      mtime,
      children: agreed,
      digest: undefined,
    };
  }

  /** How much was found so far. */
  get #found(): number {
    const { alpha, beta, conflicts, pending } = this;
    const lists = [alpha.changes, alpha.problems, beta.changes, beta.problems];
    return lists.reduce((sum, { length }) => sum + length, 0) +
      conflicts.length + pending.length;
  }

  /** One name in a directory: what both sides will agree on there. */
  #child(
    frame: Frame,
    name: Name,
    before: Entry | undefined,
    alpha: Entry | undefined,
    beta: Entry | undefined,
  ): Entry | undefined {
    if (alpha === undefined && beta === undefined) return undefined;
    // What takes no part on one side is left alone on both.
    if (alpha !== undefined && !isTracked(alpha)) {
      return leftAlone(before, alpha, beta);
    }
    if (beta !== undefined && !isTracked(beta)) {
      return leftAlone(before, beta, alpha);
    }
    if (alpha === undefined) {
      return this.#missing(frame, name, "alpha", before, beta!);
    }
    if (beta === undefined) {
      return this.#missing(frame, name, "beta", before, alpha);
    }
    if (alpha.kind === "directory" && beta.kind === "directory") {
      return this.directories(join(frame.path, name), before, alpha, beta);
    }
    if (alpha.kind === "file" && beta.kind === "file") {
      if (sameContent(alpha, beta)) {
        return this.#sameFiles(frame, name, before, alpha, beta);
      }
    }
    if (alpha.kind === "symlink" && beta.kind === "symlink") {
      if (alpha.target === beta.target) {
        return this.#sameLinks(frame, name, before, alpha, beta);
      }
    }
    // They differ: whoever still has what both had takes what the other has.
    const isAlphaOld = before !== undefined && isUnedited(before, alpha, LOOSE);
    const isBetaOld = before !== undefined && isUnedited(before, beta, LOOSE);
    if (isAlphaOld && !isBetaOld) {
      return this.#replace(frame, name, "alpha", before, alpha, beta);
    }
    if (isBetaOld && !isAlphaOld) {
      return this.#replace(frame, name, "beta", before, beta, alpha);
    }
    return this.#conflict(frame, name, before, alpha, beta);
  }

  /** Equal content: mode and mtime are what is left to agree on. */
  #sameFiles(
    frame: Frame,
    name: Name,
    before: Entry | undefined,
    alpha: FileEntry,
    beta: FileEntry,
  ): Entry {
    const ancestor = before?.kind === "file" ? before : undefined;
    const mode = this.#modeOf(ancestor, alpha, beta);
    const isKnown = ancestor !== undefined && sameContent(ancestor, alpha);
    const mtime = timeOf(isKnown ? ancestor : undefined, alpha, beta);
    this.#touchFile("alpha", frame, name, alpha, mode, mtime);
    this.#touchFile("beta", frame, name, beta, mode, mtime);
    if (
      isKnown && ancestor.mtime === mtime && ancestor.digest !== undefined &&
      ancestor.mode === (mode ?? ancestor.mode)
    ) return ancestor;
    return plainFile(alpha, mode ?? alpha.mode, mtime);
  }

  #sameLinks(
    frame: Frame,
    name: Name,
    before: Entry | undefined,
    alpha: SymlinkEntry,
    beta: SymlinkEntry,
  ): Entry {
    const ancestor = before?.kind === "symlink" ? before : undefined;
    const isKnown = ancestor?.target === alpha.target;
    const mtime = timeOf(isKnown ? ancestor : undefined, alpha, beta);
    const agreed = { ...alpha, mtime };
    if (alpha.mtime !== mtime) this.#put("alpha", frame, name, alpha, agreed);
    if (beta.mtime !== mtime) this.#put("beta", frame, name, beta, agreed);
    return isKnown && ancestor.mtime === mtime ? ancestor : agreed;
  }

  /** Only the other side of `side` has something, which is `there`. */
  #missing(
    frame: Frame,
    name: Name,
    side: TwoWaySide,
    before: Entry | undefined,
    there: TrackedEntry,
  ): Entry | undefined {
    const path = join(frame.path, name);
    const other = otherSide(side);
    if (before === undefined) {
      const made = withoutUntracked(there);
      this.#put(side, frame, name, undefined, made);
      return made;
    }
    // It was deleted at `side`. What nobody edited since goes at the other, too.
    if (this.#mayGo(before, there)) {
      this.#put(other, frame, name, there, undefined);
      this[other].absences.push(path);
      return undefined;
    }
    if (before.kind !== "directory" || there.kind !== "directory") {
      // An edit beats a deletion.
      const kept = withoutUntracked(there);
      this.#put(side, frame, name, undefined, kept);
      return kept;
    }
    const { kept, agreed } = this.#prune(other, path, before, there);
    if (kept !== undefined) this.#put(side, frame, name, undefined, kept);
    return agreed;
  }

  /**
   * The directory at `path` of `side` was deleted at the other side: `kept` is what
   * of it was edited since, with the directories on the way; the rest goes, but
   * for what is left alone and the directories that hold it. These stay `agreed`,
   * so that they do not come back at the side that deleted them.
   */
  #prune(
    side: TwoWaySide,
    path: RelPath,
    before: DirectoryEntry,
    there: DirectoryEntry,
  ): {
    readonly kept: DirectoryEntry | undefined;
    readonly agreed: DirectoryEntry;
  } {
    const kept = new Map<Name, Entry>();
    const agreed = new Map<Name, Entry>();
    let isMoved = false;
    let holdsOthers = false;
    for (const [name, child] of there.children) {
      const was = before.children.get(name);
      const at = join(path, name);
      if (!isTracked(child)) {
        holdsOthers = true;
        const known = leftAlone(was, child, undefined);
        if (known !== undefined) agreed.set(name, known);
      } else if (was !== undefined && this.#mayGo(was, child)) {
        this[side].changes.push({ path: at, old: child, new: undefined });
        this[side].absences.push(at);
        isMoved = true;
      } else if (was?.kind === "directory" && child.kind === "directory") {
        const below = this.#prune(side, at, was, child);
        if (below.kept !== undefined) kept.set(name, below.kept);
        agreed.set(name, below.agreed);
      } else {
        const edited = withoutUntracked(child);
        kept.set(name, edited);
        agreed.set(name, edited);
      }
    }
    if (isMoved) {
      const own = shallow(there);
      this[side].changes.push({ path, old: own, new: own });
    }
    if (kept.size === 0 && holdsOthers) {
      this[side].problems.push({
        path,
        code: "blocked",
        message: `Cannot delete ${
          displayPath(path)
        }: it holds entries that are left alone`,
      });
    }
    const own = { ...there, digest: undefined };
    return {
      kept: kept.size === 0 ? undefined : { ...own, children: kept },
      agreed: {
        ...(kept.size === 0 ? before : own),
        children: agreed,
        digest: undefined,
      },
    };
  }

  /** `side` has not touched what it has: it gets what the other has. */
  #replace(
    frame: Frame,
    name: Name,
    side: TwoWaySide,
    before: Entry,
    here: TrackedEntry,
    there: TrackedEntry,
  ): Entry | undefined {
    if (!isWhollyTracked(here)) {
      const path = join(frame.path, name);
      this[side].problems.push({
        path,
        code: "blocked",
        message: `Cannot replace ${
          displayPath(path)
        }: it holds entries that are left alone`,
      });
      return before;
    }
    if (here.kind !== "file" || there.kind !== "file") {
      const made = withoutUntracked(there);
      this.#put(side, frame, name, here, made);
      return made;
    }
    // Content from one side, a mode from the other: both get both.
    const ancestor = before.kind === "file" ? before : undefined;
    const mode = this.#modeOf(ancestor, here, there) ?? there.mode;
    const isOwnMode = ancestor !== undefined && there.mode === ancestor.mode;
    const agreed = { ...there, mode: isOwnMode ? mode : there.mode };
    this.#put(side, frame, name, here, agreed);
    if (this.#mode.modes) {
      const { mode, mtime } = agreed;
      this.#touchFile(otherSide(side), frame, name, there, mode, mtime);
    }
    return plainFile(agreed, agreed.mode, agreed.mtime);
  }

  #conflict(
    frame: Frame,
    name: Name,
    before: Entry | undefined,
    alpha: TrackedEntry,
    beta: TrackedEntry,
  ): Entry | undefined {
    const path = join(frame.path, name);
    const old = before !== undefined && isTracked(before) ? before : undefined;
    const about = {
      path,
      alpha: { path, old, new: alpha },
      beta: { path, old, new: beta },
    };
    const { policy } = this.#mode;
    if (policy === "manual") {
      this.conflicts.push({ ...about, winner: undefined, copies: [] });
      return before;
    }
    const winner = winnerOf(policy, alpha, beta);
    const losers: TwoWaySide[] = winner === "none"
      ? ["alpha", "beta"]
      : [otherSide(winner)];
    const versions = { alpha, beta };
    const { labels } = this.#mode;
    const places = losers.map((side) =>
      placeOfCopy(name, labels[side], versions[side], frame)
    );
    const copies: RelPath[] = [];
    for (const place of places) {
      if (place !== undefined) copies.push(join(frame.path, place.name));
    }
    const isBlocked = losers.some((side) => !isWhollyTracked(versions[side]));
    if (isBlocked || copies.length < losers.length) {
      const reason = isBlocked
        ? "a directory there holds entries that are left alone"
        : "there is no free name for a copy";
      const left = { ...about, winner: undefined, copies: [], reason };
      this.conflicts.push(left);
      return before;
    }
    // Where a copy is missing yet, this round makes it, and the next one goes on.
    let isSafe = true;
    for (const [i, place] of places.entries()) {
      if (place!.isThere) continue;
      isSafe = false;
      const side = losers[i]!;
      const other = otherSide(side);
      frame.taken = new Set(frame.taken).add(place!.name);
      this[other].origins.set(copies[i]!, path);
      this.#put(other, frame, place!.name, undefined, versions[side]);
    }
    (isSafe ? this.conflicts : this.pending).push({ ...about, winner, copies });
    if (!isSafe) return before;
    if (winner === "none") {
      this.#put("alpha", frame, name, alpha, undefined);
      this.#put("beta", frame, name, beta, undefined);
      return undefined;
    }
    const agreed = withoutUntracked(versions[winner]);
    const loser = otherSide(winner);
    this.#put(loser, frame, name, versions[loser], agreed);
    return agreed;
  }

  /** Whether what both sides had as `before` may go: `there` is that still. */
  #mayGo(before: Entry, there: Entry): boolean {
    return isUnedited(before, there, { modes: this.#mode.modes, strict: true });
  }

  #put(
    side: TwoWaySide,
    frame: Frame,
    name: Name,
    old: TrackedEntry | undefined,
    wanted: TrackedEntry | undefined,
  ): void {
    const path = join(frame.path, name);
    this[side].changes.push({ path, old, new: wanted });
    frame.moved[side] = true;
  }

  /** @param mode Undefined: each side keeps its own. */
  #touchFile(
    side: TwoWaySide,
    frame: Frame,
    name: Name,
    file: FileEntry,
    mode: number | undefined,
    mtime: number,
  ): void {
    if (file.mtime === mtime && file.mode === (mode ?? file.mode)) return;
    const wanted = plainFile(file, mode ?? file.mode, mtime);
    const path = join(frame.path, name);
    this[side].changes.push({ path, old: file, new: wanted });
  }

  #touchDirectory(
    side: TwoWaySide,
    path: RelPath,
    directory: DirectoryEntry,
    mode: number | undefined,
    mtime: number,
    isMoved: boolean,
  ): void {
    const own = shallow(directory);
    const wanted = { ...own, mode: mode ?? own.mode, mtime };
    if (!isMoved && own.mtime === mtime && own.mode === wanted.mode) return;
    this[side].changes.push({ path, old: own, new: wanted });
  }

  /** The mode that both sides shall have; undefined: each its own. */
  #modeOf(
    before: FileEntry | DirectoryEntry | undefined,
    alpha: FileEntry | DirectoryEntry,
    beta: FileEntry | DirectoryEntry,
  ): number | undefined {
    if (!this.#mode.modes) return undefined;
    if (alpha.mode === beta.mode) return alpha.mode;
    if (before?.mode === alpha.mode) return beta.mode;
    if (before?.mode === beta.mode) return alpha.mode;
    if (alpha.mtime !== beta.mtime) {
      return alpha.mtime > beta.mtime ? alpha.mode : beta.mode;
    }
    return Math.min(alpha.mode, beta.mode);
  }
}

/** The one that was changed since the ancestor, or else the later one. */
function timeOf(
  before: { readonly mtime: number } | undefined,
  alpha: { readonly mtime: number },
  beta: { readonly mtime: number },
): number {
  if (before?.mtime === alpha.mtime) return beta.mtime;
  if (before?.mtime === beta.mtime) return alpha.mtime;
  return Math.max(alpha.mtime, beta.mtime);
}

/**
 * What stays known of an entry that takes no part on one side. What is ignored
 * there and missing at the other has left the sync: if it comes back one day, that
 * is no reason to delete it.
 */
function leftAlone(
  before: Entry | undefined,
  here: Entry,
  there: Entry | undefined,
): Entry | undefined {
  const isIgnored = here.kind === "untracked" && here.reason === "ignored";
  return isIgnored && there === undefined ? undefined : before;
}

/** A file as both sides know it. */
function plainFile(file: FileEntry, mode: number, mtime: number): FileEntry {
  return { ...file, mode, mtime, ctime: undefined, inode: undefined };
}

/** All names in three directories, in name order. */
function namesIn(
  alpha: DirectoryEntry,
  beta: DirectoryEntry,
  known: ReadonlyMap<Name, Entry>,
): Iterable<Name> {
  const names = new Set(alpha.children.keys());
  const count = names.size;
  for (const name of beta.children.keys()) names.add(name);
  for (const name of known.keys()) names.add(name);
  return names.size === count ? names : [...names].sort();
}
