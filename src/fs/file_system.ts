/**
 * The file system as Lockstep needs it: few calls, each of which does a whole
 * piece of work. Everything goes through an open {@link Directory} and takes one
 * name, never a path: no call can be led outside by a link or by "..".
 *
 * Whoever brings a file system of their own implements {@link FileSystem},
 * {@link Directory} and what these open, and runs the tests of `contract.ts` on it.
 *
 * All errors are {@link FileSystemError}s, with the code that the call names; their
 * message is one line, `Cannot <do what> "<path>": <why>`, without a full stop.
 * What fails has changed nothing, but for `write` and `truncate`. Whatever changes
 * the entries of a directory moves its mtime, to the present; setting the metadata
 * of an entry does not. What is closed is not called any more.
 *
 * Times are whole milliseconds since 1970, may be negative, and are kept to the
 * millisecond. Modes are permission bits, 0 to 0o777; other bits are dropped when
 * read and never set. An implementation whose file system keeps no modes
 * (`traits.modes`) reports 0o644 or 0o755 and ignores what is set.
 */
import type { Owner } from "../core/entry.ts";
import type { Name, RelPath } from "../core/path.ts";

/** What kind of thing an entry is; `special` is a fifo, socket or device. */
export type NodeKind = "directory" | "file" | "symlink" | "special";

/** What a file system tells of one entry. A link is never followed. */
export interface Stat {
  /** What the entry itself is; a link is "symlink", whatever it leads to. */
  readonly kind: NodeKind;
  /** In bytes; 0 for what is not a file. */
  readonly size: number;
  /** Last change of content, in milliseconds; of a directory: of its entries. */
  readonly mtime: number;
  /**
   * Last change of content or metadata, in milliseconds; 0 where not kept. Many
   * file systems, and Deno for all of them, keep it to the second only.
   */
  readonly ctime: number;
  /** Permission bits; of a link without meaning. */
  readonly mode: number;
  /**
   * Together, these tell an entry from all others that there are. It keeps them
   * when it is moved or written to, and all its names have the same. Where there
   * are none, both are 0.
   */
  readonly inode: number;
  /**
   * A whole number, 0 to 2^31 - 1, that tells it from others which have had its
   * inode number before or after it; undefined where nothing of that kind is kept.
   */
  readonly generation?: number | undefined;
  /** See {@link inode}. */
  readonly device: number;
  /** How many names a file has; 1 where that is not kept. */
  readonly links: number;
  /** Numbers of owner and group; 0 where not kept. */
  readonly uid: number;
  /** See {@link uid}. */
  readonly gid: number;
}

/** One entry of a listing. */
export interface ListedEntry {
  /** Never "." or "..": these are not listed. */
  readonly name: Name;
  /** As {@link Directory.lookup} would tell it. */
  readonly stat: Stat;
  /** Where a symlink points; undefined for everything else. */
  readonly target: string | undefined;
}

/** What a directory holds. */
export interface Listing {
  /** In no particular order; names are unique, and what `failed` names is not here. */
  readonly entries: readonly ListedEntry[];
  /** Entries that exist but can't be named or looked at, each with the reason. */
  readonly failed: readonly {
    readonly name: string;
    readonly reason: "invalid-name" | "unreadable";
    readonly message: string;
  }[];
}

/** What can be set on an entry. */
export interface Metadata {
  /** Permission bits. */
  readonly mode: number;
  /** In milliseconds. */
  readonly mtime: number;
  /** Only who may give entries away can set it; without, nothing changes. */
  readonly owner?: Owner;
}

/** What a file system can hold. */
export interface FileSystemTraits {
  /** Whether permission bits are kept. */
  readonly modes: boolean;
  /** Whether symbolic links can be made. */
  readonly symlinks: boolean;
  /** Whether owners can be set. */
  readonly owners: boolean;
  /**
   * What {@link Directory.watch} sees; undefined is "none". It says nothing of a
   * file system at the other end.
   */
  readonly watches?: WatchReach;
}

/**
 * How far a watch on a directory sees: all below it, also in directories that
 * come later; only its own entries; or nothing at all.
 */
export type WatchReach = "recursive" | "children" | "none";

