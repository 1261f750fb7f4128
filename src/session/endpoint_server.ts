/**
 * Answers the questions of a `RemoteEndpoint` at the other end of a session from
 * an endpoint of ours, one after the other, and each only where it has its place.
 *
 * | question   | role   | only after                                   |
 * | ---------- | ------ | -------------------------------------------- |
 * | scan       | both   |                                              |
 * | list       | both   | a scan; of directories that were announced   |
 * | confirm    | both   | a scan                                       |
 * | stage      | target | a scan                                       |
 * | content    | target | a stage; once; only files that were wanted   |
 * | transition | target | the content, unless nothing was wanted; once |
 * | supply     | source | a scan; only files that were in it           |
 * | synced     | target | a scan                                       |
 */
import type { Clock } from "../core/clock.ts";
import type { Change } from "../core/change.ts";
import { nextTurn } from "../core/turn.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { NO_IGNORE_FILES } from "../core/ignore_digest.ts";
import { displayPath } from "../core/path.ts";
import type { ContentBatch, SupplyRequest } from "../core/piece.ts";
import { entryAt, type Snapshot } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { ChangeReader } from "../protocol/change_codec.ts";
import { frameName, FrameType } from "../protocol/frame.ts";
import { writeListings } from "../protocol/listing_codec.ts";
import {
  NumberReader,
  PathListReader,
  readScanOptions,
  readSynced,
  writeDone,
  writeProblems,
  writeScanSummary,
} from "../protocol/message.ts";
import { Capability } from "../protocol/version.ts";
import {
  RequestReader,
  type WireRequest,
  writeWants,
} from "../protocol/want_codec.ts";
import { CONTENT_FRAMES, readBatch } from "./content_frames.ts";
import { ContentOrder, expectedFiles } from "./content_order.ts";
import { type Compression, ContentSender } from "./content_sender.ts";
import { achievedChanges } from "./achieved.ts";
import type { Endpoint, RoundNote, Staging } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { ProgressTeller } from "./progress_teller.ts";
import { ChangeRebuilder } from "./rebuild_change.ts";
import type { Session } from "./session.ts";

/** What the answering side is in the sync. */
export type ServedRole = "target" | "source";

/** What was staged, and how far its content has come. */
interface Staged {
  readonly changes: readonly Change[];
  readonly staging: Staging;
  complete: boolean;
}

/** Answers for one endpoint, in one session. */
export class EndpointServer {
  readonly #endpoint: Endpoint;
  readonly #role: ServedRole;
  readonly #clock: Clock;
  readonly #compression: Compression | undefined;
  /** Whether the peer counts on that a transition changes what it was shown. */
  readonly #follows: boolean;
  readonly #onSynced: ((round: RoundNote) => void) | undefined;
  /** What the peer was shown last, or knows of since then. */
  #snapshot: Snapshot | undefined;
  /** What a transition has done since; to be put into the snapshot when needed. */
  #achieved: readonly Change[] = [];
  /** Whether mode bits count, as the last scan had it. */
  #modes = true;
  /** The directories that it was told about last, and may ask for. */
  #announced: readonly DirectoryEntry[] = [];
  #staged: Staged | undefined;

  /**
   * @param session The one whose questions are answered.
   * @param onSynced Hears of each round that the peer says is over.
   */
  constructor(
    endpoint: Endpoint,
    role: ServedRole,
    session: Pick<Session, "clock" | "compression" | "peer">,
    onSynced?: (round: RoundNote) => void,
  ) {
    this.#onSynced = onSynced;
    this.#follows = session.peer.capabilities.has(Capability.follow);
    this.#endpoint = endpoint;
    this.#role = role;
    this.#clock = session.clock;
    this.#compression = session.compression;
  }

