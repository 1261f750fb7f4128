/**
 * What listens does with those who connect: one sender at a time, each served
 * from an endpoint of its own.
 */
import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../core/outcome.ts";
import { asError, messageOf, TransportError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import type { Endpoint, RoundNote } from "./endpoint.ts";
import { Capability } from "../protocol/version.ts";
import type { PairedSide } from "./pairing.ts";
import { serveEndpoint } from "./serve_endpoint.ts";
import type { Peer } from "./handshake.ts";
import { awaitHello, type PendingSession } from "./open_session.ts";
import type { Session } from "./session.ts";

/** What a receiver needs. */
export interface ReceiverOptions {
  /** Opens the endpoint for one sender; the receiver closes it. */
  open(): Promise<Endpoint>;
  /** Name and version of the program. */
  readonly software: string;
  /** 32 hexadecimal digits, drawn once for each run of a program. */
  readonly clientId: string;
  /** The time, for those who are silent. */
  readonly clock: Clock;
  /** How fast a session may be in each direction, in bytes per second. */
  readonly limit?: number;
  /** The time of day, to tell a sender since when another one is here. */
  readonly wallClock?: () => Date;
  /** What it remembers of other sides: it takes part in two-way syncs, and only these. */
  readonly pairing?: PairedSide;
  /** Whether its endpoints tell of changes; not unless said. */
  readonly watches?: boolean;
  /** Must not throw. */
  readonly onEvent?: (event: ReceiverEvent) => void;
}

/** Something happened at a receiver. */
export type ReceiverEvent =
  | {
    readonly kind: "connected";
    readonly peer: string;
    readonly software: string;
  }
  /** The sender goes on and on, and has carried out a round. */
  | {
    readonly kind: "synced";
    readonly peer: string;
    readonly round: RoundNote;
  }
  /** The sender said goodbye. */
  | {
    readonly kind: "ended";
    readonly peer: string;
    readonly outcome: Outcome;
  }
  /** The session broke, or could not begin, because of `error`. */
  | { readonly kind: "broken"; readonly peer: string; readonly error: Error }
  /** Somebody was not let in. */
  | {
    readonly kind: "refused";
    readonly peer: string;
    readonly reason: string;
  };

/** The sender that is being served, or waits for the one before it to be gone. */
interface Sender {
  readonly address: string;
  readonly peer: Peer;
  readonly since: Date;
  /** Ends its session at once. */
  readonly stop: AbortController;
  /** Resolves when it is gone and its endpoint is closed. */
  readonly gone: Promise<void>;
}

/** Serves senders, one at a time. */
export class Receiver {
  readonly #options: ReceiverOptions;
  #current: Sender | undefined;
  #closed: Outcome | undefined;

  /** A receiver that serves nobody yet; see {@link accept}. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Serves who has connected, or sends it away: another sender is busy. The same
   * sender, connecting again because it has lost its connection, takes the place
   * of its old session. Never rejects; resolves when the connection is closed.
   */
  async accept(transport: Transport): Promise<void> {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    const address = transport.peer;
    try {
      const { clock, pairing, limit = Infinity, watches = false } =
        this.#options;
      const pending = await awaitHello(transport, {
        clock,
        limit,
        signal: stop.signal,
        twoWay: pairing !== undefined,
        notices: pairing !== undefined && watches,
      });
      const { peer } = pending;
      const since = this.#options.wallClock?.() ?? new Date();
      const sender: Sender = { address, peer, since, stop, gone };
      if (await this.#admit(sender, pending)) {
        await this.#serve(sender, pending);
      }
      if (this.#current === sender) this.#current = undefined;
    } catch (error) {
      this.#emit({ kind: "refused", peer: address, reason: messageOf(error) });
    } finally {
      resolve();
    }
  }

  /** Ends the current session: its sender hears that this side has stopped. */
  async close(outcome: Outcome): Promise<void> {
    this.#closed = outcome;
    const sender = this.#current;
    sender?.stop.abort(new DOMException(outcome.message, "AbortError"));
    await sender?.gone;
  }

  /** Ends the current session, if there is one, because of `error`. */
  drop(error: Error): void {
    this.#current?.stop.abort(error);
  }

  /** Makes room for `sender`, or refuses it. */
  async #admit(sender: Sender, pending: PendingSession): Promise<boolean> {
    const before = this.#current;
    if (this.#closed !== undefined) {
      return await this.#refuse(
        sender,
        pending,
        "refused",
        `This receiver is stopping: ${this.#closed.message}`,
      );
    }
    const misfit = this.#misfitOf(sender.peer);
    if (misfit !== undefined) {
      return await this.#refuse(sender, pending, "refused", misfit);
    }
    if (
      before !== undefined && before.peer.clientId !== sender.peer.clientId
    ) {
      return await this.#refuse(sender, pending, "busy", describe(before));
    }
    this.#current = sender;
    if (before === undefined) return true;
    before.stop.abort(
      new TransportError("The sender has connected once more"),
    );
    await before.gone;
    // While it waited, it may have been replaced in turn.
    if (this.#current === sender && !sender.stop.signal.aborted) return true;
    return await this.#refuse(
      sender,
      pending,
      "busy",
      "Another try came later",
    );
  }

  /** A directory is not given away, or changed two-way, unless both sides say so. */
  #misfitOf({ capabilities }: Peer): string | undefined {
    const wants = capabilities.has(Capability.twoWay);
    const offers = this.#options.pairing !== undefined;
    if (wants === offers) return undefined;
    return wants
      ? "This listener only receives: two-way needs lockstep listen --two-way"
      : "This listener is for two-way syncs only: lockstep sync --two-way";
  }

  async #refuse(
    sender: Sender,
    pending: PendingSession,
    code: "busy" | "refused",
    reason: string,
  ): Promise<false> {
    await pending.refuse(code, reason);
    this.#emit({ kind: "refused", peer: sender.address, reason });
    return false;
  }

  async #serve(sender: Sender, pending: PendingSession): Promise<void> {
    const { open, software, clientId } = this.#options;
    const { address } = sender;
    let endpoint: Endpoint;
    try {
      endpoint = await open();
    } catch (error) {
      await pending.refuse("refused", messageOf(error));
      this.#emit({ kind: "broken", peer: address, error: asError(error) });
      return;
    }
    try {
      const session = await letIn(pending, endpoint, { software, clientId });
      this.#emit({
        kind: "connected",
        peer: address,
        software: sender.peer.software,
      });
      const { pairing } = this.#options;
      const outcome = await serveEndpoint(session, endpoint, {
        role: pairing === undefined ? "target" : "peer",
        pairing,
        onSynced: (round) =>
          this.#emit({ kind: "synced", peer: address, round }),
      });
      this.#emit({ kind: "ended", peer: address, outcome });
    } catch (error) {
      this.#emit({ kind: "broken", peer: address, error: asError(error) });
    }
  }

  #emit(event: ReceiverEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** Answers the hello; if that is not possible any more, closes the endpoint. */
async function letIn(
  pending: PendingSession,
  endpoint: Endpoint,
  self: { readonly software: string; readonly clientId: string },
): Promise<Session> {
  try {
    return await pending.accept({ ...self, traits: endpoint.traits });
  } catch (error) {
    await endpoint.close({ kind: "interrupted", message: messageOf(error) });
    throw error;
  }
}

function describe(sender: Sender): string {
  const { address, peer, since } = sender;
  return `This receiver is busy: ${address} (${peer.software}) has been connected since ${
    since.toISOString().slice(0, 19).replace("T", " ")
  } UTC`;
}
