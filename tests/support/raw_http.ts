/** HTTP by hand: requests that no client would send, answers that no server would. */

const encoder = new TextEncoder();

/** The headers of a sender that connects, without `Host`. */
export const UPGRADE: readonly string[] = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol: lockstep.v1",
];

/** An answer, as it came. */
export interface RawAnswer {
  /** NaN where the server hung up without one. */
  readonly status: number;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends a GET request with these header lines to a port of this machine. */
export async function askRaw(
  port: number,
  headers: readonly (string | Uint8Array)[],
  path = "/",
): Promise<RawAnswer> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = [`GET ${path} HTTP/1.1`, ...headers, ""];
  const parts = lines.map((line) =>
    typeof line === "string" ? encoder.encode(line) : line
  );
  const bytes = parts.flatMap((part) => [...part, 13, 10]);
  return parse(await exchange(connection, Uint8Array.from(bytes)));
}

/** What comes back until the answer is whole, or the server hangs up. */
async function exchange(
  connection: Deno.TcpConn,
  request: Uint8Array,
): Promise<string> {
  let text = "";
  try {
    for (let at = 0; at < request.length;) {
      at += await connection.write(request.subarray(at));
    }
    const buffer = new Uint8Array(4096);
    while (!isWhole(text)) {
      const length = await connection.read(buffer);
      if (length === null) break;
      text += new TextDecoder("latin1").decode(buffer.subarray(0, length));
    }
  } catch {
    // The server may close before it has read everything.
  }
  return text;
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text)?.[1] ?? "0";
  return text.length >= end + 4 + Number(length);
}

function parse(text: string): RawAnswer {
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(" ")[1]),
    headers: new Map(headers),
    body,
  };
}

/** A server that answers every connection with the same bytes, then hangs up. */
export class RawServer implements AsyncDisposable {
  readonly port: number;
  /** How many connections there were. */
  connections = 0;
  readonly #listener: Deno.TcpListener;
  readonly #work: Promise<void>;

  constructor(answer: string) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#work = this.#serve(encoder.encode(answer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#work;
  }

  async #serve(answer: Uint8Array): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      try {
        // Whoever closes with bytes unread resets the connection.
        await connection.read(new Uint8Array(4096));
        await connection.write(answer);
        await connection.closeWrite();
      } catch {
        // The client was faster.
      } finally {
        connection.close();
      }
    }
  }
}
