/** What the other end of a session remembers of this side. */
import type { ByteReader } from "../protocol/bytes.ts";
import { FrameType } from "../protocol/frame.ts";
import {
  readPair,
  readPaired,
  writePair,
  writePaired,
} from "../protocol/pairing_codec.ts";
import type { Exchange } from "./exchange.ts";
import { closingOnFault } from "./fault.ts";
import type { PairedSide, PairingId, PairingState, Tokens } from "./pairing.ts";
import type { Session } from "./session.ts";

/** The asking side; see {@link answerPairing} for the other one. */
export class RemotePairing implements PairedSide {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  look(peerId: PairingId): Promise<PairingState> {
    return this.#ask(peerId, undefined);
  }

  async commit(peerId: PairingId, tokens: Tokens): Promise<void> {
    await this.#ask(peerId, tokens);
  }

  async #ask(
    peerId: PairingId,
    tokens: Tokens | undefined,
  ): Promise<PairingState> {
    const exchange = this.#session.open();
    try {
      return await closingOnFault(this.#session, async () => {
        writePair(exchange.page, { peerId, tokens });
        await exchange.send(FrameType.pair, { end: true });
        const reader = await exchange.receiveOnly(FrameType.paired);
        const state = readPaired(reader);
        reader.end("the answer to a pair");
        return state;
      });
    } catch (error) {
      exchange.fail(error, "cancel");
      throw error;
    }
  }
}

/** Answers the question that `exchange` asks. */
export async function answerPairing(
  exchange: Exchange,
  pairing: PairedSide,
): Promise<void> {
  const reader: ByteReader = await exchange.receiveOnly(FrameType.pair);
  const { peerId, tokens } = readPair(reader);
  reader.end("a pair");
  if (tokens !== undefined) await pairing.commit(peerId, tokens);
  writePaired(exchange.page, await pairing.look(peerId));
  await exchange.send(FrameType.paired, { end: true });
}
