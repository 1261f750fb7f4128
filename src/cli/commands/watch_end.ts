/** How a watch has ended, in one direction or in both. */
import type { Outcome } from "../../core/outcome.ts";
import type { Problem } from "../../core/problem.ts";
import { messageOf } from "../../errors.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "../exit_code.ts";

/** What is said at the end, to whoever has started the watch and to the other side. */
export interface Watched {
  readonly exit: ExitCode;
  readonly outcome: Outcome;
}

/** How things stand when a watch ends. */
export interface WatchState {
  /** Why it stands still, if it does. */
  readonly halted: Error | undefined;
  /** What is watched and not there any more, if so. */
  readonly lost: string | undefined;
  /** Why the last try failed, if it did. */
  readonly failure: Error | undefined;
  readonly problems: readonly { readonly problem: Problem }[];
  /** How many conflicts are left to people; absent where there can be none. */
  readonly conflicts?: number;
}

/** What `state` comes to. */
export function endOfWatch(state: WatchState): Watched {
  const { halted, lost, failure, problems, conflicts } = state;
  if (halted !== undefined) {
    const { message } = halted;
    return { exit: EXIT.halted, outcome: { kind: "halted", message } };
  }
  if (lost !== undefined) {
    const message = `${lost} is not there`;
    return { exit: EXIT.failed, outcome: { kind: "failed", message } };
  }
  if (failure !== undefined) {
    const outcome = { kind: "failed", message: messageOf(failure) } as const;
    return { exit: exitCodeOfError(failure), outcome };
  }
  // What is being written to at this moment is no problem.
  const { length } = problems.filter(({ problem }) => problem.code !== "stale");
  if (length + (conflicts ?? 0) === 0) {
    return { exit: EXIT.done, outcome: { kind: "done", message: "" } };
  }
  const message = conflicts === undefined
    ? length === 1 ? "1 path left out" : `${length} paths left out`
    : `${length} paths left out, ${conflicts} conflicts left`;
  return { exit: EXIT.partial, outcome: { kind: "partial", message } };
}
