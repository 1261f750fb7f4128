/** The receiving end of a one-way replication, driven by requests. */
import type { Clock } from "../core/clock.ts";
import type { DeleteLimit } from "../core/guard.ts";
import type { Outcome } from "../core/outcome.ts";
import { messageOf, StaleError } from "../errors.ts";
import { DigestCache } from "../fs/digest_cache.ts";
import type { FileSystem } from "../fs/file_system.ts";
import type { Trash } from "../fs/trash.ts";
import { decodeFrames, type Frame } from "../protocol/frame.ts";
import type { Endpoint } from "../session/endpoint.ts";
import { unexpected } from "../session/exchange.ts";
import { GuardedEndpoint } from "../session/guarded_endpoint.ts";
import { helloMessage, readPeer } from "../session/handshake.ts";
import { LocalEndpoint } from "../session/local_endpoint.ts";
import { systemClock } from "../session/system_clock.ts";
import { AnsweringSession, failureMessage } from "./answering_session.ts";
import { CAPABILITIES, partyOf } from "./party.ts";
import { checkMessage, ReplicatorMessage } from "./replicator_message.ts";

/** How many sessions that are over are remembered, for requests that come late. */
const MAX_RETIRED = 64;

/** How a {@link ReplicatorTarget} works. */
export interface ReplicatorTargetOptions {
  /**
   * Whether what a transition has done survives a loss of power; true unless said.
   */
  readonly durable?: boolean;
  /** Where what is replaced or deleted goes; without, it is given up. */
  readonly trash?: Trash;
  /** How much one session may delete; all unless said. */
  readonly maxDelete?: DeleteLimit;
  /** The time; that of the system unless said. */
  readonly clock?: Clock;
}

/** The session that a source has with this target, and its last response. */
interface Current {
  readonly id: string;
  /** Undefined if it could not begin. */
  session: AnsweringSession | undefined;
  number: number;
  response: Promise<ReplicatorMessage>;
  /** Whether that is still to come: no source asks for more before it has it. */
  isBusy: boolean;
}

/**
 * Keeps the directory `root` equal to that of a {@link ReplicatorSource}, which
 * sends it requests through a carrier of the user's. It serves one source at a
 * time: another one that introduces itself takes the place of the one before.
 * Nothing outside of `root` is touched, whatever a request says.
 */
export class ReplicatorTarget {
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #options: ReplicatorTargetOptions;
  readonly #clock: Clock;
  readonly #id = partyOf({ modes: true, symlinks: true, owners: true })
    .clientId;
  readonly #digests = new DigestCache();
  #current: Current | undefined;
  readonly #retired = new Set<string>();
  #closed = false;

  /** Does nothing yet: `root` is made, with its parents, when the first source comes. */
  constructor(
    fileSystem: FileSystem,
    root: string,
    options: ReplicatorTargetOptions = {},
  ) {
    this.#fileSystem = fileSystem;
    this.#root = root;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Answers a request, in any of the forms of a {@link ReplicatorMessage}, within
   * some seconds. One that comes again gets its response again, and does nothing
   * twice. What goes wrong at this side is in the response.
   * @throws {ProtocolError} If it is no request at all.
   * @throws {TransportError} If it was damaged on its way: it has to come again.
   * @throws {TypeError} After {@link close}.
   */
  async handle(request: unknown): Promise<ReplicatorMessage> {
    const { session, number, message } = checkMessage(request);
    // A request that is damaged counts for nothing: it will come again.
    const frames = message.length === 0 ? [] : [...decodeFrames(message)];
    if (this.#closed) throw new TypeError("The target is closed");
    const current = this.#current;
    if (session !== current?.id) {
      if (number !== 0 || this.#retired.has(session)) {
        return this.#refuse(session, number);
      }
      return await this.#begin(session, frames);
    }
    if (number === current.number) return await current.response;
    if (number !== current.number + 1 || current.isBusy) {
      return this.#refuse(session, number);
    }
    current.number = number;
    current.isBusy = true;
    current.response = this.#answer(current, number, frames);
    return await current.response;
  }

  /** Gives up what is under way, and closes the root. */
  async close(): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    this.#current = undefined;
    await this.#end(current, { kind: "interrupted", message: "closed" });
  }

  /** A new source introduces itself: the one before is gone. */
  async #begin(
    id: string,
    frames: readonly Frame[],
  ): Promise<ReplicatorMessage> {
    const before = this.#current;
    const current: Current = {
      id,
      session: undefined,
      number: 0,
      response: this.#end(before, REPLACED).then(() =>
        this.#introduce(current, frames)
      ),
      isBusy: true,
    };
    this.#current = current;
    if (before !== undefined) this.#retire(before.id);
    return await current.response;
  }

  async #introduce(
    current: Current,
    [hello, more]: readonly Frame[],
  ): Promise<ReplicatorMessage> {
    try {
      if (hello === undefined || more !== undefined) throw unexpected(more);
      readPeer(hello, "the source");
      const endpoint = await this.#open();
      current.session = new AnsweringSession(endpoint, this.#clock);
      const self = partyOf(endpoint.traits, this.#id);
      return new ReplicatorMessage(
        current.id,
        0,
        helloMessage(self, CAPABILITIES),
      );
    } catch (error) {
      return new ReplicatorMessage(current.id, 0, failureMessage(error));
    } finally {
      current.isBusy = false;
    }
  }

  async #open(): Promise<Endpoint> {
    const { durable = true, trash, maxDelete } = this.#options;
    const endpoint = await LocalEndpoint.open(this.#fileSystem, this.#root, {
      create: true,
      durable,
      digests: this.#digests,
      ...(trash && { trash }),
    });
    await endpoint.recover();
    return maxDelete === undefined
      ? endpoint
      : new GuardedEndpoint(endpoint, maxDelete);
  }

  async #answer(
    current: Current,
    number: number,
    frames: readonly Frame[],
  ): Promise<ReplicatorMessage> {
    const { id, session } = current;
    let answer: Uint8Array;
    try {
      if (session === undefined || session.hasEnded) throw gone();
      answer = await session.answer(frames);
    } catch (error) {
      answer = failureMessage(error);
      // The source knows no more than this of what was done: it begins anew.
      await session?.end({ kind: "failed", message: messageOf(error) })
        .catch(() => {});
    } finally {
      current.isBusy = false;
    }
    return new ReplicatorMessage(id, number, answer);
  }

  #refuse(session: string, number: number): ReplicatorMessage {
    return new ReplicatorMessage(session, number, failureMessage(gone()));
  }

  async #end(current: Current | undefined, outcome: Outcome): Promise<void> {
    if (current === undefined) return;
    // One that is only just beginning has something to end in a moment.
    if (current.session === undefined) await current.response;
    try {
      await current.session?.end(outcome);
    } catch {
      // Whoever comes next finds what it has left, and looks for itself.
    }
  }

  #retire(id: string): void {
    this.#retired.add(id);
    if (this.#retired.size <= MAX_RETIRED) return;
    for (const oldest of this.#retired) {
      this.#retired.delete(oldest);
      break;
    }
  }
}

const REPLACED: Outcome = {
  kind: "interrupted",
  message: "another source has come",
};

function gone(): StaleError {
  return new StaleError("this session is over");
}
