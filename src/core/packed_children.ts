/**
 * What is in a directory, in a quarter of the memory. Of most directories of a scan
 * nobody ever asks for what they hold, because their digests say it all. Whoever
 * asks first has it unpacked; from then on it is an ordinary map of the same objects.
 */
import {
  type Digest,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  NO_CHILDREN,
  type Owner,
} from "./entry.ts";
import type { Name } from "./path.ts";

/** What is in a directory, in name order. */
type Children = DirectoryEntry["children"];

/**
 * Numbers for each child: size, mtime, ctime, inode, and one that is made of mode and
 * generation, see {@link GENERATION_UNIT}. For what is kept whole, as it is no file
 * or does not fit, the first is -1 - its place among these, and the others are 0.
 */
const NUMBERS = 5;

/** The last number is the mode, and so many times the generation + 1; 0 for none. */
const GENERATION_UNIT = 0o1000;

/** To unpack more of them would hold up all else for more than 10 ms. */
const MAX_PACKED = 10_000;

/** No name holds it. */
const SEPARATOR = "/";

/** Numbers in the first block of a packer; each is twice as long as the last one. */
const FIRST_BLOCK = 512;

/** A block is there until all in it is unpacked: so none is long. */
const LONGEST_BLOCK = 8192;

/** Packs the directories of one tree; they share memory. */
export class ChildrenPacker {
  #block = new Float64Array(0);
  #used = 0;

  /**
   * `children`, which nobody may change any more, as a map that takes less memory;
   * more than {@link MAX_PACKED} of them as they are.
   */
  pack(children: Children): Children {
    if (children.size === 0) return NO_CHILDREN;
    if (children.size > MAX_PACKED) return children;
    const begin = this.#take(NUMBERS * children.size);
    const block = this.#block;
    const names: Name[] = [];
    const whole: Entry[] = [];
    let digests: Sparse<Digest> | undefined;
    let owners: Sparse<Owner> | undefined;
    let at = begin;
    for (const [name, entry] of children) {
      if (isPackable(entry)) {
        const { mode, generation = -1, digest, owner } = entry;
        block[at] = entry.size;
        block[at + 1] = entry.mtime;
        block[at + 2] = entry.ctime;
        block[at + 3] = entry.inode;
        block[at + 4] = mode + GENERATION_UNIT * (generation + 1);
        if (digest !== undefined) (digests ??= [])[names.length] = digest;
        if (owner !== undefined) (owners ??= [])[names.length] = owner;
      } else {
        block[at] = -1 - whole.length;
        whole.push(entry);
      }
      names.push(name);
      at += NUMBERS;
    }
    return new PackedChildren({
      size: names.length,
      names: names.join(SEPARATOR),
      block,
      begin,
      whole,
      digests,
      owners,
    });
  }

  /** Where `count` numbers begin that are free, and 0. */
  #take(count: number): number {
    if (this.#used + count > this.#block.length) {
      const longer = Math.max(FIRST_BLOCK, 2 * this.#block.length);
      const length = Math.min(longer, LONGEST_BLOCK);
      this.#block = new Float64Array(Math.max(length, count));
      this.#used = 0;
    }
    const begin = this.#used;
    this.#used += count;
    return begin;
  }
}

/** What among `children` is no file, in name order; nothing is unpacked for it. */
export function* othersAmong(
  children: Children,
): Generator<[Name, Exclude<Entry, FileEntry>]> {
  for (const [name, entry] of wholeAmong(children)) {
    if (entry.kind !== "file") yield [name, entry];
  }
}

/**
 * The files among `children` that are wanted, in no order; nothing is unpacked for it,
 * and those that are packed are other objects each time.
 */
export function* filesAmong(
  children: Children,
  isWanted: (size: number, inode: number | undefined) => boolean,
): Generator<[Name, FileEntry]> {
  // Whoever gets a file may have the rest unpacked.
  const packed = packedIn(children);
  for (const [name, entry] of wholeAmong(children)) {
    if (entry.kind !== "file") continue;
    if (isWanted(entry.size, entry.inode)) yield [name, entry];
  }
  if (packed === undefined) return;
  let names: Name[] | undefined;
  for (let i = 0; i < packed.size; i++) {
    const at = packed.begin + NUMBERS * i;
    const size = packed.block[at]!;
    if (size < 0 || !isWanted(size, packed.block[at + 3])) continue;
    names ??= namesIn(packed);
    yield [names[i]!, fileIn(packed, i)];
  }
}

/** Whether all files among `children` have digests; nothing is unpacked for it. */
export function haveDigests(children: Children): boolean {
  for (const [, entry] of wholeAmong(children)) {
    if (entry.kind === "file" && entry.digest === undefined) return false;
  }
  const packed = packedIn(children);
  if (packed === undefined) return true;
  for (let i = 0; i < packed.size; i++) {
    const isFile = packed.block[packed.begin + NUMBERS * i]! >= 0;
    if (isFile && packed.digests?.[i] === undefined) return false;
  }
  return true;
}

/**
 * Where both are packed, and have the same names and equal files: `next`, with what
 * is no file as `merge` makes it of that and of the one in `previous`; `previous`, if
 * that changes nothing in it. Else undefined.
 */
