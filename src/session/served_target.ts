/**
 * Answers a peer that makes a target of ours equal to its source: takes changes
 * and their content in, and carries them out. What comes when is in the table of
 * `endpoint_server.ts`.
 */
import type { GapRequest } from "../content/description.ts";
import { withDigests } from "../core/apply_changes.ts";
import type { Change } from "../core/change.ts";
import { applyMoves, type Move } from "../core/moves.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import type { ContentBatch } from "../core/piece.ts";
import { nextTurn } from "../core/turn.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { ChangeReader } from "../protocol/change_codec.ts";
import { FrameType } from "../protocol/frame.ts";
import { writeLacking } from "../protocol/lacking_codec.ts";
import { readSynced, writeDone, writeProblems } from "../protocol/message.ts";
import { MoveReader } from "../protocol/move_codec.ts";
import { writeWants } from "../protocol/want_codec.ts";
import { achievedChanges } from "./achieved.ts";
import { CONTENT_FRAMES, readBatch } from "./content_frames.ts";
import { ContentOrder, expectedFiles } from "./content_order.ts";
import type {
  Endpoint,
  MoveResult,
  RoundNote,
  Staging,
  TransitionResult,
} from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { ChangeRebuilder } from "./rebuild_change.ts";
import { MoveRebuilder } from "./rebuild_moves.ts";
import { receiveDescriptions, toWireLacking } from "./recipe_messages.ts";
import { recipeCallsOf } from "./served_source.ts";
import type { ShownTree } from "./shown_tree.ts";

/** What a {@link ServedTarget} needs to know of its session. */
export interface TargetLink {
  /** Whether both sides describe files. */
  readonly recipes: boolean;
  /** Whether the peer counts on that a transition changes what it was shown. */
  readonly follows: boolean;
  /** Hears of each round that the peer says is over. */
  readonly onSynced: ((round: RoundNote) => void) | undefined;
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

/** The changes of `endpoint`, for one session. */
export class ServedTarget {
  readonly #endpoint: Endpoint;
  readonly #shown: ShownTree;
  readonly #link: TargetLink;
  /** What a transition has done since; to be put into the snapshot when needed. */
  #achieved: readonly Change[] = [];
  /** Whether the peer was shown what is there, and nothing else has come since. */
  #mayMove = false;
  #staged: Staged | undefined;

  /** @param shown What the peer was shown of `endpoint`; kept up to date here. */
  constructor(endpoint: Endpoint, shown: ShownTree, link: TargetLink) {
    this.#endpoint = endpoint;
    this.#shown = shown;
    this.#link = link;
  }

  /** Whether the peer counts on that a transition changes what it was shown. */
  get follows(): boolean {
    return this.#link.follows;
  }

  /** Whether changes are staged that were not carried out. */
  get isMidway(): boolean {
    return this.#staged !== undefined;
  }

  /** Another scan begins, and nothing is staged. */
  startOver(): void {
    this.#achieved = [];
    this.#mayMove = true;
  }

  /** Answers a list of moves, which are carried out at once. */
  async move(exchange: Exchange): Promise<void> {
    if (!this.#endpoint.moves) {
      throw new ProtocolError("Nothing can be moved here");
    }
    await this.#advance();
    const { snapshot } = this.#shown;
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
    this.#shown.forget();
    this.#shown.announced = [];
    const result = rebuilder.unmovable === undefined
      ? await this.#endpoint.move(moves, exchange.signal)
      : refusedMoves(moves, rebuilder.unmovable);
    if (result.done.every((isDone) => isDone === 1)) {
      const moved = applyMoves(snapshot.root, moves, result.ctimes);
      const root = withDigests(moved, this.#shown.modes);
      this.#shown.become({ ...snapshot, root });
      this.#mayMove = this.#link.follows;
    }
    await sendResult(exchange, result);
  }

  /** Answers a list of changes: what of them is wanted. */
  async stage(exchange: Exchange): Promise<void> {
    await this.#advance();
    const { root } = this.#shown.snapshot;
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
    const { recipes } = this.#link;
    const staging = await this.#endpoint.stage(changes, exchange.signal, {
      recipes: recipes && this.#endpoint.recipes !== undefined,
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
      (page) => writeWants(page, staging.wants, { recipes }),
    );
  }

  /** Answers descriptions of files: what this side lacks of them. */
  async lacking(exchange: Exchange): Promise<void> {
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
    const calls = recipeCallsOf(this.#endpoint, this.#link.recipes);
    const answers = await calls.lacking(descriptions, exchange.signal);
    for (const answer of answers) {
      if (answer.kind === "gaps") staged.gaps.set(answer.index, answer.gaps);
    }
    await exchange.sendPages(
      FrameType.lacking,
      (page) => writeLacking(page, toWireLacking(answers)),
    );
  }

  /** Takes in the content of what was staged. */
  async content(exchange: Exchange): Promise<void> {
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

  /** Carries out what was staged, and answers what was achieved. */
  async transition(exchange: Exchange): Promise<void> {
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
    const { snapshot } = this.#shown;
    this.#shown.forget();
    const result = await this.#endpoint.transition(changes, exchange.signal);
    this.#shown.become(snapshot);
    if (this.#link.follows) this.#achieved = achievedChanges(changes, result);
    this.#mayMove = this.#link.follows;
    await sendResult(exchange, result);
  }

  /** Hears that a round is over. */
  async synced(exchange: Exchange): Promise<void> {
    const reader = await exchange.receiveOnly(FrameType.synced);
    const round = readSynced(reader);
    reader.end("a round");
    this.#shown.requireScan();
    await exchange.send(FrameType.noted, { end: true });
    this.#link.onSynced?.(round);
    // There is time now; the next changes come in a hurry.
    await this.#advance();
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

  /** Takes over into the snapshot what the last transition has done. */
  async #advance(): Promise<void> {
    const achieved = this.#achieved;
    if (achieved.length === 0) return;
    const { snapshot } = this.#shown;
    // If this fails, nobody knows what there is now.
    this.#shown.forget();
    this.#achieved = [];
    const root = await this.#endpoint.advance(
      snapshot.root,
      achieved,
      this.#shown.modes,
    );
    this.#shown.become({ ...snapshot, root });
  }
}

/** Says what was done of changes or moves, and why the rest was not. */
async function sendResult(
  exchange: Exchange,
  { done, problems }: TransitionResult,
): Promise<void> {
  await exchange.sendPages(
    FrameType.problems,
    (page) => writeProblems(page, problems),
    { end: false },
  );
  await exchange.sendPages(FrameType.done, (page) => writeDone(page, done));
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
