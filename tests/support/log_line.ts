/** Reads the lines of an operation log, as a program of somebody else would. */
import type { LogEntry } from "../../src/cli/log/log_line.ts";
import {
  OPERATION_NAMES,
  type OperationName,
} from "../../src/core/operation.ts";
import { parseRelPath, type RelPath, ROOT } from "../../src/core/path.ts";
import { UnsafePathError } from "../../src/errors.ts";

const DIGEST = /^[0-9a-f]{64}$/;
const LINE =
  /^(\S+) (\w+) (\S+) (?:@("(?:[^"\\]|\\.)*") )?("(?:[^"\\]|\\.)*")(?: -> ("(?:[^"\\]|\\.)*"))?$/;

/** What `line` says; undefined for a note, and for what is no line of a log. */
export function parseLogLine(line: string): LogEntry | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, time, name, digest, where, first, second] = match;
  const date = new Date(time!);
  if (!isOperationName(name!) || Number.isNaN(date.getTime())) return undefined;
  if (digest !== "-" && !DIGEST.test(digest!)) return undefined;
  const paths = [first, second].map(parsedPath);
  const path = second === undefined ? paths[0] : paths[1];
  const from = second === undefined ? undefined : paths[0];
  if (path === undefined) return undefined;
  if (second !== undefined && from === undefined) return undefined;
  const target = parsedText(where);
  if (where !== undefined && target === undefined) return undefined;
  return {
    time: date,
    name,
    digest: digest === "-" ? undefined : digest,
    path,
    ...(from === undefined ? {} : { from }),
    ...(target === undefined ? {} : { target }),
  };
}

function parsedPath(quoted: string | undefined): RelPath | undefined {
  const text = parsedText(quoted);
  if (text === undefined) return undefined;
  try {
    return text === "." ? ROOT : parseRelPath(text);
  } catch (error) {
    if (error instanceof UnsafePathError) return undefined;
    throw error;
  }
}

function parsedText(quoted: string | undefined): string | undefined {
  if (quoted === undefined) return undefined;
  try {
    return String(JSON.parse(quoted));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isOperationName(text: string): text is OperationName {
  return (OPERATION_NAMES as readonly string[]).includes(text);
}
