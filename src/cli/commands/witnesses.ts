/** Who is told what a `sync` has done at each path: the log, the console, a hook. */
import {
  addChanges,
  hasChanges,
  NO_CHANGES,
  totalsOfChanges,
} from "../../core/change.ts";
import type { Digest } from "../../core/entry.ts";
import type { Operation } from "../../core/operation.ts";
import { OperationRecorder } from "../../session/operation_recorder.ts";
import type {
  AppliedRound,
  RoundObserver,
} from "../../session/round_observer.ts";
import type { Reporter } from "../events.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { ChangeHook } from "../hook/hook.ts";
import { MAX_LISTED_CHANGES } from "../hook/manifest.ts";
import { openLog } from "../log/log_option.ts";
import type { OperationLog } from "../log/operation_log.ts";
import type { CommandContext } from "./context.ts";
import { openHook } from "./hook_option.ts";
import { realPlaceOf } from "./overlap.ts";
import { textOfTarget } from "./target_name.ts";
import type { SyncJob, SyncOptions } from "./sync_job.ts";
import type { SyncWork } from "./sync_trees.ts";

/**
 * Does `act` with all witnesses that the options name, and waits for them.
 * @returns What `act` answers; "partial" where the log is incomplete.
 * @throws {UsageError} If the log lies inside the source or the target.
 * @throws {FileSystemError} If it can't be written to; nothing is changed then.
 */
export async function witnessed(
  job: SyncJob,
  { reporter, signal, isShared = false }: CommandContext & {
    /** Whether the log is also that of other targets. */
    readonly isShared?: boolean;
  },
  act: (witnesses: Witnesses) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { from, to } = job.options;
  const trees = [
    { option: "--from", path: from },
    ...(to.kind === "directory" ? [{ option: "--to", path: to.path }] : []),
  ];
  using log = openLog(
    job.options,
    trees,
    (message) => reporter.report({ kind: "warning", message }),
  );
  const hook = openHook(job.options, reporter);
  let exit: ExitCode;
  try {
    exit = await act(
      new Witnesses(job.options, { reporter, signal, log, hook, isShared }),
    );
  } finally {
    await hook?.close(signal);
  }
  return log?.hasFailed && exit === EXIT.done ? EXIT.partial : exit;
}

/** Sees the rounds of one run, and tells of them. */
export class Witnesses implements RoundObserver {
  readonly #options: SyncOptions;
  readonly #reporter: Reporter;
  readonly #log: OperationLog | undefined;
  readonly #hook: ChangeHook | undefined;
  /** What the lines of the log name as their target. */
  readonly #target: string | undefined;
  readonly #recorder: OperationRecorder;
  /** What the hook has not been told yet: as much as it will list, and one more. */
  #operations: Operation[] = [];
  #totals = NO_CHANGES;

  constructor(
    options: SyncOptions,
    { reporter, signal, log, hook, isShared }: CommandContext & {
      readonly log: OperationLog | undefined;
      readonly hook: ChangeHook | undefined;
      readonly isShared: boolean;
    },
  ) {
    this.#options = options;
    this.#reporter = reporter;
    this.#log = log;
    this.#hook = hook;
    if (isShared) this.#target = textOfTarget(options.to);
    this.#recorder = new OperationRecorder({
      digests: this.#isShown,
      onOperation: (operation) => this.#record(operation),
      signal,
    });
  }

  /** `work`, with the witnesses present. */
  attend(work: SyncWork): SyncWork {
    const { mirrorOptions } = work;
    const observers = [this.#recorder, this];
    return { ...work, mirrorOptions: { ...mirrorOptions, observers } };
  }

  /** Tells the hook what has been done since the last time; `digest` is of the source. */
  tellHook(round: number, digest?: Digest): void {
    const operations = this.#operations;
    const totals = this.#totals;
    this.#operations = [];
    this.#totals = NO_CHANGES;
    if (this.#hook === undefined || !hasChanges(totals)) return;
    const { from, to } = this.#options;
    const root = realPlaceOf(to.kind === "directory" ? to.path : from);
    this.#hook.changed({ round, root, digest, totals }, operations);
  }

  staging(): void {}

  passing(): void {}

  applied({ achieved, moves, comparison }: AppliedRound): Promise<void> {
    const { modes } = comparison;
    const totals = totalsOfChanges(achieved, modes, moves.length);
    this.#totals = addChanges(this.#totals, totals);
    return Promise.resolve();
  }

  get #isShown(): boolean {
    return this.#log !== undefined || this.#options.verbose;
  }

  #record(operation: Operation): void {
    if (this.#hook && this.#operations.length <= MAX_LISTED_CHANGES) {
      this.#operations.push(operation);
    }
    if (!this.#isShown) return;
    const entry = { ...operation, time: new Date() };
    const target = this.#target;
    this.#log?.record(target === undefined ? entry : { ...entry, target });
    this.#reporter.report({ kind: "operation", entry });
  }
}
