/** Questions to the daemon of this user, with its answers and refusals as ours. */
import {
  type ErrorCode,
  messageOf,
  SyncError,
  TransportError,
} from "../../errors.ts";
import type { DaemonStatus } from "../../daemon/control.ts";
import {
  type ControlAddress,
  type DaemonPlaces,
  HAS_SOCKETS,
} from "../../daemon/control_address.ts";
import { daemonPlaces } from "../state/daemon_places.ts";

/** Talks to the daemon. Its owner disposes of it. */
export class DaemonClient implements Disposable {
  readonly #address: ControlAddress | undefined;
  readonly #client: Deno.HttpClient | undefined;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal, places: DaemonPlaces = daemonPlaces()) {
    this.#signal = signal;
    this.#address = addressAt(places.control);
    if (this.#address?.kind !== "socket") return;
    const { path } = this.#address;
    this.#client = Deno.createHttpClient({
      proxy: { transport: "unix", path },
    });
  }

  /**
   * Asks the daemon at `path`, whose parts are in code for addresses.
   * @throws {TransportError} `unreachable`, if none is running.
   * @throws {SyncError} What the daemon says.
   */
  async ask(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    let response: Response;
    let answer: unknown;
    try {
      if (this.#address === undefined) throw new Error("it does not listen");
      const { origin, headers } = waysTo(this.#address);
      response = await fetch(`${origin}/v1/${path}`, {
        method,
        headers,
        signal: this.#signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(this.#client && { client: this.#client }),
      });
      answer = await response.json();
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new TransportError(
        "No daemon is running (start one: lockstep daemon start)",
        "unreachable",
        { cause: error },
      );
    }
    if (response.ok) return answer;
    const { code = "failed", detail } = answer as {
      readonly code?: ErrorCode;
      readonly detail?: unknown;
    };
    throw new SyncError(code, messageOf(detail));
  }

  /** How the daemon is; undefined: none is running. @throws {SyncError} */
  async status(): Promise<DaemonStatus | undefined> {
    try {
      return await this.ask("GET", "daemon") as DaemonStatus;
    } catch (error) {
      if (error instanceof TransportError) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }
}

function addressAt(control: string): ControlAddress | undefined {
  if (HAS_SOCKETS) return { kind: "socket", path: control };
  try {
    const { port, token } = JSON.parse(Deno.readTextFileSync(control));
    return { kind: "port", port: Number(port), token: String(token) };
  } catch {
    return undefined;
  }
}

function waysTo(
  address: ControlAddress,
): { readonly origin: string; readonly headers: Record<string, string> } {
  if (address.kind === "socket") {
    return { origin: "http://localhost", headers: {} };
  }
  const { port, token } = address;
  return {
    origin: `http://127.0.0.1:${port}`,
    headers: { authorization: `Bearer ${token}` },
  };
}
