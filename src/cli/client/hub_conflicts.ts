/**
 * Conflicts of a client, told to its hub: versions that lose are kept there too, and
 * what people (or a merge) have decided is found there.
 */
import { createHash } from "node:crypto";
import { MAX_MERGE_BYTES, mergeText } from "../../content/merge_text.ts";
import { type Conflict, otherSide, SIDES } from "../../core/conflict.ts";
import type { Digest, FileEntry, TrackedEntry } from "../../core/entry.ts";
import { displayPath, type RelPath } from "../../core/path.ts";
import { messageOf, SyncError } from "../../errors.ts";
import type { HubClient } from "../commands/hub_client.ts";
import { readSynced } from "./synced_file.ts";
import type { WireConflict } from "../client_report.ts";
import type { WireRecord } from "../hub_report.ts";

/** What {@link HubConflicts} works with. */
export interface HubConflictsOptions {
  readonly hub: HubClient;
  /** The directory that is synced. */
  readonly directory: string;
  /** By which the hub knows this client. */
  readonly clientId: string;
  /** Whether texts are merged; else people decide. */
  readonly merges: boolean;
  readonly warn: (message: string) => void;
}

/** The conflicts of one client. */
export class HubConflicts {
  readonly #options: HubConflictsOptions;
  #telling: Promise<void> = Promise.resolve();

  constructor(options: HubConflictsOptions) {
    this.#options = options;
  }

  /**
   * Keeps versions of this client at the hub where they need no copy: those that
   * are merged into the hub's version, and those that somebody has decided about.
   * Which these are, by path and digest.
   */
  async keep(
    conflicts: readonly Conflict[],
  ): Promise<ReadonlyMap<RelPath, Digest>> {
    const kept = new Map<RelPath, Digest>();
    for (const conflict of conflicts) {
      const { path, alpha } = conflict;
      const ours = fileOf(alpha.new);
      if (ours === undefined) continue;
      try {
        const isKept = this.#options.merges
          ? await this.#merge(conflict, ours)
          : await this.#isDecided(path, ours);
        if (isKept) kept.set(path, ours.digest);
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        this.#options.warn(
          `The version at ${displayPath(path)} could not be kept at the hub: ${
            messageOf(error)
          }`,
        );
      }
    }
    return kept;
  }

  /** Tells the hub of a conflict that was settled by a copy; see {@link told}. */
  tell(conflict: Conflict): void {
    const { winner, copies } = conflict;
    if (winner === undefined) return;
    const losers = winner === "none" ? SIDES : [otherSide(winner)];
    for (const [i, side] of losers.entries()) {
      const version = conflict[side].new;
      const copy = copies[i];
      if (version === undefined || copy === undefined) continue;
      this.#telling = this.#telling.then(() =>
        this.#tellOf(conflict.path, copy, side, version)
      );
    }
  }

  /** Resolves when all that was to be told is told, or can't be. */
  async told(): Promise<void> {
    await this.#telling;
  }

  async #tellOf(
    path: RelPath,
    copy: RelPath,
    side: "alpha" | "beta",
    version: TrackedEntry,
  ): Promise<void> {
    const { hub, clientId, warn } = this.#options;
    const { kind, mtime } = version;
    try {
      await hub.ask("/conflicts", {
        ...{ path, copy, kind, mtime, client_id: clientId },
        side: side === "alpha" ? "client" : "hub",
        ...(kind === "file" && { digest: version.digest }),
      }, "soon");
    } catch (error) {
      // The copy is there all the same.
      warn(
        `The conflict at ${displayPath(path)} could not be listed at the hub: ${
          messageOf(error)
        }`,
      );
    }
  }

  /** Whether somebody has decided about this version; if not, it is told. */
  async #isDecided(path: RelPath, ours: KnownFile): Promise<boolean> {
    const { hub } = this.#options;
    const query = new URLSearchParams({ path, all: "true", limit: "1000" });
    const { conflicts } = await hub.ask(
      `/conflicts?${query}`,
      undefined,
      "soon",
    ) as {
      readonly conflicts: readonly WireConflict[];
    };
    const known = conflicts.filter(({ digest, side }) =>
      digest === ours.digest && side === "client"
    );
    // The last word counts.
    const last = known.at(-1);
    if (last?.resolution !== undefined) return true;
    if (last === undefined) await this.#upload(path, ours);
    return false;
  }

  /** Both edits become one version of the hub; ours stays there as a conflict. */
  async #merge(conflict: Conflict, ours: KnownFile): Promise<boolean> {
    const { hub, directory, clientId } = this.#options;
    const { path, alpha, beta } = conflict;
    const theirs = fileOf(beta.new);
    const before = fileOf(alpha.old);
    if (theirs === undefined || before === undefined) return false;
    const sizes = [ours.size, theirs.size, before.size];
    if (Math.max(...sizes) > MAX_MERGE_BYTES) return false;
    const versions = await this.#versionsOf(path);
    const current = versions[0];
    const old = versions.find(({ digest }) => digest === before.digest);
    if (current?.digest !== theirs.digest || old === undefined) return false;
    const here = await new Response(await readSynced(directory, path)).bytes();
    const contents = [
      await hub.download(path, old.revision),
      here,
      await hub.download(path, current.revision),
    ] as const;
    const digests = [before.digest, ours.digest, theirs.digest];
    if (!contents.every((it, i) => digestOf(it) === digests[i])) return false;
    const merged = mergeText(...contents);
    if (merged === undefined) return false;
    const id = await this.#upload(path, ours);
    if (id === undefined) return false;
    const content = new Blob([merged as Uint8Array<ArrayBuffer>]);
    const { conflict: late } = await hub.upload(content.stream(), {
      path,
      base: String(current.revision),
      mode: current.mode,
      digest: digestOf(merged),
      client_id: clientId,
    });
    // Somebody was faster: what was merged is worth nothing, ours is still open.
    const decision = { keep: "current", client_id: clientId };
    await hub.ask(`/conflicts/${late?.id ?? id}/resolve`, decision);
    return late === undefined;
  }

  async #versionsOf(path: RelPath): Promise<readonly WireRecord[]> {
    const place = path.split("/").map(encodeURIComponent).join("/");
    const page = await this.#options.hub.ask(
      `/files/${place}/versions?limit=1000`,
    ) as { readonly records: readonly WireRecord[] };
    return page.records;
  }

  /** Uploads our version as one that came too late: the number of the conflict. */
  async #upload(path: RelPath, ours: KnownFile): Promise<number | undefined> {
    const { hub, directory, clientId } = this.#options;
    const answer = await hub.upload(await readSynced(directory, path), {
      path,
      base: "0",
      mode: ours.mode.toString(8),
      mtime: String(ours.mtime),
      digest: ours.digest,
      client_id: clientId,
    });
    return answer.conflict?.id;
  }
}

/** A file whose content was looked at. */
type KnownFile = FileEntry & { readonly digest: Digest };

function fileOf(entry: TrackedEntry | undefined): KnownFile | undefined {
  const isKnown = entry?.kind === "file" && entry.digest !== undefined;
  return isKnown ? { ...entry, digest: entry.digest! } : undefined;
}

function digestOf(bytes: Uint8Array): Digest {
  return createHash("sha256").update(bytes).digest("hex");
}
