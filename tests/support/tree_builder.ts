/**
 * Builds a tree on the disk with chosen modes and mtimes. What the system can't
 * hold (a name, a mode, a link) is left out: the tree is as awkward as it can be.
 */
import { lutimesSync } from "node:fs";
import type { Random } from "./random.ts";

/** What an entry shall have; the builder makes up what is absent. */
export interface Attributes {
  readonly mode?: number;
  /** In milliseconds since 1970. */
  readonly mtime?: number;
}

/** Builds below a directory that is there; {@link finish} comes last. */
export class TreeBuilder {
  readonly #root: string;
  readonly #random: Random;
  /** Modes and mtimes to be set when all is made, children after parents. */
  readonly #pending: (() => void)[] = [];

  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  /** Makes a directory; its parent is there. */
  directory(path: string, attributes: Attributes = {}): void {
    this.#make(path, { mode: 0o755, ...attributes }, (full) => {
      Deno.mkdirSync(full);
    });
  }

  /** Makes a file; a number stands for that many random bytes. */
  file(
    path: string,
    content: number | string | Uint8Array,
    attributes: Attributes = {},
  ): void {
    const bytes = typeof content === "number"
      ? this.#random.bytes(content)
      : typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    this.#make(path, { mode: 0o644, ...attributes }, (full) => {
      Deno.writeFileSync(full, bytes, { createNew: true });
    });
  }

  /** Makes a file of `size` bytes that has bytes of its own at `offsets` only. */
  sparseFile(path: string, size: number, offsets: readonly number[]): void {
    this.#make(path, { mode: 0o600 }, (full) => {
      using file = Deno.openSync(full, { write: true, createNew: true });
      file.truncateSync(size);
      for (const offset of offsets) {
        file.seekSync(offset, Deno.SeekMode.Start);
        file.writeSync(this.#random.bytes(64 * 1024));
      }
    });
  }

  /** Makes a symbolic link. */
  link(path: string, target: string): void {
    const full = `${this.#root}/${path}`;
    if (!attempt(() => Deno.symlinkSync(target, full))) return;
    const seconds = this.#mtime() / 1000;
    this.#pending.push(() => lutimesSync(full, seconds, seconds));
  }

  /** Gives the file at `old` another name. */
  hardLink(old: string, path: string): void {
    attempt(() =>
      Deno.linkSync(`${this.#root}/${old}`, `${this.#root}/${path}`)
    );
  }

  /** Sets modes and mtimes: a directory's after those of what it holds. */
  finish(): void {
    for (const set of this.#pending.reverse()) set();
    this.#pending.length = 0;
  }

  #make(
    path: string,
    { mode, mtime = this.#mtime() }: Attributes & { readonly mode: number },
    make: (full: string) => void,
  ): void {
    const full = `${this.#root}/${path}`;
    if (!attempt(() => make(full))) return;
    this.#pending.push(() => {
      Deno.utimeSync(full, new Date(mtime), new Date(mtime));
      if (Deno.build.os !== "windows") Deno.chmodSync(full, mode);
    });
  }

  /** Some time between 2001 and 2033, with milliseconds. */
  #mtime(): number {
    return 1e12 + this.#random.below(1e12);
  }
}

function attempt(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
