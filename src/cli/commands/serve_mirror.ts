/**
 * `lockstep serve --mirror`: a directory with what is current at the hub, equal
 * in both directions. Each round is a two-way sync of the directory with the
 * hub's own endpoint; one follows each change of either side.
 */
import type { Clock } from "../../core/clock.ts";
import { laterAllowance } from "../../core/guard.ts";
import { displayPath } from "../../core/path.ts";
import { sleep } from "../../core/sleep.ts";
import { GuardError, messageOf, UsageError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Lock } from "../../fs/file_system.ts";
import { HubEndpoint } from "../../hub/hub_endpoint.ts";
import type { HubTrees } from "../../hub/hub_tree.ts";
import type { HubStore } from "../../hub/store.ts";
import { TreeWatch } from "../../replicator/tree_watch.ts";
import { bidirectional } from "../../session/bidirectional.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { PairedAncestry } from "../../session/pairing.ts";
import { LossBurst } from "../../session/recent_losses.ts";
import {
  openConflicts,
  type TwoWaySummary,
} from "../../session/two_way_events.ts";
import type { OptionsOf } from "../args.ts";
import type { Reporter } from "../events.ts";
import { newPairingId } from "../state/root_file.ts";
import { stateDirectoryOf } from "../state/state_directory.ts";
import { ignoreFor, refuseStateInside } from "./own_state.ts";
import { liesWithin } from "./overlap.ts";
import { refuseReplaced, requireRoot, TwoWayState } from "./two_way_state.ts";

/** Whom changes of the directory are put down to. */
const CLIENT = "mirror";

/** What comes in a row is collected for so long, in milliseconds. */
const MOMENT_MS = 50;

/** Only what the directory's own ignore files name takes no part. */
const NO_EXCLUDES = { exclude: [], excludeFrom: [], gitignore: false };

/** What a {@link ServedMirror} works with. */
export interface MirrorParts {
  readonly store: HubStore;
  readonly trees: HubTrees;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** The options with a mirror among them. */
export type ServedMirrorOptions =
  & OptionsOf<"serve">
  & { readonly mirror: string };

/** @throws {UsageError} If the mirror and the hub's own data lie in each other. */
export function checkMirrorPlaces(
  { mirror, dataDir, stateDir }: ServedMirrorOptions,
): void {
  if (liesWithin(mirror, dataDir) || liesWithin(dataDir, mirror)) {
    throw new UsageError(
      `--mirror ${displayPath(mirror)} and --data-dir ${
        displayPath(dataDir)
      } lie in each other`,
    );
  }
  const state = stateDirectoryOf({ stateDir, noState: false })!;
  refuseStateInside(state, mirror, "--mirror");
}

/** Keeps one directory equal with a hub. Whoever made it calls {@link run} once. */
export class ServedMirror {
  readonly #options: ServedMirrorOptions;
  readonly #parts: MirrorParts;
  readonly #fileSystem = new DenoFileSystem();
  readonly #watch: TreeWatch;
  readonly #state: TwoWayState;
  /** Nobody else syncs the directory meanwhile. */
  #lock: Lock | undefined;
  #isDirty = true;
  #wake = (): void => {};
  /** What was lost in rounds that follow each other closely counts as one. */
  readonly #losses: LossBurst;
  /** What was allowed for the first round is not allowed for later ones. */
  #isFirst = true;
  /** What was told last, as long as it stands. */
  #told: string | undefined;