/** What a watch tells. */
export type WatchEvent =
  /**
   * Something may have changed at `path`, below the watched directory, or, if that
   * is one, in it; {@link ROOT} is the watched directory itself. A hint: whether
   * anything did, and what, is for the listener to look up. It may come late,
   * twice, or in another order than the changes. Of what is in a directory that
   * is new (made, or moved here) there need not be any event.
   */
  | {
    readonly kind: "changed";
    readonly path: RelPath;
    /** Whether a directory at `path` is the same as before, but for its mode and times. */
    readonly isOwn?: boolean;
  }
  /** Events were lost: anything may have changed. */
  | { readonly kind: "unknown" }
  /** The watch sees nothing any more; the last event. */
  | {
    readonly kind: "ended";
    readonly reason: WatchEnd;
    /** What went wrong. */
    readonly message: string;
    /** What a person can do about it, if anything: a command. */
    readonly remedy?: string;
  };

/**
 * Why a watch has ended: the system allows no more of them; the directory is
 * gone; there is no such thing here; or it failed otherwise.
 */
export type WatchEnd = "limit" | "gone" | "unsupported" | "failed";

/** Hears the events of a watch; must not throw. Cheap: it may be called often. */
export type WatchListener = (event: WatchEvent) => void;

/** An active watch; its owner closes it, and may do so twice. */
export interface Watch {
  /**
   * Resolves when directories whose coming was told of are watched as well, with
   * all below them: what happened in them before may have gone untold, what
   * happens from now on will not.
   */
  settled(): Promise<void>;
  /** Releases it; the listener is not called any more. */
  close(): void;
}

/** A file system; the library's users may bring their own. */
export interface FileSystem {
  /** What it can hold; it never changes. */
  readonly traits: FileSystemTraits;
  /**
   * Opens the directory that is the root of a tree, following links in `path`
   * once; afterwards the root is that directory, whatever `path` leads to.
   * With `create`, makes it and its parents where missing. What a relative path
   * is relative to is for the file system to say.
   * @throws {FileSystemError} `not-found`, `not-a-directory`, `denied` …
   */
  openRoot(
    path: string,
    options?: { readonly create?: boolean },
  ): Promise<Directory>;
}

/**
 * An open directory. It stays the same directory when somebody renames it or
 * puts a link in its place. The owner closes it; closing twice is allowed.
 * Calls on one directory may overlap.
 */
export interface Directory {
  /** The path to show to people; never used to reach anything. */
  readonly path: string;

  /** Stat of the directory itself. */
  stat(): Promise<Stat>;

  /** Stat of the entry `name`, or undefined if there is none. */
  lookup(name: Name): Promise<Stat | undefined>;

  /**
   * Lists the directory with the stat of each entry and the target of each link.
   * What vanishes meanwhile is left out. The fast way of listing may overlook
   * entries after a read error; with `thorough` such an error is thrown, so that
   * "not listed" means "not there".
   * Long listings let other work go on at least every 10 ms.
   */
  list(options?: { readonly thorough?: boolean }): Promise<Listing>;

  /** Opens the directory `name`. @throws `not-a-directory` for a link or a file. */
  openDirectory(name: Name): Promise<Directory>;

  /**
   * Follows the link `name` to where it leads in the end. For a directory that
   * is the directory itself, for anything else the directory that holds it and
   * the name there. The caller closes `directory`.
   * @throws `not-found` for a dangling link, `io` for a loop of links.
   */
  follow(
    name: Name,
  ): Promise<{
    readonly directory: Directory;
    readonly name: Name | undefined;
  }>;

  /**
   * Where the symbolic link `name` points, as written.
   * @throws `not-found`, `unsupported` for what is no link
   */
  readLink(name: Name): Promise<string>;

  /**
   * Reads the file `name` from the start into `into`, as much as fits. The stat
   * is taken *after* reading: if it equals the one of a scan (size, mtime, ctime
   * and inode), the bytes are those that the scan saw. Never blocks on a fifo.
   */
  readFile(
    name: Name,
    into: Uint8Array,
  ): Promise<{ readonly length: number; readonly stat: Stat }>;

  /** Opens the file `name` for reading. @throws `unsupported` if it is no regular file. */
  openFile(name: Name): Promise<ReadableFile>;

  /**
   * Makes the file `name` with this content, mode (whatever the umask says) and
   * mtime in one call. The bytes may be used again once it has resolved. Where it
   * fails, nothing stays of the file.
   * @throws `exists` if there is an entry of that name, whatever it is.
   */
  createFile(
    name: Name,
    content: Uint8Array,
    metadata: Metadata,
  ): Promise<void>;

