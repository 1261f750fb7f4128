/**
 * A round's work at a target, small before large: what is small is in place before
 * the content of anything large begins to pass. Each part is staged, supplied and
 * carried out by itself; the second begins with what the first has made of the
 * target. Whoever looks from outside sees one list of changes.
 */
import { type Change, countPlannedFiles } from "../core/change.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { orderBySize, type Part } from "../core/order_by_size.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import { achievedChanges, unexplained } from "./achieved.ts";
import { carryOut, type CarryOutOptions } from "./carry_out.ts";
import type { Endpoint, TransitionResult } from "./endpoint.ts";
import type { EventListener, SidedProblem, SyncEvent } from "./events.ts";
import { breaksSession } from "./fault.ts";
import type { RoundObserver } from "./round_observer.ts";

/** Who may break large content off, for something else to come first. */
export interface Interruption {
  /** Aborted when the content is to stop passing. */
  readonly signal: AbortSignal;
  /** Sees the content of the large changes, with their own numbers. */
  passing(batch: ContentBatch): void;
  /** To be called when the content has passed, or was broken off. */
  stop(): void;
}

/** How to carry out a round. */
export interface OrderedOptions extends Omit<CarryOutOptions, "stop"> {
  /** The tree of the target, as it is before. */
  readonly root: DirectoryEntry;
  /** Whether mode bits count. */
  readonly modes: boolean;
  /** Called when these large changes are about to be staged. */
  readonly interruption?: (large: readonly Change[]) => Interruption;
}

/** What came of the work. */
export interface CarriedOut {
  readonly achieved: readonly Change[];
  /** Why the others were not; of what is postponed nothing is said. */
  readonly problems: readonly Problem[];
  /** What did not get its turn. */
  readonly postponed: readonly Change[];
  /** Why not, where it was not broken off: the caller is to throw it. */
  readonly failure: { readonly error: unknown } | undefined;
  /** The tree of the target, before {@link since}. */
  readonly root: DirectoryEntry;
  /** What was achieved last, of which `Endpoint.advance` was not told yet. */
  readonly since: readonly Change[];
}

/** A part that was carried out. */
interface Done {
  readonly part: Part;
  readonly result: TransitionResult;
}

/**
 * Makes `target` carry out `changes` with content of `source`.
 * @throws {SyncError} If it fails before anything was carried out.
 */
export async function carryOutInOrder(
  source: Endpoint,
  target: Endpoint,
  changes: readonly Change[],
  options: OrderedOptions,
): Promise<CarriedOut> {
  const { modes, signal } = options;
  const parts = target.follows
    ? orderBySize(changes)
    : [{ changes, places: undefined, isLarge: false }];
  const audience = new Audience(changes, options);
  const dones: Done[] = [];
  let { root } = options;
  let since: readonly Change[] = [];
  let failure: CarriedOut["failure"];
  for (const [i, part] of parts.entries()) {
    try {
      if (i > 0) {
        signal?.throwIfAborted();
        root = await target.advance(root, since, modes);
        since = [];
      }
      const isLast = i === parts.length - 1;
      const result = await carryOutPart(source, target, part, {
        ...audience.optionsFor(part, isLast),
        ...(options.interruption && { interruption: options.interruption }),
      });
      if (result === undefined) break;
      dones.push({ part, result });
      since = achievedChanges(part.changes, result);
    } catch (error) {
      if (i === 0) throw error;
      // What was done is done, and has to be told of.
      failure = { error };
      break;
    }
  }
  const rest = { failure, root, since };
  if (dones.length === parts.length) {
    const result = merged(changes, dones);
    return { ...outcomeOf(changes, result), postponed: [], ...rest };
  }
  const postponed = parts[dones.length]!.changes;
  const [first] = dones;
  if (first === undefined) {
    return { achieved: [], problems: [], postponed, ...rest };
  }
  const { part, result } = first;
  return { ...outcomeOf(part.changes, result), postponed, ...rest };
}

/** Carries out one part; undefined where it was broken off. */
async function carryOutPart(
  source: Endpoint,
  target: Endpoint,
  part: Part,
  options:
    & CarryOutOptions
    & Pick<OrderedOptions, "interruption">,
): Promise<TransitionResult | undefined> {
  const { interruption, ...rest } = options;
  const { observers = [] } = rest;
  if (interruption === undefined || !part.isLarge) {
    return await carryOut(source, target, part.changes, rest);
  }
  const watch = interruption(part.changes);
  const { signal } = watch;
  const watcher: RoundObserver = {
    staging(): void {},
    passing: (batch) => watch.passing(batch),
    applied: () => Promise.resolve(),
  };
  try {
    return await carryOut(source, target, part.changes, {
      ...rest,
      observers: [watcher, ...observers],
      stop: signal,
      onSupplied: () => watch.stop(),
    });
  } catch (error) {
    const isBrokenOff = signal.aborted && !rest.signal?.aborted;
    if (!isBrokenOff || breaksSession(error)) throw error;
    return undefined;
  } finally {
    watch.stop();
  }
}

