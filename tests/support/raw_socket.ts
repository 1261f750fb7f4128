/** The client's end of a WebSocket, by hand: what no WebSocket of a library does. */
import { UPGRADE } from "./raw_http.ts";
import { joined } from "./wire_message.ts";

/** First bytes of a message that is one frame. */
export const TEXT = 0x81;
export const BINARY = 0x82;
const MASKED = 0x80;

const encoder = new TextEncoder();

/** An open connection, from which nothing is read; whoever opened it closes it. */
export class RawSocket implements Disposable {
  readonly #connection: Deno.TcpConn;
  #closed = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a receiver on this machine, as a sender would. */
  static async connect(port: number): Promise<RawSocket> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const lines = ["GET / HTTP/1.1", `Host: 127.0.0.1:${port}`, ...UPGRADE];
    const socket = new RawSocket(connection);
    await socket.write(encoder.encode([...lines, "", ""].join("\r\n")));
    const answer = new Uint8Array(4096);
    const length = await connection.read(answer) ?? 0;
    const status = new TextDecoder().decode(answer.subarray(0, length));
    if (!status.startsWith("HTTP/1.1 101")) throw new Error(status);
    return socket;
  }

  async sendText(text: string): Promise<void> {
    await this.write(frame(TEXT, encoder.encode(text)));
  }

  async sendBinary(message: Uint8Array): Promise<void> {
    await this.write(frame(BINARY, message));
  }

  /** Writes bytes as they are. @throws {Error} If the connection is closed. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#connection.write(bytes.subarray(at));
    }
  }

  /** Bytes on the way that the receiver has not read (Linux); 0 if it is gone. */
  unread(): number {
    const { localAddr, remoteAddr } = this.#connection;
    return queued(localAddr, remoteAddr).sent +
      queued(remoteAddr, localAddr).received;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }
}

/** What waits at one end of a connection over IPv4 on this machine, in bytes. */
function queued(
  near: Deno.NetAddr,
  far: Deno.NetAddr,
): { readonly sent: number; readonly received: number } {
  const port = (address: Deno.NetAddr): string =>
    address.port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of Deno.readTextFileSync("/proc/net/tcp").split("\n")) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (!local?.endsWith(`:${port(near)}`)) continue;
    if (!remote?.endsWith(`:${port(far)}`)) continue;
    const [sent, received] = queues!.split(":").map((it) => parseInt(it, 16));
    return { sent: sent!, received: received! };
  }
  return { sent: 0, received: 0 };
}

/** A whole message in one frame of a WebSocket (RFC 6455, section 5.2). */
export function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const header = length < 126
    ? Uint8Array.of(opcode, MASKED | length)
    : length < 2 ** 16
    ? Uint8Array.of(opcode, MASKED | 126, length >> 8, length)
    : Uint8Array.of(
      opcode,
      MASKED | 127,
      ...[0, 0, 0, 0],
      ...[length >> 24, length >> 16, length >> 8, length],
    );
  // A mask of zeros leaves the payload as it is.
  return joined(header, new Uint8Array(4), payload);
}
