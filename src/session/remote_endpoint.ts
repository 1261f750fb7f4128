/**
 * Endpoint over a session: the asking side. At the other end `serveEndpoint`
 * answers from an endpoint of its own.
 */
import { type Change, countPlannedFiles } from "../core/change.ts";
import type { Move } from "../core/moves.ts";
import { NO_ORIGINS } from "../core/origins.ts";
import { applyChanges } from "../core/apply_changes.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Outcome } from "../core/outcome.ts";
import type {
  ContentRequest,
  DescribeRequest,
  Description,
  Lacking,
} from "../content/description.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { writeChanges } from "../protocol/change_codec.ts";
import { FrameType } from "../protocol/frame.ts";
import {
  DoneReader,
  ProblemReader,
  readCount,
  readScanSummary,
  type ScanSummary,
  writePaths,
  writeScanOptions,
  writeSynced,
} from "../protocol/message.ts";
import { writeMoves } from "../protocol/move_codec.ts";
import { Capability } from "../protocol/version.ts";
import { writeDescribes } from "../protocol/description_codec.ts";
import { GapReader } from "../protocol/gap_codec.ts";
import { LackingReader } from "../protocol/lacking_codec.ts";
import { WantReader } from "../protocol/want_codec.ts";
import { plannedSizes } from "./content_order.ts";
import type {
  Endpoint,
  MoveResult,
  Notices,
  RecipeCalls,
  RoundNote,
  ScanContext,
  Staging,
  TransitionResult,
} from "./endpoint.ts";
import type { ContentLink } from "./content_sender.ts";
import { cancelOn, type Exchange, unexpected } from "./exchange.ts";
import { closingOnFault } from "./fault.ts";
import { fetchTree } from "./fetch_tree.ts";
import {
  fromWireLacking,
  receiveDescriptions,
  sendDescriptions,
  toWireDescribe,
} from "./recipe_messages.ts";
import { receiveContent, sendContent } from "./remote_content.ts";
import type { Session } from "./session.ts";

/** What a {@link RemoteEndpoint} needs of its session. */
export type AskingSession =
  & Pick<
    Session,
    "name" | "peer" | "recipes" | "open" | "close" | "bye" | keyof ContentLink
  >
  & Partial<Pick<Session, "onChanged">>;

