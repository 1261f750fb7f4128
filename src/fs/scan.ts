/** A file system's tree as a snapshot. */
import { digestOfChildren } from "../core/digest.ts";
import {
  type Digest,
  type DirectoryEntry,
  type Entry,
  IGNORED,
  type Owner,
  sortChildren,
  type UntrackedReason,
} from "../core/entry.ts";
import { toByteText } from "../core/byte_text.ts";
import type { OwnMetadata } from "../core/edit_tree.ts";
import { IgnoreScope } from "../core/ignore.ts";
import type { IgnoreTree } from "../core/ignore_tree.ts";
import { compileRule } from "../core/ignore_rule.ts";
import {
  compareNames,
  displayPath,
  join,
  type Name,
  type RelPath,
  RESERVED_NAME,
  ROOT,
} from "../core/path.ts";
import { ChildrenPacker } from "../core/packed_children.ts";
import type { Problem, ProblemCode } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import { isFileSystemError, messageOf } from "../errors.ts";
import { digestOfFile } from "./content.ts";
import type { Directory, ListedEntry, Stat } from "./file_system.ts";
import { IgnoreReader, type IgnoreRecords } from "./ignore_reader.ts";
import type { KnownDigests } from "./known_digests.ts";
import { Pacer } from "./pacer.ts";

/** Whose tree it is, who wants the scan stopped, and who wants to hear of it. */
export interface ScanControl {
  /** Whether the rules of another tree, the source, decide what is ignored. */
  readonly isTarget?: boolean;
  /** What is known of files that were read before. */
  readonly digests?: KnownDigests;
  readonly signal?: AbortSignal;
  /** Called after each directory with the number of entries seen so far. */
  readonly onProgress?: (entries: number) => void;
}

const REASONS: Readonly<Record<UntrackedReason, string>> = {
  "special-file": "it is a fifo, a socket or a device",
  "invalid-name": "its name is not valid UTF-8",
  "mount-point": "another file system is mounted there",
  "symlink-skipped": "symbolic links are skipped",
  "ignored": "a rule says so",
};

/**
 * Scans the tree below the open directory `root`. What can't be read becomes a
 * problem entry and is named in the snapshot's problems; so is what takes no
 * part, except skipped links and what is ignored. A directory whose ignore file
 * can't be used is a problem as a whole, except at a target.
 * @throws {FileSystemError} If `root` itself can't be read.
 * @throws {SyncError} `unsupported`, if a rule in the options is too long.
 */
export async function scan(
  root: Directory,
  options: ScanOptions,
  control: ScanControl = {},
): Promise<ScannedSnapshot> {
  const stat = await root.stat();
  if (options.checksum) control.digests?.begin();
  const packer = new ChildrenPacker();
  const scanner = new Scanner(options, control, { packer });
  const scope = scanner.ignore.given;
  const entry = await scanner.scanDirectory(root, ROOT, stat, scope);
  if (options.checksum) control.digests?.finish(entry);
  return {
    root: entry,
    totals: scanner.totals,
    problems: scanner.problems,
    ignoreDigest: scanner.ignore.digest(),
    ignoreTree: scanner.ignore.tree(),
    ignoreRecords: scanner.ignore.records(),
    linked: scanner.linked,
  };
}

/** A {@link Snapshot} from which `rescan` can go on. */
export interface ScannedSnapshot extends Snapshot {
  readonly ignoreDigest: Digest;
  readonly ignoreTree: IgnoreTree;
  readonly ignoreRecords: IgnoreRecords;
  /**
   * Inode numbers of files that had several names when they were looked at last. A
   * rescan goes on with the same set.
   */
  readonly linked: Set<number>;
}

/** What a {@link Scanner} is given besides. */
export interface ScannerOptions {
  /** Of an earlier scan of the same tree. */
  readonly before?: Pick<ScannedSnapshot, "ignoreRecords" | "linked">;
  /** Packs what few will ask for; without, nothing is packed. */
  readonly packer?: ChildrenPacker;
}

/** Looks at entries, and counts what it sees. */
export class Scanner {
  readonly totals = { directories: 0, files: 0, symlinks: 0, bytes: 0 };
  readonly problems: Problem[] = [];
  readonly ignore: IgnoreReader;
  /** Inode numbers of files that have several names. */
  readonly linked: Set<number>;
  readonly #options: ScanOptions;
  readonly #control: ScanControl;
  readonly #packer: ChildrenPacker | undefined;
  readonly #pacer = new Pacer();
  readonly #breathe = (): Promise<void> | undefined => this.#pacer.turn();
  /** Directories that hold the one being scanned, which links may lead back to. */
  readonly #open: Stat[] = [];
  /** Few owners have many entries: each pair of numbers is kept once. */
  readonly #owners = new Map<number, { readonly owner: Owner }>();
  #entries = 0;

