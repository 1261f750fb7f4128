/**
 * Fetches a foreign tree level by level, but only where it differs from one that
 * is known. Each directory was announced with its digest, and what the peer lists
 * must have that digest.
 */
import { digestOfChildren } from "../core/digest.ts";
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import type { Name } from "../core/path.ts";
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
  /** Its place among all directories in the answer that announced it. */
  readonly number: number;
  /** What the known tree has at its path. */
  readonly known: Entry | undefined;
  readonly digest: string | undefined;
  /** Filled with what it holds. */
  readonly children: Map<Name, Entry>;
}

/**
 * What is in the foreign directory `root`, of which only the digest is known yet.
 * A directory that has the digest of the one at its path below `known` shares the
 * children of that, as the same object.
 * @throws {ProtocolError} If what the peer lists is not what it announced.
 */
export async function fetchTree(
  root: Omit<DirectoryEntry, "children">,
  known: DirectoryEntry | undefined,
  options: { readonly modes: boolean; readonly ask: Ask },
): Promise<DirectoryEntry["children"]> {
  const shared = sharedWith(known, { ...root, children: new Map() });
  if (shared !== undefined) return shared.children;
  const children = new Map<Name, Entry>();
  let level: Announced[] = [
    { number: 0, known, digest: root.digest, children },
  ];
  const quota = new Quota("entries of a tree");
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_PATH_DEPTH) {
      throw new ProtocolError("The peer's tree is too deep");
    }
    const asked = level;
    level = await options.ask((exchange) => fetchLevel(exchange, asked));
  }
  return children;

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
    { children, known, digest }: Announced,
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
      const knownChild = known?.kind === "directory"
        ? known.children.get(name)
        : undefined;
      const shared = sharedWith(knownChild, entry);
      if (shared !== undefined) {
        children.set(name, shared);
      } else {
        const own = new Map<Name, Entry>();
        children.set(name, { ...entry, children: own });
        next.push({
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
