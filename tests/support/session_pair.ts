/** Two sessions over one connection in memory. */
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../src/net/memory_transport.ts";
import type { Transport } from "../../src/net/transport.ts";
import { ByteWriter } from "../../src/protocol/bytes.ts";
import {
  decodeFrames,
  type Frame,
  type FrameType,
} from "../../src/protocol/frame.ts";
import type { Party } from "../../src/session/handshake.ts";
import { awaitHello, openSession } from "../../src/session/open_session.ts";
import type { Session } from "../../src/session/session.ts";
import { FakeClock } from "./fake_clock.ts";
import { encodeMessage } from "./wire_message.ts";

/** Somebody; `id` is the first digit of the client id. */
export function party(id = 0): Party {
  return {
    software: "test/1",
    clientId: `${id}`.padStart(32, "0"),
    traits: { modes: true, symlinks: true, owners: false },
  };
}

/** A client and a server that have shaken hands. */
export interface SessionPair {
  readonly clock: FakeClock;
  readonly client: Session;
  readonly server: Session;
}

export async function sessionPair(
  faults?: MemoryTransportOptions,
): Promise<SessionPair> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports(faults);
  const [client, server] = await Promise.all([
    openSession(near, party(1), { clock }),
    awaitHello(far, { clock }).then((pending) => pending.accept(party(2))),
  ]);
  return { clock, client, server };
}

/** The other end of a session, as a test that speaks the protocol by hand. */
export class RawPeer {
  readonly #transport: Transport;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #frames: Frame[] = [];

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#writer = transport.writable.getWriter();
    this.#reader = transport.readable.getReader();
  }

  /** Sends one frame in a message of its own. */
  async send(
    type: FrameType,
    options: { exchange?: number; end?: boolean; payload?: Uint8Array } = {},
  ): Promise<void> {
    const { exchange = 0, end = false, payload = new Uint8Array() } = options;
    await this.#writer.write(encodeMessage({ type, exchange, end, payload }));
  }

  /** Sends bytes as they are. */
  async sendMessage(message: Uint8Array): Promise<void> {
    await this.#writer.write(message);
  }

  /** The next frame; undefined when the connection is closed. */
  async receive(): Promise<Frame | undefined> {
    while (this.#frames.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#frames = [...decodeFrames(value)];
    }
    return this.#frames.shift();
  }

  /** The next frame of this type; others are passed over. */
  async receiveType(type: FrameType): Promise<Frame> {
    for (;;) {
      const frame = await this.receive();
      if (frame === undefined) throw new Error("The connection was closed");
      if (frame.type === type) return frame;
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** The bytes that `write` writes. */
export function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.bytes.slice();
}
