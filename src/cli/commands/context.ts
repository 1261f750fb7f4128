/** What a command gets from whoever runs it. */
import type { Reporter, SplitReporter } from "../events.ts";

/** Surroundings of a command. */
export interface CommandContext {
  readonly reporter: Reporter;
  /** Aborted when the command is to stop; the reason is an `Interruption`. */
  readonly signal: AbortSignal;
}

/** Surroundings of a command that may have several targets. */
export interface SyncContext extends CommandContext {
  readonly reporter: SplitReporter;
}