export function mergePacked(
  previous: Children,
  next: Children,
  merge: (before: Entry, entry: Entry) => Entry,
): Children | undefined {
  const old = packedIn(previous);
  const now = packedIn(next);
  if (old === undefined || now === undefined || !hasEqualFiles(old, now)) {
    return undefined;
  }
  const whole = now.whole.map((entry, i) => merge(old.whole[i]!, entry));
  if (whole.every((entry, i) => entry === old.whole[i])) return previous;
  return new PackedChildren({ ...now, whole });
}

/** Of some children only, by their places. */
type Sparse<T> = (T | undefined)[];

/** As the packer has left it. */
interface Packed {
  /** How many children there are. */
  readonly size: number;
  /** Theirs, one after the other. */
  readonly names: string;
  /** Their numbers are there from `begin` on. */
  readonly block: Float64Array;
  readonly begin: number;
  readonly whole: readonly Entry[];
  /** Undefined where no file has one, and so with `owners`. */
  readonly digests: Readonly<Sparse<Digest>> | undefined;
  readonly owners: Readonly<Sparse<Owner>> | undefined;
}

class PackedChildren implements Children {
  readonly size: number;
  #packed: Packed | undefined;
  #map: Children | undefined;

  constructor(packed: Packed) {
    this.size = packed.size;
    this.#packed = packed;
  }

  /** Undefined once it is unpacked. */
  get packed(): Packed | undefined {
    return this.#packed;
  }

  get(name: Name): Entry | undefined {
    return this.#unpacked().get(name);
  }

  has(name: Name): boolean {
    return this.#unpacked().has(name);
  }

  keys(): MapIterator<Name> {
    return this.#unpacked().keys();
  }

  values(): MapIterator<Entry> {
    return this.#unpacked().values();
  }

  entries(): MapIterator<[Name, Entry]> {
    return this.#unpacked().entries();
  }

  [Symbol.iterator](): MapIterator<[Name, Entry]> {
    return this.#unpacked().entries();
  }

  forEach(
    act: (entry: Entry, name: Name, children: Children) => void,
    self?: unknown,
  ): void {
    for (const [name, entry] of this) act.call(self, entry, name, this);
  }

  #unpacked(): Children {
    if (this.#map === undefined) {
      this.#map = unpack(this.#packed!);
      this.#packed = undefined;
    }
    return this.#map;
  }
}

/** The children that are kept as they are: of what is not packed, all. */
function wholeAmong(children: Children): Iterable<[Name, Entry]> {
  const packed = packedIn(children);
  if (packed === undefined) return children;
  const { block, begin, whole } = packed;
  if (whole.length === 0) return [];
  const found: [Name, Entry][] = [];
  for (const [i, name] of namesIn(packed).entries()) {
    const first = block[begin + NUMBERS * i]!;
    if (first < 0) found.push([name, whole[-1 - first]!]);
  }
  return found;
}

function packedIn(children: Children): Packed | undefined {
  return children instanceof PackedChildren ? children.packed : undefined;
}

function isPackable(
  entry: Entry,
): entry is FileEntry & { readonly ctime: number; readonly inode: number } {
  return entry.kind === "file" && entry.ctime !== undefined &&
    entry.inode !== undefined && isBelow(entry.mode, GENERATION_UNIT) &&
    isBelow(entry.generation ?? 0, 2 ** 32);
}

function isBelow(number: number, limit: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < limit;
}

function unpack(packed: Packed): Children {
  const map = new Map<Name, Entry>();
  const names = namesIn(packed);
  for (let i = 0; i < packed.size; i++) {
    const first = packed.block[packed.begin + NUMBERS * i]!;
    const entry = first < 0 ? packed.whole[-1 - first]! : fileIn(packed, i);
    map.set(names[i]!, entry);
  }
  return map;
}

function namesIn({ names }: Packed): Name[] {
  return names.split(SEPARATOR) as Name[];
}

/** The child at place `i`, which is a file that was packed. */
function fileIn(
  { block, begin, digests, owners }: Packed,
  i: number,
): FileEntry {
  const at = begin + NUMBERS * i;
  const last = block[at + 4]!;
  const generation = Math.floor(last / GENERATION_UNIT) - 1;
  const file: FileEntry = {
    kind: "file",
    size: block[at]!,
    mtime: block[at + 1]!,
    mode: last % GENERATION_UNIT,
    digest: digests?.[i],
    ctime: block[at + 2]!,
    inode: block[at + 3]!,
    generation: generation < 0 ? undefined : generation,
  };
  const owner = owners?.[i];
  return owner === undefined ? file : { ...file, owner };
}

/** Whether names and files are the same, and what is kept whole stands in the same places. */
function hasEqualFiles(a: Packed, b: Packed): boolean {
  if (a.names !== b.names) return false;
  for (let i = 0; i < NUMBERS * a.size; i++) {
    if (a.block[a.begin + i] !== b.block[b.begin + i]) return false;
  }
  for (let i = 0; i < a.size; i++) {
    if (a.digests?.[i] !== b.digests?.[i]) return false;
    const [one, other] = [a.owners?.[i], b.owners?.[i]];
    if (one?.uid !== other?.uid || one?.gid !== other?.gid) return false;
  }
  return true;
}
