/** Bringing back what was: each is an ordinary change, and a version of its own. */
import type { RelPath } from "../core/path.ts";
import { nextTurn } from "../core/turn.ts";
import type { HubRecord } from "./record.ts";
import type {
  CommitOptions,
  HubStore,
  NewState,
  ProposedChange,
} from "./store.ts";

/** What was brought back, and what was not. */
export interface RestoreResult {
  readonly records: readonly HubRecord[];
  readonly leftOut: readonly {
    readonly path: RelPath;
    readonly reason: LeftOutReason;
  }[];
}

/** Why something was not brought back. */
export type LeftOutReason =
  /** Its content is gone, by retention. */
  | "content-missing"
  /** Somebody has changed it since. */
  | "changed-since"
  /** Something stands in the way. */
  | "blocked";

const PAGE = 1_000;

/** What a commit has to say for `record` to stand at its path again. */
export function stateOf(record: HubRecord | undefined): NewState {
  if (record === undefined) return { kind: "deleted" };
  const { kind, mtime, mode } = record;
  switch (kind) {
    case "file":
      return { kind, digest: record.digest!, size: record.size, mtime, mode };
    case "directory":
      return { kind, mtime, mode };
    case "symlink":
      return { kind, target: record.target!, mtime };
    case "deleted":
      return { kind };
    default:
      return kind satisfies never;
  }
}

/** Makes all at or below `path` what it was when `revision` was the last one. */
export async function restoreAt(
  store: HubStore,
  path: RelPath,
  revision: number,
  client: string,
): Promise<RestoreResult> {
  const seen = await store.head();
  const changes: ProposedChange[] = [];
  let after: RelPath | undefined;
  for (;;) {
    const page = await store.changedSince(revision, {
      within: path,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    for (const record of page) {
      const before = await store.at(record.path, revision);
      // The root was never made, and can't go.
      if (record.path === "" && before === undefined) continue;
      changes.push({
        path: record.path,
        state: stateOf(before),
        expected: { kind: "seen", revision: seen },
        subtree: true,
      });
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!.path;
    await nextTurn();
  }
  return await bringBack(store, changes, { client, operation: "restore" });
}

/**
 * Takes back the last change set of `author`, as far as nobody has changed the same
 * paths since; undefined: there is none.
 * @param author The id or the name of a client, or the name of a key: whoever of
 *   those it may be was the last to change something.
 */
export async function undo(
  store: HubStore,
  author: string,
  client: string,
  mayTouch: (path: RelPath) => boolean,
): Promise<RestoreResult | undefined> {
  let last: HubRecord | undefined;
  for (const one of [author, ...store.clients.called(author)]) {
    const [latest] = await store.changes({ client: one, limit: 1 });
    const isLater = latest !== undefined &&
      (last === undefined || latest.revision > last.revision);
    if (isLater) last = latest;
  }
  if (last === undefined) return undefined;
  const changes: ProposedChange[] = [];
  const first = last.changeSet;
  // One path may be in a set more than once: what was before all of it counts.
  const paths = new Set<RelPath>();
  let seen = first;
  for (let after = first - 1;;) {
    const page = await store.changes({ changeSet: first, after, limit: PAGE });
    for (const { path, revision } of page) {
      paths.add(path);
      seen = revision;
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!.revision;
  }
  // What came later than all of it is somebody else's.
  for (const path of paths) {
    if (!mayTouch(path)) continue;
    const before = await store.at(path, first - 1);
    if (path === "" && before === undefined) continue;
    changes.push({
      path,
      state: stateOf(before),
      expected: { kind: "seen", revision: seen },
      subtree: true,
    });
  }
  return await bringBack(store, changes, { client, operation: "undo" });
}

async function bringBack(
  store: HubStore,
  changes: readonly ProposedChange[],
  options: CommitOptions,
): Promise<RestoreResult> {
  // What goes makes room first; then what is above comes before what is below.
  const ordered = [
    ...changes.filter(({ state }) => state.kind === "deleted").reverse(),
    ...changes.filter(({ state }) => state.kind !== "deleted"),
  ];
  const { accepted, refused } = await store.commit(ordered, options);
  return {
    records: accepted,
    leftOut: refused.map(({ index, reason }) => ({
      path: ordered[index]!.path,
      reason: reason === "content-missing"
        ? reason
        : reason === "stale"
        ? "changed-since"
        : "blocked",
    })),
  };
}
