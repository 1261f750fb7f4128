/**
 * Fetches a foreign tree level by level, but only where it differs from one that
 * is known. Each directory was announced with its digest, and what the peer lists
 * must have that digest.
 */
import { digestOfChildren } from "../core/digest.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
  isWhollyTracked,
} from "../core/entry.ts";
import type { Origins } from "../core/origins.ts";
import { join, type Name, type RelPath, ROOT } from "../core/path.ts";
import { entryAt } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { FrameType } from "../protocol/frame.ts";
import { MAX_PATH_DEPTH } from "../protocol/limits.ts";
import { ListingReader } from "../protocol/listing_codec.ts";
import { writeNumbers } from "../protocol/message.ts";
import { Quota } from "../protocol/quota.ts";
import type { Exchange } from "./exchange.ts";

/** Runs one exchange from its opening to its end. */
export type Ask = <T>(work: (exchange: Exchange) => Promise<T>) => Promise<T>;

/** A directory that was announced and is to be listed. */
interface Announced {
  readonly path: RelPath;
  /** Its place among all directories in the answer that announced it. */
  readonly number: number;
  /** What the known tree has at its path. */
  readonly known: Entry | undefined;
  readonly digest: string | undefined;
  /** Filled with what it holds. */
  readonly children: Map<Name, Entry>;
}

/** What {@link fetchTree} is told. */
export interface FetchOptions {
  readonly modes: boolean;
  /** Paths in the foreign tree, by those in the one that is known. */
  readonly origins: Origins;
  readonly ask: Ask;
}

/** What {@link fetchTree} has. */
export interface FetchedTree {
  readonly children: DirectoryEntry["children"];
  /** Directories that were held against one at another path, see `Snapshot`. */
  readonly presumed: readonly RelPath[];
}

/**
 * What is in the foreign directory `root`, of which only the digest is known yet.
 * A directory that has the digest of the one at its path in the known `tree` shares the
 * children of that, as the same object; where none is at its path there, the one
 * that has come from it stands in.
 * @throws {ProtocolError} If what the peer lists is not what it announced.
 */
export async function fetchTree(
  root: Omit<DirectoryEntry, "children">,
  tree: DirectoryEntry | undefined,
  options: FetchOptions,
): Promise<FetchedTree> {
  const shared = sharedWith(tree, { ...root, children: new Map() });
  if (shared !== undefined) return { children: shared.children, presumed: [] };
  const presumed: RelPath[] = [];
  const goals = new Map<RelPath, RelPath>();
  for (const [to, from] of options.origins) goals.set(from, to);
  const children = new Map<Name, Entry>();
  let level: Announced[] = [
    { path: ROOT, number: 0, known: tree, digest: root.digest, children },
  ];
  const quota = new Quota("entries of a tree");
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_PATH_DEPTH) {
      throw new ProtocolError("The peer's tree is too deep");
    }
    const asked = level;
    level = await options.ask((exchange) => fetchLevel(exchange, asked));
  }
  return { children, presumed };

  /** Lists the directories `asked`: those in them that are to be listed next. */
  async function fetchLevel(
    exchange: Exchange,
    asked: readonly Announced[],
  ): Promise<Announced[]> {
    await exchange.sendPages(
      FrameType.list,
      (page) => writeNumbers(page, asked.map(({ number }) => number)),
    );
    const next: Announced[] = [];
    let ended = 0;
    let number = 0;
    const listings = new ListingReader({
      quota,
      isRoot: asked[0]?.children === children,
      childrenOf(place): Map<Name, Entry> {
        const directory = asked[place];
        if (directory !== undefined) return directory.children;
        throw new ProtocolError(
          "A directory was listed that was not asked for",
        );
      },
      onEnd: (place) => {
        ended = place + 1;
        number = announce(asked[place]!, number, next);
      },
    });
    for await (const { payload } of exchange.frames(FrameType.listing)) {
      listings.read(new ByteReader(payload));
    }
    if (ended < asked.length || listings.incomplete) {
      throw new ProtocolError("A listing ended too early");
    }
    return next;
  }

  /** Checks a listed directory, and decides about the directories in it. */
  function announce(
    { path, children, known, digest }: Announced,
    number: number,
    next: Announced[],
  ): number {
    if (digestOfChildren(children, options.modes) !== digest) {
      throw new ProtocolError(
        "A directory does not hold what its digest says it does",
      );
    }
    for (const [name, entry] of children) {
      if (entry.kind !== "directory") continue;
      const childPath = join(path, name);
      const knownChild =
        (known?.kind === "directory" ? known.children.get(name) : undefined) ??
          standIn(childPath);
      const shared = sharedWith(knownChild, entry);
      if (shared !== undefined) {
        children.set(name, shared);
      } else {
        const own = new Map<Name, Entry>();
        children.set(name, { ...entry, children: own });
        next.push({
          path: childPath,
          number,
          known: knownChild,
          digest: entry.digest,
          children: own,
        });
      }
      number++;
    }
    return number;
  }

  /** The directory of the known tree that has come from `path`, if there is one. */
  function standIn(path: RelPath): DirectoryEntry | undefined {
    const goal = goals.get(path);
    const entry = goal === undefined || tree === undefined
      ? undefined
      : entryAt(tree, goal);
    if (entry?.kind !== "directory") return undefined;
    presumed.push(path);
    return trackedIn(entry);
  }
}

/** `entry` with all that `known` has in it, if their digests say it is the same. */
function sharedWith(
  known: Entry | undefined,
  entry: DirectoryEntry,
): DirectoryEntry | undefined {
  if (known?.kind !== "directory" || known.digest === undefined) {
    return undefined;
  }
  if (known.digest !== entry.digest) return undefined;
  const isSame = known.mode === entry.mode && known.mtime === entry.mtime &&
    known.owner?.uid === entry.owner?.uid &&
    known.owner?.gid === entry.owner?.gid;
  return isSame ? known : { ...entry, children: known.children };
}

/** `directory` without what takes no part in it, which no digest speaks of. */
function trackedIn(directory: DirectoryEntry): DirectoryEntry {
  if (isWhollyTracked(directory)) return directory;
  const children = new Map<Name, Entry>();
  for (const [name, child] of directory.children) {
    if (child.kind === "directory") children.set(name, trackedIn(child));
    else if (isTracked(child)) children.set(name, child);
  }
  return { ...directory, children };
}
