/**
 * Answers the questions of a `RemoteEndpoint` at the other end of a session from
 * an endpoint of ours, one after the other, and each only where it has its place.
 *
 * | question   | role   | only after                                   |
 * | ---------- | ------ | -------------------------------------------- |
 * | scan       | any    |                                              |
 * | list       | any    | a scan; of directories that were announced   |
 * | confirm    | any    | a scan                                       |
 * | move       | target | a scan; of a peer that follows, also a move  |
 * |            |        | or a transition; once, not after a stage     |
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
import type { DirectoryEntry } from "../core/entry.ts";
import { NO_IGNORE_FILES } from "../core/ignore_digest.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { frameName, FrameType } from "../protocol/frame.ts";
import { writeListings } from "../protocol/listing_codec.ts";
import {
  NumberReader,
  PathListReader,
  readScanOptions,
  writeProblems,
  writeScanSummary,
} from "../protocol/message.ts";
import { Capability } from "../protocol/version.ts";
import type { Endpoint, RoundNote } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import type { PairedSide } from "./pairing.ts";
import { ProgressTeller } from "./progress_teller.ts";
import { answerPairing } from "./remote_pairing.ts";
import { ServedSource, type SourceLink } from "./served_source.ts";
import { ServedTarget } from "./served_target.ts";
import type { Session } from "./session.ts";
import { ShownTree } from "./shown_tree.ts";

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
  readonly #shown = new ShownTree();
  readonly #source: ServedSource;
  readonly #target: ServedTarget;
  readonly #pairing: PairedSide | undefined;
  /** Whether the peer has not heard of a change since it asked, or scanned, last. */
  #mayTell = false;
  readonly #tellChanged: () => void;

  /** @param session The one whose questions are answered. */
  constructor(
    endpoint: Endpoint,
    session: AnsweredSession,
    { role, pairing, onSynced }: ServeOptions,
  ) {
    this.#endpoint = endpoint;
    this.#role = role;
    this.#clock = session.clock;
    this.#source = new ServedSource(endpoint, session);
    this.#target = new ServedTarget(endpoint, this.#shown, {
      recipes: session.recipes,
      follows: endpoint.follows &&
        session.peer.capabilities.has(Capability.follow),
      onSynced,
    });
    this.#pairing = pairing;
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
        return await this.#target.move(exchange);
      case FrameType.stage:
        this.#require("target", type);
        return await this.#target.stage(exchange);
      case FrameType.described:
        this.#require("target", type);
        return await this.#target.lacking(exchange);
      case FrameType.content:
      case FrameType.packed:
        this.#require("target", type);
        return await this.#target.content(exchange);
      case FrameType.transition:
        this.#require("target", type);
        return await this.#target.transition(exchange);
      case FrameType.describe:
        this.#require("source", type);
        return await this.#source.describe(exchange, this.#shown.snapshot);
      case FrameType.supply:
        this.#require("source", type);
        return await this.#source.supply(exchange, this.#shown.snapshot);
      case FrameType.pair:
        if (this.#pairing === undefined) throw this.#misplaced("peer", type);
        return await answerPairing(exchange, this.#pairing);
      case FrameType.watch:
        return await this.#watch(exchange);
      case FrameType.synced:
        if (!this.#target.follows) {
          throw new ProtocolError("The peer does not follow");
        }
        this.#require("target", type);
        return await this.#target.synced(exchange);
      default:
        throw new ProtocolError(`A ${frameName(type)} frame is no question`);
    }
  }

  /** Whether changes are staged that were not carried out. */
  get isMidway(): boolean {
    return this.#target.isMidway;
  }

  /** Gives up what was staged and not completed; the endpoint keeps what it has. */
  async abandon(reason: unknown): Promise<void> {
    await this.#target.abandon(reason);
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
    this.#shown.forget();
    this.#source.startOver();
    this.#target.startOver();
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
    this.#shown.show(snapshot, options.modes);
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
    const { announced } = this.#shown;
    const numbers = new NumberReader(announced.length);
    const directories: DirectoryEntry[] = [];
    for await (const { payload } of exchange.frames(FrameType.list)) {
      for (const number of numbers.read(new ByteReader(payload))) {
        directories.push(announced[number]!);
      }
    }
    this.#shown.announced = subdirectoriesOf(directories);
    await exchange.sendPages(
      FrameType.listing,
      (page) => writeListings(page, directories),
    );
  }

  async #confirm(exchange: Exchange): Promise<void> {
    this.#shown.requireScan();
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
