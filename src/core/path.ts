/**
 * Relative paths: the only door through which foreign text becomes the name of
 * something in a tree. A `RelPath` is canonical: components joined by one "/",
 * none of them empty, ".", ".." or holding "/" or NUL; the root is "".
 * A backslash, a colon or a device name is an ordinary character here.
 */
import { UnsafePathError } from "../errors.ts";

declare const checked: unique symbol;

/** A canonical path below the root, made by {@link parseRelPath} or {@link join}. */
export type RelPath = string & { readonly [checked]: "RelPath" };

/** One component of a path, made by {@link parseName}. */
export type Name = string & { readonly [checked]: "Name" };

/** The root of a tree. */
export const ROOT = "" as RelPath;

/** Longest name of an entry, in bytes of UTF-8; NTFS and APFS stay below. */
export const MAX_NAME_BYTES = 1020;

/** Longest path, in UTF-16 units. */
export const MAX_PATH_LENGTH = 65_536;

/** Most components in a path. */
export const MAX_PATH_DEPTH = 2_048;

/** At the top of a root: holds what is being received; never part of a tree. */
export const RESERVED_NAME = ".lockstep" as Name;

/**
 * Checks one name of an entry.
 * @throws {UnsafePathError} If it is empty, ".", "..", too long, or holds "/",
 *   NUL or a lone surrogate (which no file name can carry unchanged).
 */
export function parseName(text: string): Name {
  const fault = faultOfName(text);
  if (fault === undefined) return text as Name;
  throw new UnsafePathError(`Unsafe name ${quote(text)}: ${fault}`);
}

/**
 * Checks a whole path; "" is the root.
 * @throws {UnsafePathError} If any component is unsafe, or the path is not in
 *   canonical form, too long or too deep.
 */
export function parseRelPath(text: string): RelPath {
  if (text === "") return ROOT;
  let fault: string | undefined;
  if (text.length > MAX_PATH_LENGTH) {
    fault = `${text.length} characters, at most ${MAX_PATH_LENGTH} are allowed`;
  } else {
    const names = text.split("/");
    if (names.length > MAX_PATH_DEPTH) {
      fault =
        `${names.length} components, at most ${MAX_PATH_DEPTH} are allowed`;
    }
    for (const name of names) fault ??= faultOfName(name);
  }
  if (fault === undefined) return text as RelPath;
  throw new UnsafePathError(`Unsafe path ${quote(text)}: ${fault}`);
}

/** The path of the entry `name` in the directory `parent`. */
export function join(parent: RelPath, name: Name): RelPath {
  return (parent === "" ? name : `${parent}/${name}`) as string as RelPath;
}

/** The directory that holds `path`, or undefined for the root. */
export function parentOf(path: RelPath): RelPath | undefined {
  if (path === "") return undefined;
  const slash = path.lastIndexOf("/");
  return (slash < 0 ? "" : path.slice(0, slash)) as RelPath;
}

/** The last component of `path`. @throws {RangeError} For the root. */
export function nameOf(path: RelPath): Name {
  if (path === "") throw new RangeError("The root has no name");
  return path.slice(path.lastIndexOf("/") + 1) as Name;
}

/** The components of `path`, outermost first; none for the root. */
export function namesOf(path: RelPath): Name[] {
  return path === "" ? [] : path.split("/") as Name[];
}

/** Whether `path` is `ancestor` itself or lies below it. */
export function isWithin(path: RelPath, ancestor: RelPath): boolean {
  return ancestor === "" || path === ancestor ||
    (path.startsWith(ancestor) && path[ancestor.length] === "/");
}

/** Name order, the same on every machine: by UTF-16 unit. */
export function compareNames(a: string, b: string): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Path order: a directory comes directly before what it holds, names in name order. */
export function comparePaths(a: RelPath, b: RelPath): -1 | 0 | 1 {
  if (a === b) return 0;
  const left = namesOf(a);
  const right = namesOf(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = compareNames(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length < right.length ? -1 : 1;
}

/**
 * `text` in double quotes, fit for a terminal, a log or a message: control
 * characters, bidirectional overrides and lone surrogates are escaped, and no
 * more than 300 characters are shown.
 */
export function quote(text: string): string {
  return quoteWhole(text.length > 300 ? `${text.slice(0, 300)}…` : text);
}

/** As {@link quote}, but never cut: a string of JSON, on one line. */
export function quoteWhole(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) =>
      character.split("").map((unit) =>
        `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
      ).join(""),
  );
}

/** `path` as people read it: plain where that is unambiguous, else quoted. */
export function displayPath(path: string): string {
  if (path === "") return ".";
  const quoted = quote(path);
  const plain = quoted === `"${path}"` && path.trim() === path;
  return plain ? path : quoted;
}

function faultOfName(name: string): string | undefined {
  if (name === "") return "a component is empty";
  if (name === "." || name === "..") return `a component is "${name}"`;
  if (name.includes("/")) return 'a name holds "/"';
  if (name.includes("\0")) return "a name holds NUL";
  // One UTF-16 unit is at most three bytes of UTF-8: most names need no count.
  if (name.length * 3 > MAX_NAME_BYTES) {
    const bytes = new TextEncoder().encode(name).length;
    if (bytes > MAX_NAME_BYTES) {
      return `a name of ${bytes} bytes, at most ${MAX_NAME_BYTES} are allowed`;
    }
  }
  if (!name.isWellFormed()) return "a name holds a lone surrogate";
  return undefined;
}
