/**
 * The files of a hub as one side of a sync. What a transition carries out is one
 * change set; a path that somebody has changed since the scan is stale.
 */
import { type Change, filesOf } from "../core/change.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { displayPath, type RelPath, ROOT } from "../core/path.ts";
import type { Outcome } from "../core/outcome.ts";
import { applyChanges } from "../core/apply_changes.ts";
import { isLeaving } from "../core/losses.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import { entryAt, type ScanOptions, type Snapshot } from "../core/snapshot.ts";
import type {
  ContentRequest,
  DescribeRequest,
  Description,
  Lacking,
} from "../content/description.ts";
import { isFileSystemError } from "../errors.ts";
import { Describer } from "../fs/describe.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import type {
  Endpoint,
  MoveResult,
  Notices,
  RecipeCalls,
  ScanContext,
  StageOptions,
  Staging,
  TransitionResult,
} from "../session/endpoint.ts";
import { countedOn, lossOf } from "./approvals.ts";
import { HubDraft } from "./hub_draft.ts";
import { HubReuse } from "./hub_reuse.ts";
import { HubStage } from "./hub_stage.ts";
import { recipesAt, supplyFrom } from "./hub_supply.ts";
import type { Distrust } from "./incoming_file.ts";
import type { HubTrees, TreeAt } from "./hub_tree.ts";
import { OthersChanges } from "./others_changes.ts";
import type { HubStore, ProposedChange, RefusedChange } from "./store.ts";
import { totalsOfTree } from "./tree.ts";

/** What a {@link HubEndpoint} works on. */
export interface HubEndpointOptions {
  readonly store: HubStore;
  /** Shared by all endpoints of the store. */
  readonly trees: HubTrees;
  /** Whom its changes are put down to. */
  readonly client: string;
  /** Whether deletions that are more than usual wait for a person; true unless said. */
  readonly approval?: boolean;
  /** Larger files are left out, each with a problem of its own; in bytes. */
  readonly maxFileSize?: number;
  /** The other side of a two-way sync, once it is known. */
  readonly peer?: () => string | undefined;
}

/** Changes that are staged. */
interface Staged {
  readonly changes: readonly Change[];
  readonly stage: HubStage;
  readonly reuse: HubReuse | undefined;
  /** Ids of the approvals that they count on. */
  readonly approvals: readonly number[];
}

/** One side of a sync that is a hub's store. Its owner closes it, not the store. */
export class HubEndpoint implements Endpoint {
  readonly name = "the hub";
  readonly traits: FileSystemTraits = {
    modes: true,
    symlinks: true,
    owners: false,
  };
  /** A rename is a deletion and a new path: each path has a history of its own. */
  readonly moves = false;
  /** Between two transitions others may have changed anything. */
  readonly follows = false;
  readonly notices: Notices;
  readonly recipes: RecipeCalls;
  readonly #options: HubEndpointOptions;
  /** Paths that could not be made of what is here, in this session. */
  readonly #distrusted = new Map<RelPath, Distrust>();
  #describer: Describer | undefined;
  readonly #others: OthersChanges;
  /** What the last scan saw. */
  #seen: TreeAt | undefined;
  #staged: Staged | undefined;

  constructor(options: HubEndpointOptions) {
    this.#options = options;
    this.#others = new OthersChanges(options.store);
    this.recipes = {
      isRemote: false,
      describe: (requests, signal) => this.#describe(requests, signal),
      lacking: (descriptions, signal) => this.#lacking(descriptions, signal),
    };
    this.notices = {
      subscribe: (onChange) => {
        this.#others.subscribe(onChange);
        return Promise.resolve();
      },
    };
  }

  /** Files have digests where content is compared; else they count by size and time. */
  async scan(
    { checksum, modes }: ScanOptions,
    context: ScanContext = {},
  ): Promise<Snapshot> {
    const traits = { digests: checksum, modes };
    const seen = await this.#options.trees.current(traits);
    context.signal?.throwIfAborted();
    this.#seen = seen;
    await this.#describer?.close();
    this.#describer = undefined;
    const totals = totalsOfTree(seen.root);
    context.onProgress?.(totals.files + totals.directories + totals.symlinks);
    return { root: seen.root, totals, problems: [] };
  }

  /** The store knows what is not there; but somebody may have put it there since. */
  async confirmAbsent(absent: readonly RelPath[]): Promise<readonly Problem[]> {
    const problems: Problem[] = [];
    for (const path of absent) {
      const latest = await this.#options.store.latest(path);
      if (latest === undefined || latest.kind === "deleted") continue;
      const message = `${displayPath(path)} is there again`;
      problems.push({ path, code: "stale", message });
    }
    return problems;
  }

  move(): Promise<MoveResult> {
    return Promise.reject(new TypeError("Nothing is moved at a hub"));
  }

