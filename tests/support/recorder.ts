/** Records what a client says to a server, byte for byte, and says it again. */
import { type ConnectionFaults, TcpProxy } from "./tcp_proxy.ts";

/** How long a server that is played to may think, in milliseconds. */
const SILENCE_MS = 150;

/** A piece of what the client said, and how much it had heard before. */
interface Said {
  readonly bytes: Uint8Array;
  readonly heardBytes: number;
}

/** Stands between client and server; its owner disposes of it. */
export class Recorder implements AsyncDisposable {
  readonly #proxy: TcpProxy;
  readonly #serverPort: number;
  readonly #said: Said[] = [];
  #heardBytes = 0;

  constructor(serverPort: number) {
    this.#serverPort = serverPort;
    this.#proxy = new TcpProxy(serverPort, () => this.#lanes());
  }

  /** Where the client connects to, once. */
  get url(): string {
    return this.#proxy.url;
  }

  /**
   * Plays all of it to the server, each piece when that has answered as much as
   * it had then, or says nothing more: what the server says, as text.
   */
  async play(): Promise<string> {
    using server = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#serverPort,
    });
    let heard = "";
    let onHeard = (): void => {};
    const reading = (async () => {
      const buffer = new Uint8Array(64 * 1024);
      for (;;) {
        const length = await server.read(buffer).catch(() => null);
        if (length === null) return;
        heard += String.fromCharCode(...buffer.subarray(0, length));
        onHeard();
      }
    })();
    try {
      for (const { bytes, heardBytes } of this.#said) {
        while (heard.length < heardBytes) {
          const more = await Promise.race([
            new Promise<boolean>((resolve) => onHeard = () => resolve(true)),
            delay(SILENCE_MS),
          ]);
          if (!more) break;
        }
        for (let at = 0; at < bytes.length;) {
          at += await server.write(bytes.subarray(at));
        }
      }
      await server.closeWrite();
    } catch {
      // The server has hung up.
    }
    await reading;
    return heard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
  }

  #lanes(): ConnectionFaults {
    return {
      toServer: {
        onBytes: (bytes) => {
          const heardBytes = this.#heardBytes;
          this.#said.push({ bytes: bytes.slice(), heardBytes });
        },
      },
      toClient: { onBytes: ({ length }) => void (this.#heardBytes += length) },
    };
  }
}

async function delay(ms: number): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return false;
}
