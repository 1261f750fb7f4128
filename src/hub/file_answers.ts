/** What routes of files answer when it is not what was asked for, and how versions are named. */
import { displayPath, type RelPath } from "../core/path.ts";
import { HttpProblem } from "./problem.ts";
import type { HubRecord } from "./record.ts";
import { toWireRecord } from "./schemas.ts";
import type { RefusedChange } from "./store.ts";

/** The answer to a change that was not accepted. */
export function refusalOf(
  path: RelPath,
  { reason, current }: RefusedChange,
  extra: Readonly<Record<string, unknown>> = {},
): HttpProblem {
  const details = {
    stale: "was changed by somebody else",
    blocked: "can't be there: something above it is no directory",
    "not-empty": "is a directory that is not empty (see ?recursive=true)",
    "content-missing": "had content that is gone by now",
  };
  const detail = `${displayPath(path)} ${details[reason]}`;
  return new HttpProblem(409, reason, detail, {
    ...(current !== undefined && { current: toWireRecord(current) }),
    ...extra,
  });
}

export function preconditionFailed(
  current: HubRecord | undefined,
): HttpProblem {
  return new HttpProblem(
    412,
    "stale",
    "It is another version by now",
    current === undefined ? {} : { current: toWireRecord(current) },
  );
}

export function noFile(path: RelPath): HttpProblem {
  const detail = `There is no such file or version: ${displayPath(path)}`;
  return new HttpProblem(404, "not-found", detail);
}

/** The version of a file, as HTTP names it. */
export function etagOf({ revision }: HubRecord): string {
  return `"${revision}"`;
}

/** Whether the value of an `If-…` header names `etag`. */
export function matches(
  header: string,
  etag: string,
  { weak = false } = {},
): boolean {
  return header.split(",").map((tag) => tag.trim()).some((tag) =>
    tag === "*" || tag === etag || (weak && tag === `W/${etag}`)
  );
}
