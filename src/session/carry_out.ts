/** One round's work at a target: content is staged, then all changes at once. */
import type { Change } from "../core/change.ts";
import type { RelPath } from "../core/path.ts";
import type { Endpoint, TransitionResult } from "./endpoint.ts";
import type { EventListener } from "./events.ts";
import { handOver } from "./hand_over.ts";
import type { RoundObserver } from "./round_observer.ts";

/** Who hears of the work, and may stop it. */
export interface CarryOutOptions {
  readonly signal?: AbortSignal;
  /** Breaks off the content alone: what is staged stays, nothing is carried out. */
  readonly stop?: AbortSignal;
  /** Called when all content has passed. */
  readonly onSupplied?: () => void;
  readonly onEvent?: EventListener;
  readonly observers?: readonly RoundObserver[];
  /** Called with the path of each file that the source could not supply. */
  readonly onUnavailable?: (path: RelPath) => void;
}

/** Makes `target` carry out `changes` with content of `source`. */
export async function carryOut(
  source: Endpoint,
  target: Endpoint,
  changes: readonly Change[],
  options: CarryOutOptions,
): Promise<TransitionResult> {
  const { signal, onEvent, observers, onUnavailable } = options;
  const supplying = signal && options.stop
    ? AbortSignal.any([signal, options.stop])
    : options.stop ?? signal;
  await handOver(source, target, changes, {
    signal,
    supplying,
    observers,
    onProgress: (done) => onEvent?.({ kind: "transfer", ...done }),
    onUnavailable,
  });
  options.onSupplied?.();
  onEvent?.({ kind: "applying" });
  return await target.transition(changes, signal);
}