  /**
   * Opens the file `name` for writing in place, or makes it (mode 0o600); what it holds already stays. @throws `unsupported` if it is no regular file.
   */
  openWritable(name: Name): Promise<WritableFile>;

  /** Makes a directory (mode 0o700 until set otherwise). @throws `exists` */
  createDirectory(name: Name): Promise<void>;

  /** Makes a symbolic link. @throws `exists`, `unsupported` */
  createSymlink(
    name: Name,
    target: string,
    mtime: number,
    owner?: Owner,
  ): Promise<void>;

  /**
   * Sets mode and mtime of the file or directory `name` without following a link.
   * @throws `not-found`, `unsupported` for a link or a special file.
   */
  setMetadata(name: Name, metadata: Metadata): Promise<void>;

  /** Sets mode and mtime of this directory itself. */
  setOwnMetadata(metadata: Metadata): Promise<void>;

  /**
   * Moves the entry `name` into the directory `to` (of the same file system) as
   * `newName`. A file or link that is there is replaced in one step; a directory
   * replaces only an empty directory. An entry that is moved onto itself stays; one
   * of two names of a file, moved onto the other, goes.
   * @throws `not-found`, `unsupported` for a directory that is moved into itself, `not-empty`, `is-a-directory`, `not-a-directory`, `cross-device` for a
   *   directory of another file system, or what is no directory of this adapter
   */
  rename(name: Name, to: Directory, newName: Name): Promise<void>;

  /**
   * Moves the file or link `name` into `to` as `newName`, but never over anything.
   * @throws `exists` if there is an entry of that name, whatever it is; else as
   *   {@link rename}, and `is-a-directory` if `name` is one.
   */
  moveNew(name: Name, to: Directory, newName: Name): Promise<void>;

  /**
   * Gives the file or link `name` a second name, `newName` in `to`.
   * @throws `exists` if there is an entry of that name, whatever it is;
   *   `is-a-directory`; `cross-device`; `unsupported` where entries can't have two
   *   names: then the path of what is replaced is empty for a moment.
   */
  link(name: Name, to: Directory, newName: Name): Promise<void>;

  /** Removes what is not a directory. @throws `not-found`, `is-a-directory` */
  removeFile(name: Name): Promise<void>;

  /** Removes an empty directory. @throws `not-found`, `not-empty`, `not-a-directory` */
  removeDirectory(name: Name): Promise<void>;

  /**
   * Makes (where missing) and locks the file `name` for this process, without waiting.
   * @throws `locked` if another process, or another lock of this one, holds it.
   */
  lock(name: Name): Promise<Lock>;

  /**
   * Tells `listener` what may have changed here, as far as `traits.watches` says:
   * from when this has resolved, no change goes untold without an "unknown" or
   * "ended" event, as far as the system itself knows (see the adapter for what it
   * loses in silence). What can't be watched, now or later, is an "ended" event,
   * not an error; it may come before this has resolved.
   * The watch stays with this directory when somebody renames it; that, too, may
   * go unheard. It need not be closed before the directory is.
   */
  watch(listener: WatchListener): Promise<Watch>;

  /**
   * Waits until the content of the file `name`, or without a name the entries of
   * this directory, would survive a loss of power.
   */
  flush(name?: Name): Promise<void>;

  /**
   * The same for all that was written to the file system of this directory, at
   * one go; answers false where the system can't do that.
   */
  flushFileSystem(): Promise<boolean>;

  /** Gives the handle up; what was opened from it stays open. */
  close(): void;
}

/** An open file to read from. It stays that file when its name goes. */
export interface ReadableFile {
  /** Stat of the open file. */
  stat(): Promise<Stat>;
  /** Reads from `offset`: how many bytes; 0 only at the end of the file. */
  read(into: Uint8Array, offset: number): Promise<number>;
  /** Gives the handle up; may be called twice. */
  close(): void;
}

/** An open file to write to. */
export interface WritableFile extends ReadableFile {
  /** Writes all of `bytes` at `offset`; a gap before it reads as zeros and takes no room. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Cuts the file off, or lengthens it with a gap. */
  truncate(size: number): Promise<void>;
  /** Sets mode and mtime; the last thing done to a file. */
  setMetadata(metadata: Metadata): Promise<void>;
}

/** A held lock. */
export interface Lock {
  /** Gives it up; the file stays. May be called twice. */
  release(): void;
}
