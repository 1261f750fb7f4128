/** What the parts of the contract have in common. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Name } from "../../core/path.ts";
import { FileSystemError, type FileSystemErrorCode } from "../../errors.ts";
import type { Directory, FileSystem } from "../file_system.ts";

/** A file system under test, and an empty directory in it. */
export interface Subject {
  /** The file system, as its users get it. */
  readonly fs: FileSystem;
  /** Path of the directory; what is below it is free for the test. */
  readonly root: string;
  /** An open directory is lost, with an error, when somebody moves or removes it. */
  readonly holdsByPath?: boolean;
  /** Makes a fifo, where the test has the means. */
  readonly makeSpecial?: (path: string) => Promise<void>;
  /** Called after the test, when all that it has opened is closed. */
  close(): Promise<void>;
}

/** Registers a test: `Deno.test`, or that of another framework. */
export type ContractTest = (name: string, run: () => Promise<void>) => void;

/** Registers one test of the contract, which gets the open root of a new subject. */
export type Check = (
  title: string,
  run: (root: Directory, subject: Subject) => Promise<void>,
) => void;

/** Registers tests of the file system `name`, each on a subject of its own. */
export function checkOn(
  name: string,
  open: () => Promise<Subject>,
  test: ContractTest,
): Check {
  return (title, run) =>
    test(`${name} ${title}`, async () => {
      const subject = await open();
      try {
        const root = await subject.fs.openRoot(subject.root);
        try {
          await run(root, subject);
        } finally {
          root.close();
        }
      } finally {
        await subject.close();
      }
    });
}

/** Content and metadata where a test does not care. */
export const PLAIN = { mode: 0o644, mtime: 1_600_000_000_123 };

/** Whole milliseconds that a lossy conversion would change. */
export const TIMES = [
  0,
  1,
  999,
  1_234_567_890_001,
  1_600_000_000_123,
  1_700_000_000_007,
  2_186_767_390_240,
  4_102_444_800_999,
  5_000_000_000_001,
  -1,
  -1500,
  -86_400_001,
];

/** Runs `use` in the directory `name`, and closes it. */
export async function inside(
  parent: Directory,
  name: string,
  use: (directory: Directory) => Promise<void>,
): Promise<void> {
  const directory = await parent.openDirectory(as(name));
  try {
    await use(directory);
  } finally {
    directory.close();
  }
}

/** Expects that `run` fails with `code`, in one readable line that names `named`. */
export async function refused(
  code: FileSystemErrorCode,
  run: () => Promise<unknown>,
  named = "",
): Promise<FileSystemError> {
  const error = await assertRejects(run, FileSystemError);
  assertEquals(error.code, code, error.message);
  assertEquals(/^Cannot .+: .*[^.]$/.test(error.message), true, error.message);
  assertStringIncludes(error.message, named);
  assert(!error.message.includes("/proc/"), error.message);
  return error;
}

/** Makes a file with this text. */
export async function write(
  directory: Directory,
  name: string,
  content: string,
): Promise<void> {
  await directory.createFile(as(name), bytes(content), PLAIN);
}

/** The text of a short file. */
export async function read(
  directory: Directory,
  name: string,
): Promise<string> {
  const into = new Uint8Array(1000);
  const { length } = await directory.readFile(as(name), into);
  return text(into.subarray(0, length));
}

/** A name as it is. */
export function as(name: string): Name {
  return name as Name;
}

/** `content` as UTF-8. */
export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** UTF-8 as text. */
export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

/**
 * Asks `probe` every few milliseconds until it answers something other than
 * undefined and false, and returns that.
 * @throws {Error} After `timeoutMs`; the message says `what` did not come.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
