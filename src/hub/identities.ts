/**
 * Who takes part in a two-way sync right now. A directory has one identity, and one
 * program at a time that syncs it: if a second one shows the same, its memory was
 * copied from another machine, and the two would undo what the other agreed on.
 */
import { ProtocolError, TransportError } from "../errors.ts";
import type {
  PairedSide,
  PairingId,
  PairingState,
  Tokens,
} from "../session/pairing.ts";

/** A session that shows an identity. */
export interface Holder {
  /** Of the program: the same in all its sessions. */
  readonly run: string;
  /** What others are told of it. */
  readonly name: string;
  /** Ends its session. */
  readonly stop: AbortController;
}

/** The identities that are in use. */
export class Identities {
  readonly #holders = new Map<PairingId, Holder>();

  /**
   * `side`, for one session, which has the identity that it asks for until it
   * is disposed of. The same program, connecting once more, ends its old session.
   */
  guard(side: PairedSide, holder: Holder): PairedSide & Disposable {
    const held = new Set<PairingId>();
    const claim = (peerId: PairingId): void => {
      this.#claim(peerId, holder);
      held.add(peerId);
    };
    return {
      async look(peerId: PairingId): Promise<PairingState> {
        claim(peerId);
        return await side.look(peerId);
      },
      async commit(peerId: PairingId, tokens: Tokens): Promise<void> {
        claim(peerId);
        await side.commit(peerId, tokens);
      },
      [Symbol.dispose]: () => {
        for (const id of held) {
          if (this.#holders.get(id) === holder) this.#holders.delete(id);
        }
      },
    };
  }

  /** @throws {ProtocolError} `busy`, if somebody else has it. */
  #claim(peerId: PairingId, holder: Holder): void {
    // Whoever was followed by a session of its own has nothing more to say.
    holder.stop.signal.throwIfAborted();
    const other = this.#holders.get(peerId);
    if (other !== undefined && other !== holder) {
      if (other.run !== holder.run) {
        throw new ProtocolError(
          `Identity in use: ${other.name} is connected with the identity of ` +
            "this directory, so what is remembered of it was copied; start " +
            "with another --state-dir, and the hub takes it for a new one",
          "busy",
        );
      }
      other.stop.abort(
        new TransportError("The client has connected once more"),
      );
    }
    this.#holders.set(peerId, holder);
  }
}