/** The endpoint at the other end of a session, which {@link close} ends. */
export class RemoteEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
  readonly recipes: RecipeCalls | undefined;
  readonly follows: boolean;
  readonly notices: Notices | undefined;
  readonly #session: AskingSession;
  #staged: readonly Change[] | undefined;
  /** Sizes of the files that were staged last, by number; once they are needed. */
  #sizes: Float64Array | undefined;
  /** Counts the gaps in all answers about them. */
  #gaps = new GapReader();
  /** How many notices the peer may send: one for being asked to, one for each scan. */
  #notices = 0;

  constructor(
    session: AskingSession,
    options: { readonly name?: string } = {},
  ) {
    this.#session = session;
    this.name = options.name ?? session.name;
    this.traits = session.peer.traits;
    this.recipes = session.recipes
      ? {
        isRemote: true,
        describe: (requests, signal) => this.#describe(requests, signal),
        lacking: (descriptions, signal) => this.#lacking(descriptions, signal),
      }
      : undefined;
    const { capabilities } = session.peer;
    this.follows = capabilities.has(Capability.follow);
    this.notices = capabilities.has(Capability.notices)
      ? { subscribe: (onChange, signal) => this.#subscribe(onChange, signal) }
      : undefined;
  }

  async scan(
    options: ScanOptions,
    context: ScanContext = {},
  ): Promise<Snapshot> {
    const { known, origins, signal, onProgress } = context;
    this.#notices++;
    // They are awaited only later, and must not fail unheard until then.
    known?.catch(() => {});
    origins?.catch(() => {});
    const { summary, problems } = await this.#ask(signal, async (exchange) => {
      writeScanOptions(exchange.page, options);
      await exchange.send(FrameType.scan, { end: true });
      return await receiveScanAnswer(exchange, onProgress);
    });
    const { root, totals, ignoreDigest } = summary;
    const tree = (await known)?.root;
    const { children, presumed } = await fetchTree(root, tree, {
      modes: options.modes,
      origins: await origins ?? NO_ORIGINS,
      ask: (work) => this.#ask(signal, work),
    });
    return {
      root: isSameRoot(tree, root) ? tree : { ...root, children },
      totals,
      problems,
      ignoreDigest,
      ...(presumed.length > 0 && { presumed }),
    };
  }

  confirmAbsent(
    absent: readonly Change["path"][],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    return this.#ask(signal, async (exchange) => {
      await exchange.sendPages(
        FrameType.confirm,
        (page) => writePaths(page, absent),
      );
      const reader = new ProblemReader();
      for await (const frame of exchange.frames(FrameType.problems)) {
        reader.read(new ByteReader(frame.payload));
      }
      return reader.problems;
    });
  }

  get moves(): boolean {
    return this.#session.peer.capabilities.has(Capability.moves);
  }

  async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    this.#staged = undefined;
    const result = await this.#ask(signal, async (exchange) => {
      await exchange.sendPages(
        FrameType.move,
        (page) => writeMoves(page, moves),
      );
      return await receiveDone(exchange, moves.length);
    });
    return { ...result, ctimes: [] };
  }

  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<Staging> {
    this.#staged = undefined;
    this.#sizes = undefined;
    this.#gaps = new GapReader();
    const { recipes } = this.#session;
    const wants = await this.#ask(signal, async (exchange) => {
      await exchange.sendPages(
        FrameType.stage,
        (page) => writeChanges(page, changes),
      );
      const files = countPlannedFiles(changes);
      const reader = new WantReader(files, { recipes });
      for await (const frame of exchange.frames(FrameType.wants)) {
        reader.read(new ByteReader(frame.payload));
      }
      return reader.wants;
    });
    this.#staged = changes;
    return { wants, writable: sendContent(this.#session, signal) };
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return receiveContent(this.#session, requests, signal);
  }

  transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    if (changes !== this.#staged) {
      throw new TypeError("Only what was staged last can be carried out");
    }
    this.#staged = undefined;
    return this.#ask(signal, async (exchange) => {
      await exchange.send(FrameType.transition, { end: true });
      return await receiveDone(exchange, changes.length);
    });
  }

  /** The other end does the same with what it has. */
  advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    return Promise.resolve(applyChanges(root, changes, modes));
  }

  async synced(round: RoundNote, signal?: AbortSignal): Promise<void> {
    if (!this.follows) return;
    await this.#ask(signal, async (exchange) => {
      writeSynced(exchange.page, round);
      await exchange.send(FrameType.synced, { end: true });
      const reader = await exchange.receiveOnly(FrameType.noted);
      reader.end("a note");
    });
  }

  close(outcome: Outcome): Promise<void> {
    return this.#session.bye(outcome);
  }

  async #subscribe(
    onChange: () => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const session = this.#session;
    this.#notices++;
    session.onChanged = () => {
      if (this.#notices-- > 0) return onChange();
      session.close(new ProtocolError("The peer tells of changes unasked"));
    };
    await this.#ask(signal, async (exchange) => {
      await exchange.send(FrameType.watch, { end: true });
      const reader = await exchange.receiveOnly(FrameType.noted);
      reader.end("a note");
    });
  }

  #describe(
    requests: readonly DescribeRequest[],
    signal?: AbortSignal,
  ): Promise<readonly Description[]> {
    return this.#ask(signal, async (exchange) => {
      await exchange.sendPages(
        FrameType.describe,
        (page) => writeDescribes(page, requests.map(toWireDescribe)),
      );
      return await receiveDescriptions(exchange);
    });
  }

  #lacking(
    descriptions: readonly Description[],
    signal?: AbortSignal,
  ): Promise<readonly Lacking[]> {
    const staged = this.#staged;
    if (staged === undefined) {
      throw new TypeError("Nothing is staged that recipes could be for");
    }
    return this.#ask(signal, async (exchange) => {
      await sendDescriptions(exchange, descriptions);
      const sizes = this.#sizes ??= Float64Array.from(plannedSizes(staged));
      const described = new Set(descriptions.map(({ index }) => index));
      const sizeOf = (index: number): number | undefined =>
        described.has(index) ? sizes[index] : undefined;
      const reader = new LackingReader(sizeOf, this.#gaps);
      for await (const { payload } of exchange.frames(FrameType.lacking)) {
        reader.read(new ByteReader(payload));
      }
      if (!reader.incomplete) return reader.answers.map(fromWireLacking);
      throw new ProtocolError("What is lacking ends in the middle of a file");
    });
  }

  /** Runs one exchange; where it fails at this side, the peer hears it. */
  async #ask<T>(
    signal: AbortSignal | undefined,
    work: (exchange: Exchange) => Promise<T>,
  ): Promise<T> {
    const exchange = this.#session.open();
    const release = cancelOn(signal, exchange);
    try {
      return await closingOnFault(this.#session, () => work(exchange));
    } catch (error) {
      exchange.fail(error, "cancel");
      throw error;
    } finally {
      release();
    }
  }
}

/** Whether a foreign root is just as the one that was known. */
function isSameRoot(
  known: DirectoryEntry | undefined,
  root: DirectoryEntry,
): known is DirectoryEntry {
  return known !== undefined && known.digest !== undefined &&
    known.digest === root.digest && known.mode === root.mode &&
    known.mtime === root.mtime && known.owner?.uid === root.owner?.uid &&
    known.owner?.gid === root.owner?.gid;
}

async function receiveScanAnswer(
  exchange: Exchange,
  onProgress: ScanContext["onProgress"],
): Promise<{ summary: ScanSummary; problems: readonly Problem[] }> {
  const { progress, scanned, problems: problemPage } = FrameType;
  const problems = new ProblemReader();
  let summary: ScanSummary | undefined;
  for await (const frame of exchange.frames(progress, scanned, problemPage)) {
    const reader = new ByteReader(frame.payload);
    // Progress, then the summary, then what is wrong.
    const isPage = frame.type === problemPage;
    if (isPage === (summary === undefined)) throw unexpected(frame);
    if (isPage) problems.read(reader);
    else if (frame.type === scanned) summary = readScanSummary(reader);
    else {
      const entries = readCount(reader);
      onProgress?.(entries);
    }
    reader.end("the answer to a scan");
  }
  if (summary === undefined) throw unexpected(undefined);
  return { summary, problems: problems.problems };
}

/** Receives which of `count` things were done, and what was wrong with the others. */
async function receiveDone(
  exchange: Exchange,
  count: number,
): Promise<TransitionResult> {
  const done = new DoneReader(count);
  const problems = new ProblemReader();
  for await (
    const { type, payload } of exchange.frames(
      FrameType.problems,
      FrameType.done,
    )
  ) {
    const reader = new ByteReader(payload);
    if (type === FrameType.done) done.read(reader);
    else problems.read(reader);
  }
  if (done.incomplete) {
    throw new ProtocolError("The answer about what was done is incomplete");
  }
  return { done: done.done, problems: problems.problems };
}