  /** Answers the question that `exchange` asks. */
  async answer(exchange: Exchange): Promise<void> {
    const type = exchange.peek();
    switch (type) {
      case FrameType.scan:
        return await this.#scan(exchange);
      case FrameType.list:
        return await this.#list(exchange);
      case FrameType.confirm:
        return await this.#confirm(exchange);
      case FrameType.stage:
        this.#require("target", type);
        return await this.#stage(exchange);
      case FrameType.content:
      case FrameType.packed:
        this.#require("target", type);
        return await this.#content(exchange);
      case FrameType.transition:
        this.#require("target", type);
        return await this.#transition(exchange);
      case FrameType.supply:
        this.#require("source", type);
        return await this.#supply(exchange);
      case FrameType.synced:
        if (!this.#follows) throw new ProtocolError("The peer does not follow");
        this.#require("target", type);
        return await this.#synced(exchange);
      default:
        throw new ProtocolError(`A ${frameName(type)} frame is no question`);
    }
  }

  /** Whether changes are staged that were not carried out. */
  get isMidway(): boolean {
    return this.#staged !== undefined;
  }

  /** Gives up what was staged and not completed; the endpoint keeps what it has. */
  async abandon(reason: unknown): Promise<void> {
    const staged = this.#staged;
    this.#staged = undefined;
    if (staged === undefined || staged.complete) return;
    staged.complete = true;
    try {
      await staged.staging.writable.abort(reason);
    } catch {
      // It has failed before: whoever wrote into it has heard why.
    }
  }

  async #scan(exchange: Exchange): Promise<void> {
    const reader = await exchange.receiveOnly(FrameType.scan);
    const options = readScanOptions(reader);
    reader.end("a scan");
    if (this.#role === "target" && options.symlinks === "follow") {
      throw new ProtocolError("The links of a target are never followed");
    }
    await this.abandon(new Error("The peer scans again"));
    this.#snapshot = undefined;
    this.#achieved = [];
    this.#modes = options.modes;
    const progress = new ProgressTeller(exchange, this.#clock);
    const snapshot = await this.#endpoint.scan(options, {
      isTarget: this.#role === "target",
      signal: exchange.signal,
      onProgress: (entries) => progress.tell(entries),
    });
    await progress.finish();
    const { root, totals, problems } = snapshot;
    const { ignoreDigest = NO_IGNORE_FILES } = snapshot;
    if (root.digest === undefined) {
      throw new TypeError("A scan has no digest");
    }
    writeScanSummary(exchange.page, { root, ignoreDigest, totals });
    await exchange.send(FrameType.scanned, { end: false });
    await exchange.sendPages(
      FrameType.problems,
      (page) => writeProblems(page, problems),
    );
    this.#snapshot = snapshot;
    this.#announced = [root];
  }

  async #list(exchange: Exchange): Promise<void> {
    const announced = this.#announced;
    const numbers = new NumberReader(announced.length);
    const directories: DirectoryEntry[] = [];
    for await (const { payload } of exchange.frames(FrameType.list)) {
      for (const number of numbers.read(new ByteReader(payload))) {
        directories.push(announced[number]!);
      }
    }
    this.#announced = subdirectoriesOf(directories);
    await exchange.sendPages(
      FrameType.listing,
      (page) => writeListings(page, directories),
    );
  }

  async #confirm(exchange: Exchange): Promise<void> {
    this.#shown();
    const reader = new PathListReader();
    for await (const { payload } of exchange.frames(FrameType.confirm)) {
      reader.read(new ByteReader(payload));
    }
    const problems = await this.#endpoint.confirmAbsent(
      reader.paths,
      exchange.signal,
    );
    await exchange.sendPages(
      FrameType.problems,
      (page) => writeProblems(page, problems),
    );
  }

  async #stage(exchange: Exchange): Promise<void> {
    await this.#advance();
    const { root } = this.#shown();
    await this.abandon(new Error("The peer stages something else"));
    // Who does not offer to set owners is not to be told to.
    const reader = new ChangeReader({ owners: this.#endpoint.traits.owners });
    const rebuilder = new ChangeRebuilder(root);
    for await (const { payload } of exchange.frames(FrameType.stage)) {
      for (const change of reader.read(new ByteReader(payload))) {
        rebuilder.add(change);
      }
    }
    if (reader.incomplete) {
      throw new ProtocolError("A list of changes ends in the middle of one");
    }
    const { changes } = rebuilder;
    const staging = await this.#endpoint.stage(changes, exchange.signal);
    this.#staged = { changes, staging, complete: false };
    await exchange.sendPages(
      FrameType.wants,
      (page) => writeWants(page, staging.wants),
    );
  }

  async #content(exchange: Exchange): Promise<void> {
    const staged = this.#staged;
    if (staged === undefined || staged.complete) {
      throw new ProtocolError("Content came that nobody asked for");
    }
    const { changes, staging } = staged;
    const order = new ContentOrder(expectedFiles(changes, staging.wants));
    const writer = staging.writable.getWriter();
    // What arrived before the connection was lost is not to be sent again.
    exchange.drainWhenLost();
    // Else, work on the disk stops at once.
    const stop = (): void => void abort(writer, exchange.signal.reason);
    exchange.signal.addEventListener("abort", stop);
    try {
      for await (const frame of exchange.frames(...CONTENT_FRAMES)) {
        const batch = readBatch(frame, order);
        if (batch === undefined) continue;
        await writer.write(batch);
        // The credit for it leaves now, and the next content comes in meanwhile.
        await nextTurn();
      }
      order.finish();
      await writer.close();
      staged.complete = true;
    } catch (error) {
      this.#staged = undefined;
      await abort(writer, error);
      throw error;
    } finally {
      exchange.signal.removeEventListener("abort", stop);
      writer.releaseLock();
    }
    await exchange.send(FrameType.stored, { end: true });
  }

  async #transition(exchange: Exchange): Promise<void> {
    const reader = await exchange.receiveOnly(FrameType.transition);
    reader.end("a transition");
    const staged = this.#staged;
    if (staged === undefined) {
      throw new ProtocolError("Nothing is staged that could be carried out");
    }
    const { changes, staging } = staged;
    if (!staged.complete) {
      if (staging.wants.length > 0) {
        throw new ProtocolError("The content of the changes is missing");
      }
      staged.complete = true;
      await staging.writable.close();
    }
    this.#staged = undefined;
    // If this fails, nobody knows what there is now.
    const snapshot = this.#snapshot;
    this.#snapshot = undefined;
    const result = await this.#endpoint.transition(changes, exchange.signal);
    this.#snapshot = snapshot;
    if (this.#follows) this.#achieved = achievedChanges(changes, result);
    const { done, problems } = result;
    await exchange.sendPages(
      FrameType.problems,
      (page) => writeProblems(page, problems),
      { end: false },
    );
    await exchange.sendPages(FrameType.done, (page) => writeDone(page, done));
  }

  async #synced(exchange: Exchange): Promise<void> {
    const reader = await exchange.receiveOnly(FrameType.synced);
    const round = readSynced(reader);
    reader.end("a round");
    this.#shown();
    await exchange.send(FrameType.noted, { end: true });
    this.#onSynced?.(round);
    // There is time now; the next changes come in a hurry.
    await this.#advance();
  }

  /** Takes over into the snapshot what the last transition has done. */
  async #advance(): Promise<void> {
    const snapshot = this.#snapshot;
    const achieved = this.#achieved;
    if (snapshot === undefined || achieved.length === 0) return;
    // If this fails, nobody knows what there is now.
    this.#snapshot = undefined;
    this.#achieved = [];
    const root = await this.#endpoint.advance(
      snapshot.root,
      achieved,
      this.#modes,
    );
    this.#snapshot = { ...snapshot, root };
  }

  async #supply(exchange: Exchange): Promise<void> {
    const { root } = this.#shown();
    const reader = new RequestReader();
    const sender = new ContentSender(exchange, this.#compression);
    for await (const { payload } of exchange.frames(FrameType.supply)) {
      const requests: SupplyRequest[] = [];
      for (const request of reader.read(new ByteReader(payload))) {
        requests.push(toSupplyRequest(root, request));
      }
      if (requests.length > 0) {
        await this.#supplyPage(exchange, requests, sender);
      }
    }
    await sender.end();
  }

  async #supplyPage(
    exchange: Exchange,
    requests: readonly SupplyRequest[],
    sender: ContentSender,
  ): Promise<void> {
    const batches: ReadableStream<ContentBatch> = this.#endpoint.supply(
      requests,
      exchange.signal,
    );
    for await (const batch of batches) await sender.send(batch);
  }

  #shown(): Snapshot {
    if (this.#snapshot !== undefined) return this.#snapshot;
    throw new ProtocolError("The peer asked for something before a scan");
  }

  #require(role: ServedRole, type: FrameType): void {
    if (this.#role === role) return;
    throw new ProtocolError(
      `A ${frameName(type)} request is for a ${role}, this is a ${this.#role}`,
    );
  }
}

/** What the peer asks for has to be what it was shown. */
function toSupplyRequest(
  root: DirectoryEntry,
  request: WireRequest,
): SupplyRequest {
  const { index, path, size, mtime, resume } = request;
  const entry = entryAt(root, path);
  if (entry?.kind !== "file" || entry.size !== size || entry.mtime !== mtime) {
    throw new ProtocolError(
      `The peer asked for ${displayPath(path)}, which it was never offered`,
    );
  }
  return { index, path, entry, resume };
}

function subdirectoriesOf(
  directories: readonly DirectoryEntry[],
): DirectoryEntry[] {
  const found: DirectoryEntry[] = [];
  for (const directory of directories) {
    for (const entry of directory.children.values()) {
      if (entry.kind === "directory") found.push(entry);
    }
  }
  return found;
}

async function abort(
  writer: WritableStreamDefaultWriter<ContentBatch>,
  reason: unknown,
): Promise<void> {
  try {
    await writer.abort(reason);
  } catch {
    // It had failed already.
  }
}
