/** What a client and a hub have to do to have the same files. PURE. */
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { HubRecord } from "./record.ts";

/** What a client has at a path. */
export interface ClientFile {
  readonly digest: Digest;
  /** Of the version that it had last; 0: none. */
  readonly base: number;
}

/** One path, as both sides see it. */
export interface PathState {
  readonly path: RelPath;
  /** What the client has; undefined: nothing. */
  readonly here: ClientFile | undefined;
  /** The client had this revision, and has deleted it; undefined: it never had any. */
  readonly deleted: number | undefined;
  /** The last change at the hub. */
  readonly there: HubRecord | undefined;
  /** Digest of the version that the client had last, if the hub still knows it. */
  readonly ancestor: Digest | undefined;
}

/** What is to be done at a path. */
export type PathAction =
  | { readonly kind: "nothing" }
  /** The client uploads, in place of this revision. */
  | { readonly kind: "send"; readonly base: number }
  /** The client downloads. */
  | { readonly kind: "fetch" }
  /** The client deletes its file. */
  | { readonly kind: "delete" }
  /** The client deletes the hub's file, which has this revision. */
  | { readonly kind: "remove"; readonly base: number }
  /** Both have changed. */
  | { readonly kind: "conflict" };

const NOTHING: PathAction = { kind: "nothing" };

/**
 * Decides about one path. Where it is not known what the client had, nothing is
 * deleted, and what differs is a conflict.
 */
export function actionAt(state: PathState): PathAction {
  const { here, there, deleted, ancestor } = state;
  const file = there?.kind === "file" ? there : undefined;
  if (here === undefined) {
    if (file === undefined) return NOTHING;
    // The hub's file is younger than what was deleted: it comes back.
    const isKnown = deleted !== undefined && deleted === file.revision;
    return isKnown
      ? { kind: "remove", base: file.revision }
      : { kind: "fetch" };
  }
  if (file !== undefined) {
    if (file.digest === here.digest) return NOTHING;
    // Only one side has moved on from what both had.
    if (ancestor !== undefined && ancestor === file.digest) {
      return { kind: "send", base: file.revision };
    }
    return ancestor === here.digest ? { kind: "fetch" } : { kind: "conflict" };
  }
  // Nothing is there, or something else.
  if (there === undefined) return { kind: "send", base: 0 };
  if (there.kind !== "deleted") return { kind: "conflict" };
  // It was deleted at the hub: an edit of the client's outlives that.
  return here.base > 0 && here.base < there.revision &&
      ancestor === here.digest
    ? { kind: "delete" }
    : { kind: "send", base: 0 };
}
