/**
 * Answers the questions of a `RemoteEndpoint` at the other end of a session from
 * an endpoint of ours, one after the other, and each only where it has its place.
 *
 * | question   | role   | only after                                   |
 * | ---------- | ------ | -------------------------------------------- |
 * | scan       | any    |                                              |
 * | list       | any    | a scan; of directories that were announced   |
 * | confirm    | any    | a scan                                       |
 * | move       | target | a scan; once, and not after a stage          |
 * | stage      | target | a scan                                       |
 * | described  | target | a stage, before the content; only files that |
 * |            |        | were to be described                         |
 * | content    | target | a stage; once; only files that were wanted   |
 * | transition | target | the content, unless nothing was wanted; once |
 * | describe   | source | a scan; only files that were in it           |
 * | supply     | source | a scan; only files that were in it           |
 * | synced     | target | a scan                                       |
 * | pair       | peer   |                                              |
 * | watch      | any    | of a side that has named `notices`           |
 *
 * A peer, one side of a two-way sync, is asked what a target and a source are.
 */
import type { Clock } from "../core/clock.ts";
import type { Change } from "../core/change.ts";
import { withDigests } from "../core/apply_changes.ts";
import { nextTurn } from "../core/turn.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { NO_IGNORE_FILES } from "../core/ignore_digest.ts";
import type { GapRequest } from "../content/description.ts";
import { applyMoves, type Move } from "../core/moves.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { ChangeReader } from "../protocol/change_codec.ts";
import { frameName, FrameType } from "../protocol/frame.ts";
import { MoveReader } from "../protocol/move_codec.ts";
import { writeLacking } from "../protocol/lacking_codec.ts";
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
import { writeWants } from "../protocol/want_codec.ts";
import { CONTENT_FRAMES, readBatch } from "./content_frames.ts";
import { ContentOrder, expectedFiles } from "./content_order.ts";
import { achievedChanges } from "./achieved.ts";
import type { Endpoint, MoveResult, RoundNote, Staging } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import type { PairedSide } from "./pairing.ts";
import { ProgressTeller } from "./progress_teller.ts";
import { ChangeRebuilder } from "./rebuild_change.ts";
import { answerPairing } from "./remote_pairing.ts";
import { MoveRebuilder } from "./rebuild_moves.ts";
import { receiveDescriptions, toWireLacking } from "./recipe_messages.ts";
import {
  recipeCallsOf,
  ServedSource,
  type SourceLink,
} from "./served_source.ts";
import type { Session } from "./session.ts";

/** What the answering side is in the sync. */
export type ServedRole = "target" | "source" | "peer";

/** As what an endpoint is served, and who hears of it. */
export interface ServeOptions {
  readonly role: ServedRole;
  /** What it remembers of the other side, in a two-way sync. */
  readonly pairing?: PairedSide | undefined;
  /** Hears of each round that the peer says is over. */
  readonly onSynced?: ((round: RoundNote) => void) | undefined;
}

/** What was staged, and how far its content has come. */
interface Staged {
  readonly changes: readonly Change[];
  readonly staging: Staging;
  /** Files of which only this is to come, by number. */
  readonly gaps: Map<number, readonly GapRequest[]>;
  /** Whether its content has begun to come. */
  begun: boolean;
  complete: boolean;
}

/** What an {@link EndpointServer} needs of its session. */
export type AnsweredSession =
  & Pick<Session, "clock" | keyof SourceLink>
  & Partial<Pick<Session, "tellChanged">>
  & { readonly peer: Pick<Session["peer"], "capabilities"> };

