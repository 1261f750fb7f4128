/** A reverse proxy for WebSockets, with a limit for the length of a message. */

/** A running proxy; its owner disposes of it. */
export class WebSocketProxy implements AsyncDisposable {
  readonly url: string;
  /** Bytes of the longest message so far. */
  readonly longest = { toServer: 0, toClient: 0 };
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** A connection with a message of more than `maxBytes` is broken. */
  constructor(serverPort: number, maxBytes: number) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: (): void => {} },
      (request) => {
        const protocol = request.headers.get("sec-websocket-protocol") ?? "";
        const { socket, response } = Deno.upgradeWebSocket(request, {
          protocol,
        });
        const onward = new WebSocket(`ws://127.0.0.1:${serverPort}`, protocol);
        this.#join(socket, onward, "toServer", maxBytes);
        this.#join(onward, socket, "toClient", maxBytes);
        return response;
      },
    );
    this.url = `ws://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  /** Passes messages on; those that come before `to` is open wait for that. */
  #join(
    from: WebSocket,
    to: WebSocket,
    lane: "toServer" | "toClient",
    maxBytes: number,
  ): void {
    from.binaryType = "arraybuffer";
    const open = new Promise<void>((resolve) => {
      if (to.readyState === WebSocket.OPEN) resolve();
      else to.addEventListener("open", () => resolve(), { once: true });
    });
    from.onmessage = async ({ data }): Promise<void> => {
      const length = data.byteLength ?? data.length;
      this.longest[lane] = Math.max(this.longest[lane], length);
      await open;
      if (length > maxBytes) to.close();
      else if (to.readyState === WebSocket.OPEN) to.send(data);
    };
    from.onclose = (): void => to.close();
    from.onerror = (): void => to.close();
  }
}
