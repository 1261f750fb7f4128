/** What the targets of one source may not have in common. */
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import { liesWithin, refuseOverlap } from "./overlap.ts";
import type { SyncJob } from "./sync_job.ts";
import { nameOfTarget, textOfTarget } from "./target_name.ts";

/** @throws {UsageError} If two of the places, or the log and one, share a directory. */
export function refuseTargets(jobs: readonly SyncJob[]): void {
  const { from, logFile } = jobs[0]!.options;
  const targets = jobs.map(({ options }) => options.to);
  const names = new Set<string>();
  const paths: string[] = [];
  for (const to of targets) {
    const name = nameOfTarget(to);
    if (names.has(name)) {
      throw new UsageError(
        `--to ${displayPath(textOfTarget(to))} is given twice`,
      );
    }
    names.add(name);
    if (to.kind === "url") continue;
    refuseOverlap(from, to.path);
    for (const other of paths) refuseSharing(other, to.path);
    if (logFile !== undefined && liesWithin(logFile, to.path)) {
      throw new UsageError(
        `--log-file ${displayPath(logFile)} lies inside --to ${
          displayPath(to.path)
        }`,
      );
    }
    paths.push(to.path);
  }
}

/** @throws {UsageError} If one of two targets lies inside the other. */
function refuseSharing(one: string, other: string): void {
  const [inner, outer] = liesWithin(one, other)
    ? [one, other]
    : liesWithin(other, one)
    ? [other, one]
    : [];
  if (inner === undefined || outer === undefined) return;
  throw new UsageError(
    `--to ${displayPath(inner)} lies inside --to ${displayPath(outer)}`,
  );
}