/** Who hears of a round as a whole, while it is done in parts. */
class Audience {
  readonly #changes: readonly Change[];
  readonly #options: CarryOutOptions;
  #files = 0;
  #bytes = 0;
  #isStaged = false;

  constructor(
    changes: readonly Change[],
    { signal, onEvent, observers, onUnavailable }: CarryOutOptions,
  ) {
    this.#changes = changes;
    this.#options = {
      ...(signal && { signal }),
      ...(onEvent && { onEvent }),
      ...(observers && { observers }),
      ...(onUnavailable && { onUnavailable }),
    };
  }

  optionsFor(part: Part, isLast: boolean): CarryOutOptions {
    if (part.places === undefined) return this.#options;
    const { onEvent, observers = [] } = this.#options;
    return {
      ...this.#options,
      ...(onEvent && { onEvent: this.#counting(onEvent, isLast) }),
      ...(observers.length > 0 && {
        observers: this.#renumbering(part, observers),
      }),
    };
  }

  /** Counts on from what earlier parts have sent. */
  #counting(onEvent: EventListener, isLast: boolean): EventListener {
    const before = { files: this.#files, bytes: this.#bytes };
    return (event: SyncEvent): void => {
      if (event.kind === "applying" && !isLast) return;
      if (event.kind !== "transfer") return onEvent(event);
      this.#files = before.files + event.files;
      this.#bytes = before.bytes + event.bytes;
      onEvent({ ...event, files: this.#files, bytes: this.#bytes });
    };
  }

  /** Gives files the numbers that they have in the whole list. */
  #renumbering(
    part: Part,
    observers: readonly RoundObserver[],
  ): RoundObserver[] {
    const numbers = numbersIn(this.#changes, part);
    const isFirst = !this.#isStaged;
    this.#isStaged = true;
    return observers.map((observer) => ({
      staging: (): void => {
        if (isFirst) observer.staging(this.#changes);
      },
      passing({ pieces, ...batch }): void {
        const renumbered = pieces.map((piece) => ({
          ...piece,
          index: numbers[piece.index]!,
        }));
        observer.passing({ ...batch, pieces: renumbered });
      },
      applied: (round) => observer.applied(round),
    }));
  }
}

/** Numbers in the whole list of the files of `part`, in their order. */
function numbersIn(changes: readonly Change[], part: Part): Uint32Array {
  const { changes: own, places = changes.keys() } = part;
  const firsts = new Uint32Array(changes.length);
  let next = 0;
  for (const [i, change] of changes.entries()) {
    firsts[i] = next;
    next += countPlannedFiles([change]);
  }
  const numbers = new Uint32Array(countPlannedFiles(own));
  let at = 0;
  let i = 0;
  for (const place of places) {
    const count = countPlannedFiles([own[i++]!]);
    for (let k = 0; k < count; k++) numbers[at++] = firsts[place]! + k;
  }
  return numbers;
}

/** What is to be said of `changes` after a transition. */
function outcomeOf(
  changes: readonly Change[],
  result: TransitionResult,
): Pick<CarriedOut, "achieved" | "problems"> {
  return {
    achieved: achievedChanges(changes, result),
    problems: [...result.problems, ...unexplained(changes, result)],
  };
}

/** One result for the whole list; what is in two parts is done when both are. */
function merged(
  { length }: readonly Change[],
  dones: readonly Done[],
): TransitionResult {
  const [first] = dones;
  if (first?.part.places === undefined) return first!.result;
  const done = new Uint8Array(length).fill(1);
  for (const { part, result } of dones) {
    for (const [i, place] of part.places!.entries()) {
      if (result.done[i] !== 1) done[place] = 0;
    }
  }
  return { done, problems: dones.flatMap(({ result }) => result.problems) };
}

/** What is not there yet is left out so far, for whoever hears of the round. */
export function asPostponed({ path }: Change): SidedProblem {
  const message = "It did not get its turn";
  return { side: "target", problem: { path, code: "stale", message } };
}
