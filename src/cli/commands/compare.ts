/** Compares a source with its target, wherever that is, and changes nothing. */
import { comparePaths } from "../../core/path.ts";
import { madeBy } from "../../core/moves.ts";
import { type Action, actionsOf } from "../../core/plan.ts";
import { nextTurn } from "../../core/turn.ts";
import { isFileSystemError } from "../../errors.ts";
import type { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Comparison } from "../../session/events.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import {
  type CompareOptions,
  compareSides,
} from "../../session/compare_sides.ts";
import { compareWithNothing } from "../../session/preview.ts";
import type { Target } from "../values.ts";
import type { CommandContext } from "./context.ts";
import type { Connecting } from "./sync_remote.ts";

const ACTIONS_PER_TURN = 256;

/** What a comparison is given. */
export interface CompareWork {
  readonly to: Target;
  /** How long to try to reach a listener, in milliseconds; 0: one try. */
  readonly retryFor: number;
  readonly fileSystem: DenoFileSystem;
  /** Open; it stays with its owner. */
  readonly source: LocalEndpoint;
  readonly mirrorOptions: CompareOptions;
  readonly context: CommandContext;
  /** How to connect to the listener, if there is one. */
  readonly connecting: Connecting;
}

/**
 * Compares both sides. A listener hears goodbye before this returns: whoever
 * reads what is printed may take their time. A target directory that is missing
 * is not made; with `orNothing` it counts as one that holds nothing.
 * @throws {SyncError}
 */
export async function compare(
  work: CompareWork,
  { orNothing }: { readonly orNothing: boolean },
): Promise<Comparison> {
  const { to, retryFor, source, mirrorOptions, context, connecting } = work;
  if (to.kind === "directory") {
    return await compareWithDirectory(work, to.path, orNothing);
  }
  const { workWithListener } = await import("./sync_remote.ts");
  const { result } = await workWithListener(source, {
    url: to.url,
    retryFor,
    connecting,
    work: (target) => compareSides(source, target, mirrorOptions),
    outcomeOf: () => ({ kind: "planned", message: "" }),
  }, context);
  return result;
}

/**
 * Reports the moves, calls `act` for each action that would make the sides equal, then reports what
 * is wrong, in path order. A long list leaves the program able to be interrupted.
 */
export async function reportComparison(
  { moves, changes, modes, problems }: Comparison,
  { reporter, signal }: CommandContext,
  act: (action: Action) => void,
): Promise<void> {
  for (const move of moves) reporter.report({ kind: "move", move });
  let count = 0;
  const all = [...madeBy(moves), ...changes];
  for (const action of actionsOf(all, { modes })) {
    act(action);
    if (++count % ACTIONS_PER_TURN !== 0) continue;
    await nextTurn();
    signal.throwIfAborted();
  }
  const sorted = problems.toSorted((a, b) =>
    comparePaths(a.problem.path, b.problem.path)
  );
  for (const { side, problem } of sorted) {
    reporter.report({ kind: "problem", side, problem });
  }
}

async function compareWithDirectory(
  { fileSystem, source, mirrorOptions }: CompareWork,
  path: string,
  orNothing: boolean,
): Promise<Comparison> {
  let target: LocalEndpoint;
  try {
    const owners = mirrorOptions.owners === true;
    target = await LocalEndpoint.open(fileSystem, path, { owners });
  } catch (error) {
    if (!orNothing || !isFileSystemError(error, "not-found")) throw error;
    const place = { name: path, traits: fileSystem.traits };
    return await compareWithNothing(source, place, mirrorOptions);
  }
  try {
    return await compareSides(source, target, mirrorOptions);
  } finally {
    await target.close({ kind: "planned", message: "" });
  }
}
