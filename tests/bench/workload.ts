/** The trees that are mirrored, and what is asked of them. */
import { dirname, join } from "@std/path";
import { Random } from "../support/random.ts";

/** A tree to measure with. */
export interface Workload {
  /** For `--only`. */
  readonly id: string;
  readonly title: string;
  readonly files: number;
  /** Of each file. */
  readonly bytes: number;
  /** Highest Lockstep / rsync; undefined where no row is wanted. */
  readonly goals: {
    readonly initial: number;
    readonly unchanged?: number;
    /** Bytes on the wire when nothing changed, both ways together. */
    readonly wireBytes?: number;
    /** Of either side. */
    readonly peakBytes?: number;
  };
}

const FILES_IN_DIRECTORY = 200;
const MEGABYTE = 1e6;

/** All of the table. With `quick`, the same with little data. */
export function workloads(quick: boolean): Workload[] {
  const scale = quick ? 100 : 1;
  const count = (files: number) => files.toLocaleString("en");
  const many = 20_000 / scale;
  const most = 200_000 / scale;
  const gib = 2 ** 30 / (quick ? 64 : 1);
  return [
    {
      id: "files-4k",
      title: `${count(many)} files of 4 KiB`,
      files: many,
      bytes: 4096,
      goals: { initial: 0.7, unchanged: 0.9, wireBytes: 2048 },
    },
    {
      id: "files-100b",
      title: `${count(most)} files of 100 B`,
      files: most,
      bytes: 100,
      goals: {
        initial: 0.7,
        unchanged: 0.8,
        wireBytes: 2048,
        peakBytes: 250 * MEGABYTE,
      },
    },
    {
      id: "file-1g",
      title: `one file of ${gib / 2 ** 20} MiB`,
      files: 1,
      bytes: gib,
      goals: { initial: 1, peakBytes: 150 * MEGABYTE },
    },
  ];
}

/** A tree of text, sent over a slow network. */
export interface SlowWorkload {
  /** For `--only`. */
  readonly id: string;
  readonly title: string;
  /** Of the tree, about. */
  readonly bytes: number;
  /** Of the network, each way. */
  readonly bytesPerSecond: number;
  /** Highest Lockstep / `rsync -az`. */
  readonly goals: { readonly initial: number; readonly wireBytes: number };
}

/** 20 Mbit/s; with `quick`, less text. */
export function slowWorkload(quick: boolean): SlowWorkload {
  const bytes = 50 * MEGABYTE / (quick ? 50 : 1);
  return {
    id: "text-slow",
    title: `${bytes / MEGABYTE} MB of text, 20 Mbit/s`,
    bytes,
    bytesPerSecond: 20e6 / 8,
    goals: { initial: 1, wireBytes: 1.05 },
  };
}

const TEXT_PLACES = ["/usr/share", "/usr/include", "/usr/lib/node_modules"];
const TEXT_NAME = /\.(txt|md|html|json|xml|svg|css|js|ts|py|pl|pm|h|sh|vim)$/;
const LONGEST_TEXT = MEGABYTE;

/**
 * Copies text files of this machine, in order of their paths, to the empty
 * directory `root`: the same ones each time. @throws If there are not enough.
 */
export function copyText(root: string, { bytes }: SlowWorkload): void {
  let left = bytes;
  for (const path of textFiles()) {
    const { size } = Deno.statSync(path);
    if (size > Math.min(left, LONGEST_TEXT)) continue;
    left -= size;
    const copy = join(root, path);
    Deno.mkdirSync(dirname(copy), { recursive: true });
    Deno.copyFileSync(path, copy);
    if (left < bytes / 100) return;
  }
  throw new Error(`Only ${bytes - left} bytes of text are here`);
}

function* textFiles(): Generator<string> {
  const folders = TEXT_PLACES.filter(isDirectory).reverse();
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    const entries = [...Deno.readDirSync(at)]
      .sort((a, b) => a.name < b.name ? -1 : 1);
    for (const { name, isFile } of entries) {
      if (isFile && TEXT_NAME.test(name)) yield join(at, name);
    }
    for (const { name, isDirectory } of entries.reverse()) {
      if (isDirectory) folders.push(join(at, name));
    }
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** Makes the tree in the empty directory `root`; it does not compress. */
export function makeWorkload(root: string, { files, bytes }: Workload): void {
  const random = new Random(files);
  for (let made = 0; made < files;) {
    const directory = join(root, `directory ${made / FILES_IN_DIRECTORY}`);
    Deno.mkdirSync(directory);
    for (let i = 0; i < FILES_IN_DIRECTORY && made < files; i++, made++) {
      writeRandomFile(join(directory, `file ${made}`), bytes, random);
    }
  }
}

function writeRandomFile(path: string, size: number, random: Random): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  for (let left = size; left > 0;) {
    const bytes = random.bytes(Math.min(left, 2 ** 20));
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
    left -= bytes.length;
  }
}
