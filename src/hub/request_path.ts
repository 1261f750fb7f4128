/** Paths of files as requests name them. All are checked by `core/path.ts`. */
import {
  isWithin,
  type Name,
  parseRelPath,
  type RelPath,
  RESERVED_NAME,
} from "../core/path.ts";
import { UnsafePathError } from "../errors.ts";
import { HttpProblem } from "./problem.ts";

const RESERVED = RESERVED_NAME as Name as string as RelPath;

/**
 * The path in the URL of a request, as it was written: neither decoded nor put
 * into a canonical form.
 */
export function rawPathOf(url: string): string {
  const authority = url.indexOf("://");
  const start = url.indexOf("/", authority < 0 ? 0 : authority + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/**
 * The path of a file behind `prefix` and before `suffix` in the URL, decoded once.
 * @throws {UnsafePathError}
 * @throws {HttpProblem} If it is not encoded as UTF-8 in percents.
 */
export function pathInUrl(url: string, prefix: string, suffix = ""): RelPath {
  const raw = rawPathOf(url);
  const encoded = raw.slice(prefix.length, raw.length - suffix.length);
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    throw new HttpProblem(400, "unsafe-path", "The path is not valid UTF-8");
  }
  return checkPath(text);
}

/** The path between `/files/` and `suffix`. @throws {HttpProblem} 404 */
export function pathOfFile(url: string, suffix: string): RelPath {
  if (rawPathOf(url).endsWith(suffix)) {
    return pathInUrl(url, "/files/", suffix);
  }
  // A path that is none is refused as such, wherever it stands.
  pathInUrl(url, "/files/");
  throw new HttpProblem(404, "not-found", "There is nothing here");
}

/**
 * The path of something that may be stored; the root is none.
 * @throws {UnsafePathError}
 */
export function checkPath(text: string): RelPath {
  const path = parseRelPath(text);
  if (path === "") throw new UnsafePathError("The path is empty");
  if (isWithin(path, RESERVED)) {
    throw new UnsafePathError(`"${RESERVED_NAME}" is a reserved name`);
  }
  return path;
}

/**
 * The same for text in which what was no UTF-8 has been replaced: such a path
 * can't be told from another one.
 */
export function checkReplacedPath(text: string): RelPath {
  if (text.includes("\ufffd")) {
    throw new UnsafePathError("The path is not valid UTF-8");
  }
  return checkPath(text);
}