  /** @throws {SyncError} If there is no place to remember rounds. */
  constructor(options: ServedMirrorOptions, parts: MirrorParts) {
    this.#options = options;
    this.#parts = parts;
    this.#losses = new LossBurst(parts.clock);
    this.#state = TwoWayState.open(
      { stateDir: options.stateDir, readOnly: false },
      (message) => this.#warn(message),
    );
    this.#watch = new TreeWatch(this.#fileSystem, {
      changed: () => this.#changed(),
      failed: ({ message }) =>
        this.#warn(
          `Changes in ${displayPath(options.mirror)} are found by looking ` +
            `every --mirror-interval only: ${message}`,
        ),
    });
  }

  /** Goes on until the signal aborts; never rejects. */
  async run(): Promise<void> {
    const { clock, signal, store } = this.#parts;
    const stopHearing = store.onAccepted(() => this.#changed());
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        this.#isDirty = false;
        const start = clock.now();
        await this.#try();
        // A large tree is not looked at without end.
        const pause = Math.max(MOMENT_MS, clock.now() - start);
        await sleep(pause, clock, signal);
        await this.#dirtyOrDue();
      }
    } catch (error) {
      if (!signal.aborted) this.#warn(messageOf(error));
    } finally {
      signal.removeEventListener("abort", onAbort);
      stopHearing();
      this.#watch.close();
      this.#lock?.release();
    }
  }

  #changed(): void {
    this.#isDirty = true;
    this.#wake();
  }

  async #dirtyOrDue(): Promise<void> {
    const { clock, signal } = this.#parts;
    if (this.#isDirty || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(this.#options.mirrorInterval, resolve);
    this.#wake = resolve;
    await promise;
    cancel();
    this.#wake = () => {};
  }

  /** One round; what stops it is told once, until something else does. */
  async #try(): Promise<void> {
    const { signal, reporter } = this.#parts;
    try {
      const summary = await this.#round();
      if (this.#isFirst) this.#losses.forget();
      this.#isFirst = false;
      this.#tell(summary);
    } catch (error) {
      if (signal.aborted) return;
      const message = messageOf(error);
      if (message === this.#told) return;
      this.#told = message;
      if (error instanceof GuardError) {
        reporter.report({ kind: "halted", message });
      } else this.#warn(`The mirror is behind: ${message}`);
    }
  }

  async #round(): Promise<TwoWaySummary> {
    const { mirror, allowNewRoot } = this.#options;
    const mayBeNew = this.#isFirst && allowNewRoot;
    this.#lock ??= await this.#state.lock(mirror);
    const root = this.#state.root(mirror);
    if (!mayBeNew) requireRoot(root, mirror);
    if (root.isReplaced) {
      if (!mayBeNew) refuseReplaced(mirror);
      root.renew();
    }
    Deno.mkdirSync(mirror, { recursive: true });
    root.persist();
    const top = await this.#fileSystem.openRoot(mirror);
    await this.#watch.begin(top).finally(() => top.close());
    const digests = this.#state.digestsOf(mirror);
    try {
      const alpha = await LocalEndpoint.open(this.#watch.fileSystem, mirror, {
        create: true,
        digests,
        onKept: ({ message }) => this.#warn(message),
      });
      let kind: "done" | "failed" = "failed";
      try {
        await alpha.recover(Date.now());
        const summary = await this.#sync(alpha, root.id);
        this.#watch.finish();
        kind = "done";
        return summary;
      } finally {
        await alpha.close({ kind, message: "" });
      }
    } finally {
      digests.close();
    }
  }

  async #sync(alpha: LocalEndpoint, alphaId: string): Promise<TwoWaySummary> {
    const { store, trees, signal } = this.#parts;
    const { mirror, allowDelete } = this.#options;
    const ignore = ignoreFor(NO_EXCLUDES, mirror);
    const ancestry = await PairedAncestry.open({
      alphaId,
      beta: store.pairings,
      records: this.#state.ancestors,
      newToken: newPairingId,
      warn: (message) => this.#warn(message),
    }, await store.pairings.look(alphaId));
    const beta = new HubEndpoint({
      ...{ store, trees, client: CLIENT },
      approval: !this.#options.noApproval,
      peer: () => alphaId,
    });
    try {
      return await bidirectional({ alpha, beta }, ancestry, {
        policy: "newest",
        labels: { alpha: CLIENT, beta: "hub" },
        limits: {
          maxDelete: undefined,
          allowDelete: this.#isFirst
            ? allowDelete
            : laterAllowance(allowDelete),
        },
        losses: this.#losses.begin(),
        symlinks: "copy",
        ignore: {
          ...ignore,
          rules: [...ignore.rules, ...store.policy.rules()],
        },
        signal,
      });
    } finally {
      this.#losses.end();
      await beta.close();
    }
  }

  #tell({ changes, conflicts, problems }: TwoWaySummary): void {
    const { reporter } = this.#parts;
    for (const conflict of conflicts) {
      const event = { kind: "conflict", conflict } as const;
      reporter.report({ kind: "two-way", event });
    }
    // What stays wrong is told once, not in each round.
    const all = problems.map(({ problem }) => problem.message).join("\n");
    if (problems.length > 0 && all !== this.#told) {
      for (const { side, problem } of problems) {
        reporter.report({ kind: "problem", side, problem });
      }
    }
    this.#told = problems.length > 0 ? all : undefined;
    const here = count(changes.alpha);
    const there = count(changes.beta);
    if (here + there + conflicts.length === 0) return;
    const event = {
      kind: "mirrored",
      toDirectory: here,
      toHub: there,
      conflicts: conflicts.length,
      open: openConflicts({ conflicts }).length,
    } as const;
    reporter.report({ kind: "hub", event });
  }

  #warn(message: string): void {
    this.#parts.reporter.report({ kind: "warning", message });
  }
}

function count(
  { created, replaced, touched, deleted, moved }:
    TwoWaySummary["changes"]["alpha"],
): number {
  return created + replaced + touched + deleted + moved;
}
