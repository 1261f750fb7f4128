/**
 * Before content travels: the source describes the files that the target wants
 * described, the target answers what it lacks of them. In batches, so that it
 * takes few round trips, however many files; and while the target answers, the
 * source describes the next batch.
 */
import type {
  DescribeRequest,
  Description,
  GapRequest,
  Lacking,
} from "../content/description.ts";
import type { PlannedFile } from "../core/change.ts";
import type { RelPath } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { RecipeCalls } from "./endpoint.ts";
import { MAX_DESCRIBED_FILES } from "../protocol/limits.ts";

/** Files of about so many bytes are described together: about 16,000 chunks. */
const BATCH_BYTES = 1024 * 1024 * 1024;

/** Who wants it stopped, and who hears of it. */
export interface NegotiateOptions {
  readonly signal: AbortSignal | undefined;
  /** Called for each batch with the first file of it. */
  readonly onProgress?: (path: RelPath) => void;
}

/**
 * What has to be supplied of `files`, by their numbers; those that are not in the
 * answer have to be supplied as a whole.
 * @throws {ProtocolError} If either side answers something else than was asked.
 */
export async function negotiate(
  { source, target }: {
    readonly source: Pick<RecipeCalls, "describe">;
    readonly target: Pick<RecipeCalls, "lacking">;
  },
  files: Iterable<PlannedFile>,
  { signal, onProgress }: NegotiateOptions,
): Promise<ReadonlyMap<number, readonly GapRequest[]>> {
  const gaps = new Map<number, readonly GapRequest[]>();
  const stop = new AbortController();
  const stopped = signal === undefined
    ? stop.signal
    : AbortSignal.any([signal, stop.signal]);
  const batches = batchesOf(files);
  let next = describeNext();
  try {
    for (let described; (described = await next) !== undefined;) {
      next = describeNext();
      await settle(described);
    }
    return gaps;
  } catch (error) {
    stop.abort(error);
    await next.catch(() => {});
    throw error;
  }

  function describeNext(): Promise<Described | undefined> {
    const described = describe(batches.next().value);
    // It is awaited only later, and must not fail unheard until then.
    described.catch(() => {});
    return described;
  }

  async function describe(
    requests: readonly DescribeRequest[] | undefined,
  ): Promise<Described | undefined> {
    const [first] = requests ?? [];
    if (requests === undefined || first === undefined) return undefined;
    onProgress?.(first.path);
    const descriptions = await source.describe(requests, stopped);
    checkSame(requests, descriptions);
    return { requests, descriptions };
  }

  /** Asks the target, which may have to know the chunks of some pages first. */
  async function settle({ requests, descriptions }: Described): Promise<void> {
    const answers = await target.lacking(descriptions, stopped);
    checkSame(descriptions, answers);
    const more: DescribeRequest[] = [];
    for (const [i, answer] of answers.entries()) {
      const request = requests[i]!;
      if (answer.kind === "gaps") gaps.set(answer.index, answer.gaps);
      if (answer.kind !== "pages") continue;
      if (request.pages !== undefined) throw unexpected(answer);
      more.push({ ...request, pages: answer.pages });
    }
    const described = more.length === 0 ? undefined : await describe(more);
    if (described !== undefined) await settle(described);
  }
}

/** What was asked for, and what came, in the same order. */
interface Described {
  readonly requests: readonly DescribeRequest[];
  readonly descriptions: readonly Description[];
}

function* batchesOf(
  files: Iterable<PlannedFile>,
): Generator<readonly DescribeRequest[], undefined> {
  let batch: DescribeRequest[] = [];
  let bytes = 0;
  for (const { index, path, entry } of files) {
    const isFull = batch.length === MAX_DESCRIBED_FILES ||
      bytes + entry.size > BATCH_BYTES;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ index, path, entry });
    bytes += entry.size;
  }
  if (batch.length > 0) yield batch;
}

/** @throws {ProtocolError} If `answers` are not for the very files of `asked`. */
function checkSame(
  asked: readonly { readonly index: number }[],
  answers: readonly { readonly index: number }[],
): void {
  if (
    asked.length === answers.length &&
    asked.every(({ index }, i) => index === answers[i]!.index)
  ) return;
  throw new ProtocolError("An answer is not for the files that were asked for");
}

function unexpected({ kind, index }: Lacking): ProtocolError {
  return new ProtocolError(`The ${kind} of file ${index} were asked for twice`);
}