  constructor(
    options: ScanOptions,
    control: ScanControl,
    { before, packer }: ScannerOptions,
  ) {
    this.#options = options;
    this.#control = control;
    this.#packer = packer;
    this.linked = before?.linked ?? new Set();
    const { rules, files } = options.ignore;
    const given = rules.map((rule) =>
      compileRule(toByteText(rule), { file: "--exclude", line: undefined })
    );
    this.ignore = new IgnoreReader(
      IgnoreScope.given(given),
      files,
      control.isTarget === true,
      before?.ignoreRecords,
    );
  }

  /** What there is to say of `listed` in `parent`; undefined if it is gone. */
  async look(
    parent: Directory,
    path: RelPath,
    listed: ListedEntry,
    device: number,
    scope: IgnoreScope,
  ): Promise<Entry | undefined> {
    return this.#isIgnored(listed, scope)
      ? IGNORED
      : this.#unread(listed.stat, path) ??
        await this.#entry(parent, path, listed, device, scope);
  }

  /** What of a directory is its own. */
  ownOf(stat: Stat): OwnMetadata {
    return { mode: stat.mode, mtime: stat.mtime, ...this.#owner(stat) };
  }

  /** @param inherited The ignore rules that hold here without those of the directory. */
  async scanDirectory(
    directory: Directory,
    path: RelPath,
    stat: Stat,
    inherited: IgnoreScope,
  ): Promise<DirectoryEntry> {
    const { entries, failed } = await directory.list();
    const sorted = [...entries].sort((a, b) => compareNames(a.name, b.name));
    const scope = await this.ignore.enter(directory, path, sorted, inherited);
    const children = new Map<Name, Entry>();
    this.#open.push(stat);
    for (const listed of sorted) {
      const { name } = listed;
      if (path === ROOT && name === RESERVED_NAME) continue;
      // Most entries are files that need not be read: nothing to wait for.
      const entry = this.#isIgnored(listed, scope)
        ? IGNORED
        : this.#unread(listed.stat, path, name) ?? await this.#entry(
          directory,
          join(path, name),
          listed,
          stat.device,
          scope,
        );
      if (entry !== undefined) children.set(name, entry);
    }
    this.#open.pop();
    for (const { name, reason, message } of failed) {
      // Under its lossy name: it marks the directory as holding something else.
      if (children.has(name as Name)) continue;
      const at = join(path, name as Name);
      children.set(
        name as Name,
        reason === "invalid-name"
          ? this.#untracked(at, reason)
          : this.#problem(at, message),
      );
    }
    const ordered = failed.length === 0 ? children : sortChildren(children);
    this.#entries += ordered.size;
    this.#control.onProgress?.(this.#entries);
    this.#control.signal?.throwIfAborted();
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
    return {
      kind: "directory",
      mode: stat.mode,
      mtime: stat.mtime,
      children: this.#packer?.pack(ordered) ?? ordered,
      digest: digestOfChildren(ordered, this.#options.modes),
      inode: stat.inode,
      generation: stat.generation,
      ...this.#owner(stat),
    };
  }

  /** The entry for `listed`, or undefined if it vanished meanwhile. */
  async #entry(
    parent: Directory,
    path: RelPath,
    listed: ListedEntry,
    device: number,
    scope: IgnoreScope,
  ): Promise<Entry | undefined> {
    const { name, stat } = listed;
    try {
      switch (stat.kind) {
        case "directory":
          if (stat.device !== device) {
            return this.#untracked(path, "mount-point");
          }
          return await this.#directory(
            await parent.openDirectory(name),
            path,
            scope.enter(name),
          );
        case "file":
          // Not so for files: some file systems give theirs another number.
          return await this.#readFile(parent, path, name);
        case "symlink":
          return await this.#symlink(parent, path, listed, scope);
        case "special":
          return this.#untracked(path, "special-file");
        default:
          return stat.kind satisfies never;
      }
    } catch (error) {
      if (isFileSystemError(error, "not-found")) return undefined;
      if (!isFileSystemError(error)) throw error;
      return this.#problem(path, messageOf(error));
    }
  }

  /** A link that is followed is decided about when it is known where it leads. */
  #isIgnored({ name, stat }: ListedEntry, scope: IgnoreScope): boolean {
    if (stat.kind === "symlink" && this.#options.symlinks === "follow") {
      return false;
    }
    return scope.ignores(name, stat.kind === "directory");
  }

  /** Scans the directory `opened`, and closes it. */
  async #directory(
    opened: Directory,
    path: RelPath,
    inherited: IgnoreScope,
  ): Promise<Entry> {
    try {
      // Not the listed one: what was opened is what counts.
      const stat = await opened.stat();
      const entry = await this.scanDirectory(opened, path, stat, inherited);
      this.totals.directories++;
      return entry;
    } finally {
      opened.close();
    }
  }

  async #readFile(
    parent: Directory,
    path: RelPath,
    name: Name,
  ): Promise<Entry> {
    const { digests } = this.#control;
    const file = await parent.openFile(name);
    try {
      // Read again when somebody writes meanwhile; then the next round decides.
      for (let attempt = 1;; attempt++) {
        const readAt = digests?.now() ?? 0;
        const before = await file.stat();
        const read = await digestOfFile(file, before.size, this.#breathe);
        const after = await file.stat();
        if (
          read.length === after.size && before.mtime === after.mtime &&
          before.ctime === after.ctime
        ) {
          digests?.set(after, read.digest, { path, readAt });
          return this.#file(after, read.digest);
        }
        if (attempt === 3) {
          return this.#problem(
            path,
            `Cannot read ${displayPath(path)}: it is being written to`,
          );
        }
      }
    } finally {
      file.close();
    }
  }

  /**
   * A file whose content does not matter, or is known; undefined for all else.
   * @param path Its own, or with a `name` that of its directory.
   */
  #unread(stat: Stat, path: RelPath, name?: Name): Entry | undefined {
    if (stat.kind !== "file") return undefined;
    if (!this.#options.checksum) return this.#file(stat, undefined);
    const { digests } = this.#control;
    if (digests === undefined) return undefined;
    const at = name === undefined ? path : join(path, name);
    const known = digests.get(stat, at);
    return known === undefined ? undefined : this.#file(stat, known);
  }

  async #symlink(
    parent: Directory,
    path: RelPath,
    { name, stat, target }: ListedEntry,
    scope: IgnoreScope,
  ): Promise<Entry> {
    switch (this.#options.symlinks) {
      case "copy":
        this.totals.symlinks++;
        return {
          kind: "symlink",
          target: target!,
          mtime: stat.mtime,
          ...this.#owner(stat),
        };
      case "skip":
        return { kind: "untracked", reason: "symlink-skipped" };
      case "follow":
        return await this.#follow(parent, path, name, scope);
      default:
        return this.#options.symlinks satisfies never;
    }
  }

  /** What the link `name` leads to, as if it stood in the link's place. */
  async #follow(
    parent: Directory,
    path: RelPath,
    name: Name,
    scope: IgnoreScope,
  ): Promise<Entry> {
    let followed: Awaited<ReturnType<Directory["follow"]>>;
    try {
      followed = await parent.follow(name);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      if (scope.ignores(name, false)) return IGNORED;
      return this.#problem(path, messageOf(error));
    }
    const { directory, name: found } = followed;
    try {
      if (scope.ignores(name, found === undefined)) return IGNORED;
      if (found === undefined) {
        const stat = await directory.stat();
        const loop = this.#open.some((open) =>
          open.inode === stat.inode && open.device === stat.device
        );
        if (loop) {
          return this.#problem(
            path,
            `Cannot follow ${
              displayPath(path)
            }: it leads back to a directory that holds it`,
          );
        }
        const inherited = scope.enter(name);
        const entry = await this.scanDirectory(
          directory,
          path,
          stat,
          inherited,
        );
        this.totals.directories++;
        return entry;
      }
      const stat = await directory.lookup(found);
      if (stat?.kind === "file") {
        return this.#unread(stat, path) ??
          await this.#readFile(directory, path, found);
      }
      return stat === undefined
        ? this.#problem(path, `Cannot follow ${displayPath(path)}: it is gone`)
        : this.#untracked(path, "special-file");
    } finally {
      directory.close();
    }
  }

  #file(stat: Stat, digest: Digest | undefined): Entry {
    this.totals.files++;
    this.totals.bytes += stat.size;
    // Of two names of which one has gone, this is the other: it is looked at now.
    if (stat.links < 2) this.linked.delete(stat.inode);
    else if (stat.inode > 0) this.linked.add(stat.inode);
    // There are many of these, and a spread makes each a larger one.
    const entry: Entry = {
      kind: "file",
      size: stat.size,
      mtime: stat.mtime,
      mode: stat.mode,
      digest,
      ctime: stat.ctime,
      inode: stat.inode,
      generation: stat.generation,
    };
    const owned = this.#owner(stat);
    return owned === undefined ? entry : { ...entry, ...owned };
  }

  /** The owner as part of an entry; nothing where owners do not count. */
  #owner({ uid, gid }: Stat): { readonly owner: Owner } | undefined {
    if (!this.#options.owners) return undefined;
    const key = uid * 2 ** 32 + gid;
    let known = this.#owners.get(key);
    if (known === undefined) {
      known = { owner: { uid, gid } };
      this.#owners.set(key, known);
    }
    return known;
  }

  #untracked(path: RelPath, reason: UntrackedReason): Entry {
    this.#report(
      path,
      "skipped",
      `Skipped ${displayPath(path)}: ${REASONS[reason]}`,
    );
    return { kind: "untracked", reason };
  }

  #problem(path: RelPath, message: string): Entry {
    this.#report(path, "unreadable", message);
    return { kind: "problem", message };
  }

  #report(path: RelPath, code: ProblemCode, message: string): void {
    this.problems.push({ path, code, message });
  }
}
