/**
 * What decides whether two trees are equal. It shares no code with the program:
 * rsync compares the content, and a walk of our own what rsync does not look at.
 */
import { join } from "@std/path";
import { command, hasCommand } from "./command.ts";

/** All that a file system tells of an entry without reading it. */
export interface EntryState {
  readonly kind: "directory" | "file" | "symlink" | "special";
  /** Permission bits, with set-uid, set-gid and sticky. */
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly inode: number;
  readonly target: string | undefined;
}

/** How {@link assertSameTree} compares. */
export interface SameTreeOptions {
  /** More flags for rsync. */
  readonly rsync?: readonly string[];
  /** Paths, with all below them, that do not count. */
  readonly except?: readonly string[];
  /** False where kinds may differ on purpose: only rsync compares then. */
  readonly metadata?: boolean;
}

/** For trees that hold fifos, sockets or devices, which are not copied. */
export const NO_SPECIALS: readonly string[] = [
  "--no-specials",
  "--no-devices",
  "--info=nonreg0",
];

/** macOS brings a different program of that name, which knows fewer flags. */
const RSYNC = hasCommand("rsync") &&
  (await command("rsync", ["--version"])).stdout.startsWith("rsync  version 3");

/**
 * Fails unless both trees hold the same: names, kinds, bytes, permission bits,
 * link targets and mtimes to the millisecond, the roots' own included.
 */
export async function assertSameTree(
  source: string,
  target: string,
  options: SameTreeOptions = {},
): Promise<void> {
  const differences = options.metadata === false
    ? []
    : differencesOf(source, target, options.except ?? []);
  if (RSYNC) {
    const { code, stdout, stderr } = await command("rsync", [
      "-nai",
      "--checksum",
      "--delete",
      ...options.rsync ?? [],
      ...(options.except ?? []).map((path) => `--exclude=/${path}`),
      `${source}/`,
      `${target}/`,
    ]);
    if (code !== 0) throw new Error(`rsync: exit ${code}: ${stderr}`);
    if (stdout !== "") differences.push(...stdout.trimEnd().split("\n"));
  } else {
    differences.push(...contentDifferences(source, target));
  }
  if (differences.length === 0) return;
  throw new Error(
    `${target} is not equal to ${source}, ${differences.length} differences:\n` +
      differences.slice(0, 20).join("\n"),
  );
}

/**
 * The state of a directory ("") and of all below it, by path. Entries whose
 * names are not valid UTF-8 are left out.
 */
export function listTree(root: string): Map<string, EntryState> {
  const states = new Map<string, EntryState>([["", stateOf(root)]]);
  const directories = [""];
  for (let base; (base = directories.pop()) !== undefined;) {
    for (const { name } of Deno.readDirSync(join(root, base))) {
      if (name.includes("\ufffd")) continue;
      const path = base === "" ? name : `${base}/${name}`;
      const state = stateOf(`${root}/${path}`);
      states.set(path, state);
      if (state.kind === "directory") directories.push(path);
    }
  }
  return states;
}

/** Fails if anything below `root` was written, even with the same content. */
export function assertUntouched(
  root: string,
  before: ReadonlyMap<string, EntryState>,
): void {
  const after = listTree(root);
  const differences: string[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const was = JSON.stringify(before.get(path));
    const is = JSON.stringify(after.get(path));
    if (was !== is) differences.push(`${path || "."}: was ${was}, is ${is}`);
  }
  if (differences.length === 0) return;
  throw new Error(
    `${root} was touched:\n${differences.slice(0, 10).join("\n")}`,
  );
}

/** A tree beside the ones that are synced, which nobody may touch. */
export class Canary {
  readonly path: string;
  readonly #before: Map<string, EntryState>;

  constructor(path: string) {
    this.path = path;
    Deno.mkdirSync(join(path, "directory"), { recursive: true });
    Deno.writeTextFileSync(join(path, "file"), "canary");
    Deno.writeTextFileSync(join(path, "directory", "inner"), "canary");
    this.#before = listTree(path);
  }

  /** Fails if the canary tree is not what it was. */
  assertAlive(): void {
    assertUntouched(this.path, this.#before);
    for (const file of ["file", "directory/inner"]) {
      const text = Deno.readTextFileSync(join(this.path, file));
      if (text !== "canary") throw new Error(`${file} of the canary: ${text}`);
    }
  }
}

function stateOf(path: string): EntryState {
  const info = Deno.lstatSync(path);
  const kind = info.isDirectory
    ? "directory"
    : info.isFile
    ? "file"
    : info.isSymlink
    ? "symlink"
    : "special";
  return {
    kind,
    mode: (info.mode ?? 0) & 0o7777,
    size: kind === "file" ? info.size : 0,
    mtime: info.mtime?.getTime() ?? 0,
    ctime: info.ctime?.getTime() ?? 0,
    inode: info.ino ?? 0,
    target: kind === "symlink" ? Deno.readLinkSync(path) : undefined,
  };
}

function differencesOf(
  source: string,
  target: string,
  except: readonly string[],
): string[] {
  const wanted = listTree(source);
  const found = listTree(target);
  const differences: string[] = [];
  for (const path of new Set([...wanted.keys(), ...found.keys()])) {
    if (except.some((top) => path === top || path.startsWith(`${top}/`))) {
      continue;
    }
    const left = describe(wanted.get(path));
    const right = describe(found.get(path));
    if (left !== right) {
      differences.push(`${JSON.stringify(path)}: ${left} ≠ ${right}`);
    }
  }
  return differences;
}

/** What has to be equal on both sides; special files do not count. */
function describe(state: EntryState | undefined): string {
  if (state === undefined || state.kind === "special") return "nothing";
  const { kind, mode, size, mtime, target } = state;
  const bits = kind === "symlink" ? "" : (mode & 0o777).toString(8);
  return `${kind} ${bits} ${size} ${mtime} ${target ?? ""}`;
}

function contentDifferences(source: string, target: string): string[] {
  const differences: string[] = [];
  for (const [path, { kind }] of listTree(source)) {
    if (kind !== "file") continue;
    const left = Deno.readFileSync(join(source, path));
    const right = Deno.readFileSync(join(target, path));
    if (left.some((byte, i) => byte !== right[i])) {
      differences.push(`${JSON.stringify(path)}: other bytes`);
    }
  }
  return differences;
}
