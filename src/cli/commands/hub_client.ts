/** Questions to a hub over REST, with its answers and refusals as ours. */
import {
  messageOf,
  ProtocolError,
  SyncError,
  TransportError,
  UsageError,
} from "../../errors.ts";
import { isToken, TOKEN_RULE } from "../../net/token.ts";
import { readCaFile } from "./tls_files.ts";
import { readTokenFile } from "./token_file.ts";

const KEY_VARIABLE = "LOCKSTEP_API_KEY";

/** The options that say which hub, and what opens it. */
export interface HubClientOptions {
  readonly server: string;
  readonly apiKey: string | undefined;
  readonly apiKeyFile: string | undefined;
  readonly caFile: string | undefined;
}

/** Talks to one hub. Its owner disposes of it. */
export class HubClient implements Disposable {
  readonly #server: string;
  readonly #key: string | undefined;
  readonly #client: Deno.HttpClient | undefined;
  readonly #signal: AbortSignal;

  /** @throws {UsageError} If the key, or the certificates, can't be had. */
  constructor(options: HubClientOptions, signal: AbortSignal) {
    this.#server = options.server;
    this.#signal = signal;
    this.#key = keyOf(options);
    if (options.caFile !== undefined) {
      const caCerts = [readCaFile(options.caFile)];
      this.#client = Deno.createHttpClient({ caCerts });
    }
  }

  /**
   * Asks the hub; `body` makes it a POST.
   * @throws {TransportError} `unreachable`
   * @throws {ProtocolError} `refused`
   * @throws {SyncError} If the hub can't do it.
   */
  async ask(path: string, body?: unknown): Promise<unknown> {
    const init: RequestInit & { client?: Deno.HttpClient } = {
      signal: this.#signal,
      redirect: "manual",
      headers: {
        ...(this.#key !== undefined &&
          { authorization: `Bearer ${this.#key}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      ...(this.#client && { client: this.#client }),
    };
    let response: Response;
    let answer: unknown;
    try {
      response = await fetch(`${this.#server}${path}`, init);
      answer = await jsonOf(response);
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new TransportError(
        `Cannot reach the hub at ${this.#server}: ${messageOf(error)}`,
        "unreachable",
        { cause: error },
      );
    }
    if (response.ok && answer !== undefined) return answer;
    throw this.#faultOf(response, answer);
  }

  [Symbol.dispose](): void {
    this.#client?.close();
  }

  #faultOf(response: Response, answer: unknown): SyncError {
    const { detail } = (answer ?? {}) as { readonly detail?: unknown };
    const said = typeof detail === "string"
      ? detail
      : `HTTP status ${response.status}`;
    const message = `The hub at ${this.#server} says: ${said}`;
    const isRefusal = [401, 403, 429].includes(response.status) ||
      answer === undefined;
    if (isRefusal) return new ProtocolError(message, "refused");
    return new SyncError("failed", message);
  }
}

/** What the answer says; undefined: no JSON, so it is no hub's. */
async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function keyOf({ apiKey, apiKeyFile }: HubClientOptions): string | undefined {
  if (apiKey !== undefined) return apiKey;
  if (apiKeyFile !== undefined) return readTokenFile(apiKeyFile);
  const text = Deno.env.get(KEY_VARIABLE);
  if (text === undefined || isToken(text)) return text;
  throw new UsageError(`${KEY_VARIABLE} holds no key: ${TOKEN_RULE}`);
}
