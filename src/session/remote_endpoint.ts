/**
 * Endpoint over a session: the asking side. At the other end `serveEndpoint`
 * answers from an endpoint of its own.
 */
import { type Change, countPlannedFiles } from "../core/change.ts";
import { applyChanges } from "../core/apply_changes.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Outcome } from "../core/outcome.ts";
import type { ContentBatch, SupplyRequest } from "../core/piece.ts";
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
import { Capability } from "../protocol/version.ts";
import { WantReader } from "../protocol/want_codec.ts";
import type {
  Endpoint,
  RoundNote,
  ScanContext,
  Staging,
  TransitionResult,
} from "./endpoint.ts";
import { cancelOn, type Exchange, unexpected } from "./exchange.ts";
import { closingOnFault } from "./fault.ts";
import { fetchTree } from "./fetch_tree.ts";
import { receiveContent, sendContent } from "./remote_content.ts";
import type { Session } from "./session.ts";

/** The endpoint at the other end of a session, which {@link close} ends. */
export class RemoteEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
  readonly follows: boolean;
  readonly #session: Session;
  #staged: readonly Change[] | undefined;

  constructor(session: Session, options: { readonly name?: string } = {}) {
    this.#session = session;
    this.name = options.name ?? session.name;
    this.traits = session.peer.traits;
    this.follows = session.peer.capabilities.has(Capability.follow);
  }

  async scan(
    options: ScanOptions,
    context: ScanContext = {},
  ): Promise<Snapshot> {
    const { known, signal, onProgress } = context;
    // It is awaited only later, and must not fail unheard until then.
    known?.catch(() => {});
    const { summary, problems } = await this.#ask(signal, async (exchange) => {
      writeScanOptions(exchange.page, options);
      await exchange.send(FrameType.scan, { end: true });
      return await receiveScanAnswer(exchange, onProgress);
    });
    const { root, totals, ignoreDigest } = summary;
    const children = await fetchTree(root, (await known)?.root, {
      modes: options.modes,
      ask: (work) => this.#ask(signal, work),
    });
    return {
      root: { ...root, children },
      totals,
      problems,
      ignoreDigest,
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

  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<Staging> {
    this.#staged = undefined;
    const wants = await this.#ask(signal, async (exchange) => {
      await exchange.sendPages(
        FrameType.stage,
        (page) => writeChanges(page, changes),
      );
      const reader = new WantReader(countPlannedFiles(changes));
      for await (const frame of exchange.frames(FrameType.wants)) {
        reader.read(new ByteReader(frame.payload));
      }
      return reader.wants;
    });
    this.#staged = changes;
    return { wants, writable: sendContent(this.#session, signal) };
  }

  supply(
    requests: Iterable<SupplyRequest>,
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
      const done = new DoneReader(changes.length);
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
        throw new ProtocolError("The answer to a transition is incomplete");
      }
      return { done: done.done, problems: problems.problems };
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