  /** @throws {GuardError} If so much would be deleted that a person decides. */
  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    { recipes = false }: StageOptions = {},
  ): Promise<Staging> {
    await this.#unstage({ isOver: false });
    const approvals = await this.#review(changes);
    const { store, client, maxFileSize } = this.#options;
    const files = [...filesOf(changes)];
    const tree = this.#seen?.root;
    const distrusted = this.#distrusted;
    const reuse = recipes && tree !== undefined
      ? new HubReuse({ store, client, tree, changes, files, distrusted })
      : undefined;
    const stage = new HubStage(store, {
      client,
      files,
      maxFileSize,
      reuse,
      onDistrust: (path, why) => distrusted.set(path, why),
    });
    this.#staged = { changes, stage, reuse, approvals };
    const wants = await stage.prepare();
    const writable = new WritableStream<ContentBatch>({
      async write(batch, controller): Promise<void> {
        signal?.throwIfAborted();
        await stage.accept(batch, controller.signal);
        batch.release?.();
      },
    });
    return { wants, writable };
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    const revision = this.#seen?.revision ?? 0;
    return supplyFrom(this.#options.store, requests, revision, signal);
  }

  async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    const staged = this.#staged;
    const seen = this.#seen;
    if (staged?.changes !== changes || seen === undefined) {
      throw new TypeError("These changes are not the ones that were staged");
    }
    signal?.throwIfAborted();
    const { store } = this.#options;
    const { stage } = staged;
    let isOver = false;
    try {
      const draft = new HubDraft(seen.revision, stage);
      for (const [i, change] of changes.entries()) {
        draft.add(i, change, entryAt(seen.root, change.path));
      }
      await draft.fillTouches(store);
      const refused = await this.#commit(
        draft.proposed,
        staged.approvals,
      );
      isOver = true;
      const done = new Uint8Array(changes.length).fill(1);
      const problems: Problem[] = [...stage.problems, ...draft.problems];
      for (const { index, reason } of refused) {
        done[draft.owners[index]!] = 0;
        const { path } = draft.proposed[index]!;
        const isStale = reason === "stale" || reason === "blocked";
        const message = `${displayPath(path)} ${
          isStale ? "was changed at the hub meanwhile" : "could not be changed"
        }`;
        problems.push({ path, code: isStale ? "stale" : "failed", message });
      }
      for (const i of draft.incomplete) done[i] = 0;
      return { done, problems };
    } catch (error) {
      if (isFileSystemError(error, "no-space")) await stage.giveBack();
      throw error;
    } finally {
      await this.#unstage({ isOver });
    }
  }

  advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    return Promise.resolve(applyChanges(root, changes, modes));
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  /** What was staged is kept, unless it ends in a failure. */
  async close(outcome?: Outcome): Promise<void> {
    this.#others.close();
    await this.#describer?.close();
    await this.#unstage({ isOver: outcome?.kind === "failed" });
  }

  #describe(
    requests: readonly DescribeRequest[],
    signal?: AbortSignal,
  ): Promise<readonly Description[]> {
    const revision = this.#seen?.revision ?? 0;
    this.#describer ??= new Describer(
      recipesAt(this.#options.store, revision),
    );
    return this.#describer.describe(requests, signal);
  }

  #lacking(
    descriptions: readonly Description[],
    signal?: AbortSignal,
  ): Promise<readonly Lacking[]> {
    const reuse = this.#staged?.reuse;
    if (reuse === undefined) {
      throw new TypeError("Nothing is staged that recipes could be for");
    }
    return reuse.lacking(descriptions, signal);
  }

  /** Ids of the approvals that `changes` count on. @throws {GuardError} */
  async #review(changes: readonly Change[]): Promise<readonly number[]> {
    const { store, client, approval = true, peer } = this.#options;
    const leaving = changes.filter(isLeaving).map(({ path }) => path);
    if (!approval || leaving.length === 0) return [];
    const total = await store.countFiles(ROOT);
    const approved = store.approvals.approvedFor(client);
    const paths = approved.flatMap(({ paths }) => paths);
    const loss = lossOf(changes, total, paths);
    store.approvals.review(client, loss, peer?.());
    return countedOn(approved, leaving);
  }

  async #commit(
    proposed: readonly ProposedChange[],
    approvals: readonly number[],
  ): Promise<readonly RefusedChange[]> {
    const { store, client } = this.#options;
    return await this.#others.during(async (own) => {
      const options = { client, operation: "sync", approvals } as const;
      const { accepted, refused } = await store.commit(proposed, options);
      for (const { revision } of accepted) own.add(revision);
      return refused;
    });
  }

  async #unstage(how: { readonly isOver: boolean }): Promise<void> {
    const staged = this.#staged;
    this.#staged = undefined;
    await staged?.stage.close(how);
  }
}