/** Answers for one endpoint, in one session. */
export class EndpointServer {
  readonly #endpoint: Endpoint;
  readonly #role: ServedRole;
  readonly #clock: Clock;
  readonly #source: ServedSource;
  /** Whether both sides describe files. */
  readonly #recipes: boolean;
  /** Whether the peer counts on that a transition changes what it was shown. */
  readonly #follows: boolean;
  readonly #pairing: PairedSide | undefined;
  readonly #onSynced: ((round: RoundNote) => void) | undefined;
  /** What the peer was shown last, or knows of since then. */
  #snapshot: Snapshot | undefined;
  /** What a transition has done since; to be put into the snapshot when needed. */
  #achieved: readonly Change[] = [];
  /** Whether mode bits count, as the last scan had it. */
  #modes = true;
  /** The directories that it was told about last, and may ask for. */
  #announced: readonly DirectoryEntry[] = [];
  /** Whether the peer was shown what is there, and nothing else has come since. */
  #mayMove = false;
  #staged: Staged | undefined;
  /** Whether the peer has not heard of a change since it asked, or scanned, last. */
  #mayTell = false;
  readonly #tellChanged: () => void;

  /** @param session The one whose questions are answered. */
  constructor(
    endpoint: Endpoint,
    session: AnsweredSession,
    { role, pairing, onSynced }: ServeOptions,
  ) {
    this.#pairing = pairing;
    this.#onSynced = onSynced;
    this.#follows = endpoint.follows &&
      session.peer.capabilities.has(Capability.follow);
    this.#endpoint = endpoint;
    this.#role = role;
    this.#clock = session.clock;
    this.#recipes = session.recipes;
    this.#source = new ServedSource(endpoint, session);
    this.#tellChanged = () => {
      // One is enough: the scan that it leads to sees all there is.
      if (this.#mayTell) session.tellChanged?.();
      this.#mayTell = false;
    };
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
      case FrameType.move:
        this.#require("target", type);
        if (!this.#endpoint.moves) {
          throw new ProtocolError("Nothing can be moved here");
        }
        return await this.#move(exchange);
      case FrameType.stage:
        this.#require("target", type);
        return await this.#stage(exchange);
      case FrameType.described:
        this.#require("target", type);
        return await this.#lacking(exchange);
      case FrameType.content:
      case FrameType.packed:
        this.#require("target", type);
        return await this.#content(exchange);
      case FrameType.transition:
        this.#require("target", type);
        return await this.#transition(exchange);
      case FrameType.describe:
        this.#require("source", type);
        return await this.#source.describe(exchange, this.#shown());
      case FrameType.supply:
        this.#require("source", type);
        return await this.#source.supply(exchange, this.#shown());
      case FrameType.pair:
        if (this.#pairing === undefined) throw this.#misplaced("peer", type);
        return await answerPairing(exchange, this.#pairing);
      case FrameType.watch:
        return await this.#watch(exchange);
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
    if (this.#role !== "source" && options.symlinks === "follow") {
      throw new ProtocolError("The links of a target are never followed");
    }
    await this.abandon(new Error("The peer scans again"));
    this.#mayTell = true;
    this.#snapshot = undefined;
    this.#mayMove = false;
    this.#source.startOver();
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
    this.#mayMove = true;
  }

  async #watch(exchange: Exchange): Promise<void> {
    const reader = await exchange.receiveOnly(FrameType.watch);
    reader.end("a watch");
    const { notices } = this.#endpoint;
    if (notices === undefined) throw new ProtocolError("Nobody watches here");
    this.#mayTell = true;
    await notices.subscribe(this.#tellChanged, exchange.signal);
    await exchange.send(FrameType.noted, { end: true });
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

  async #move(exchange: Exchange): Promise<void> {
    await this.#advance();
    const snapshot = this.#shown();
    if (!this.#mayMove) {
      throw new ProtocolError("A move comes once, right after a scan");
    }
    this.#mayMove = false;
    const reader = new MoveReader({ owners: this.#endpoint.traits.owners });
    const rebuilder = new MoveRebuilder(snapshot.root);
    for await (const { payload } of exchange.frames(FrameType.move)) {
      for (const move of reader.read(new ByteReader(payload))) {
        rebuilder.add(move);
      }
    }
    const { moves } = rebuilder;
    if (moves.length === 0) throw new ProtocolError("Nothing is to be moved");
    // What the peer was shown is no more; unless all goes well, it has to look again.
    this.#snapshot = undefined;
    this.#announced = [];
    const { done, problems, ctimes } = rebuilder.unmovable === undefined
      ? await this.#endpoint.move(moves, exchange.signal)
      : refusedMoves(moves, rebuilder.unmovable);
    if (done.every((isDone) => isDone === 1)) {
      const moved = applyMoves(snapshot.root, moves, ctimes);
      const root = withDigests(moved, this.#modes);
      this.#snapshot = { ...snapshot, root };
      this.#mayMove = this.#follows;
    }
    await exchange.sendPages(
      FrameType.problems,
      (page) => writeProblems(page, problems),
      { end: false },
    );
    await exchange.sendPages(FrameType.done, (page) => writeDone(page, done));
  }

  async #stage(exchange: Exchange): Promise<void> {
    await this.#advance();
    const { root } = this.#shown();
    await this.abandon(new Error("The peer stages something else"));
    this.#mayMove = false;
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
    const recipes = this.#recipes && this.#endpoint.recipes !== undefined;
    const staging = await this.#endpoint.stage(changes, exchange.signal, {
      recipes,
    });
    this.#staged = {
      changes,
      staging,
      gaps: new Map(),
      begun: false,
      complete: false,
    };
    await exchange.sendPages(
      FrameType.wants,
      (page) => writeWants(page, staging.wants, { recipes: this.#recipes }),
    );
  }

  async #lacking(exchange: Exchange): Promise<void> {
    const staged = this.#staged;
    if (staged === undefined || staged.begun || staged.complete) {
      throw new ProtocolError("Files were described that nobody asked for");
    }
    const descriptions = await receiveDescriptions(exchange);
    for (const { index } of descriptions) {
      if (!isDescribed(staged.staging, index) || staged.gaps.has(index)) {
        throw new ProtocolError(`Nobody wants file ${index} to be described`);
      }
    }
    const answers = await recipeCallsOf(this.#endpoint, this.#recipes).lacking(
      descriptions,
      exchange.signal,
    );
    for (const answer of answers) {
      if (answer.kind === "gaps") staged.gaps.set(answer.index, answer.gaps);
    }
    await exchange.sendPages(
      FrameType.lacking,
      (page) => writeLacking(page, toWireLacking(answers)),
    );
  }

  async #content(exchange: Exchange): Promise<void> {
    const staged = this.#staged;
    if (staged === undefined || staged.complete) {
      throw new ProtocolError("Content came that nobody asked for");
    }
    const { changes, staging, gaps } = staged;
    staged.begun = true;
    const order = new ContentOrder(
      expectedFiles(changes, staging.wants, gaps),
    );
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
    this.#mayMove = this.#follows;
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

  #shown(): Snapshot {
    if (this.#snapshot !== undefined) return this.#snapshot;
    throw new ProtocolError("The peer asked for something before a scan");
  }

  #require(role: ServedRole, type: FrameType): void {
    if (this.#role !== role && this.#role !== "peer") {
      throw this.#misplaced(role, type);
    }
  }

  #misplaced(role: ServedRole, type: FrameType): ProtocolError {
    return new ProtocolError(
      `A ${frameName(type)} request is for a ${role}, this is a ${this.#role}`,
    );
  }
}

/** The answer to moves of which one can't be done: then none is. */
function refusedMoves(
  moves: readonly Move[],
  unmovable: RelPath,
): MoveResult {
  const message = `Cannot move ${displayPath(unmovable)}: ` +
    "it holds something that is left alone";
  return {
    done: new Uint8Array(moves.length),
    problems: [{ path: unmovable, code: "blocked", message }],
    ctimes: [],
  };
}

/** Whether file number `index` is wanted, and may be described first. */
function isDescribed({ wants }: Staging, index: number): boolean {
  let low = 0;
  let high = wants.length;
  while (low < high) {
    const middle = low + high >>> 1;
    const { first, count } = wants[middle]!;
    if (index >= first + count) low = middle + 1;
    else high = middle;
  }
  const want = wants[low];
  return want !== undefined && index >= want.first && want.recipe === true;
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
