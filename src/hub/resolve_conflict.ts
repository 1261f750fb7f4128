/** What a person's decision about a conflict changes in the tree of a hub. */
import type { RelPath } from "../core/path.ts";
import { conflictCopyOf } from "./conflict_copy.ts";
import type { Conflict, Resolution } from "./conflicts.ts";
import { HttpProblem } from "./problem.ts";
import type { HubRecord } from "./record.ts";
import { recordsWithin } from "./records_within.ts";
import { stateOf } from "./restore.ts";
import type { HubStore, ProposedChange } from "./store.ts";

/** So many names for a conflict copy are tried. */
const MAX_COPY_NAMES = 100;

/**
 * The changes that carry out `keep`, in order; all of them, or none.
 * @throws {HttpProblem} If there is no place for both, or the copy is gone.
 */
export async function changesThatResolve(
  store: HubStore,
  conflict: Conflict,
  keep: Resolution,
): Promise<readonly ProposedChange[]> {
  switch (keep) {
    case "current":
      return await removalOfCopy(store, conflict);
    case "other":
      return conflict.kind === "file"
        ? [
          await otherFile(store, conflict),
          ...await removalOfCopy(store, conflict),
        ]
        : await otherTree(store, conflict);
    case "both":
      return await both(store, conflict);
    default:
      return keep satisfies never;
  }
}

/** The copy has done its service, unless somebody has worked on it. */
async function removalOfCopy(
  store: HubStore,
  { copy, kind, digest }: Conflict,
): Promise<readonly ProposedChange[]> {
  const there = copy === undefined ? undefined : await store.latest(copy);
  if (copy === undefined || there === undefined) return [];
  const isOurs = there.kind === kind &&
    (kind !== "file" || there.digest === digest);
  return isOurs ? [removal(copy, there)] : [];
}

async function otherFile(
  store: HubStore,
  { path, digest, size, mtime, mode }: Conflict,
): Promise<ProposedChange> {
  const latest = await store.latest(path);
  return {
    path,
    state: { kind: "file", digest, size, mtime, mode },
    expected: { kind: "revision", revision: latest?.revision ?? 0 },
    subtree: true,
  };
}

/** What is no file is only in the tree: all of its copy goes to the path. */
async function otherTree(
  store: HubStore,
  { path, copy }: Conflict,
): Promise<readonly ProposedChange[]> {
  const there = copy === undefined ? undefined : await store.latest(copy);
  if (copy === undefined || there === undefined || there.kind === "deleted") {
    throw new HttpProblem(409, "not-found", "The other version is gone");
  }
  const changes: ProposedChange[] = [];
  const latest = await store.latest(path);
  if (latest !== undefined && latest.kind !== "deleted") {
    changes.push(removal(path, latest));
  }
  for await (const record of recordsWithin(store, copy)) {
    changes.push({
      path: moved(record.path, copy, path),
      state: stateOf(record),
      expected: { kind: "any" },
      subtree: true,
    });
  }
  changes.push(removal(copy, there));
  return changes;
}

async function both(
  store: HubStore,
  { id, path, copy, digest, size, mtime, mode }: Conflict,
): Promise<readonly ProposedChange[]> {
  const kept = copy === undefined ? undefined : await store.latest(copy);
  // It is there, whatever has become of it since.
  if (kept !== undefined && kept.kind !== "deleted") return [];
  if (digest === "") {
    throw new HttpProblem(409, "not-found", "The other version is gone");
  }
  for (let i = 0; i < MAX_COPY_NAMES; i++) {
    const name = conflictCopyOf(path, id, i);
    const there = await store.latest(name);
    if (there !== undefined && there.kind !== "deleted") continue;
    return [{
      path: name,
      state: { kind: "file", digest, size, mtime, mode },
      expected: { kind: "revision", revision: 0 },
    }];
  }
  throw new HttpProblem(409, "blocked", "No name for a copy is free");
}

/** @param there What was found there; a directory goes with all that is in it. */
function removal(
  path: RelPath,
  { kind, revision }: HubRecord,
): ProposedChange {
  return {
    path,
    state: { kind: "deleted" },
    expected: kind === "directory"
      ? { kind: "any" }
      : { kind: "revision", revision },
    subtree: true,
  };
}

/** `path`, which lies below `from`, at the same place below `to`. */
function moved(path: RelPath, from: RelPath, to: RelPath): RelPath {
  return `${to}${path.slice(from.length)}` as RelPath;
}
