/** Questions to a hub over REST, with its answers and refusals as ours. */
import {
  messageOf,
  ProtocolError,
  SyncError,
  TransportError,
  UsageError,
} from "../../errors.ts";
import { isToken, TOKEN_RULE } from "../../net/token.ts";
import type { WireConflict } from "../client_report.ts";
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

/** A hub that is asked something small has this long to answer, in milliseconds. */
const ANSWER_WITHIN_MS = 30_000;

/** What a hub says to an upload. */
export interface Uploaded {
  /** The file had another version than was said: what came is kept as this. */
  readonly conflict?: WireConflict;
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
    this.#key = hubKeyOf(options);
    if (options.caFile !== undefined) {
      const caCerts = [readCaFile(options.caFile)];
      this.#client = Deno.createHttpClient({ caCerts });
    }
  }

  /**
   * Asks the hub; `body` makes it a POST.
   * @param within When to give up, for what takes no time; else never.
   * @throws {TransportError} `unreachable`
   * @throws {ProtocolError} `refused`
   * @throws {SyncError} If the hub can't do it.
   */
  async ask(
    path: string,
    body?: unknown,
    within?: "soon",
  ): Promise<unknown> {
    const signal = within === undefined
      ? this.#signal
      : AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const { response, answer } = await this.#fetch(
      path,
      body === undefined ? { signal } : {
        signal,
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      },
      jsonOf,
    );
    if (response.ok && answer !== undefined) return answer;
    throw this.#faultOf(response, answer);
  }

  /**
   * The content of a file, as it was at `revision`.
   * @throws {SyncError} As {@link ask}.
   */
  async download(
    path: string,
    revision: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const place = path.split("/").map(encodeURIComponent).join("/");
    const { response, answer } = await this.#fetch(
      `/download/${place}?version=${revision}`,
      {},
      (response) => response.bytes(),
    );
    if (response.ok) return answer;
    throw this.#faultOf(response, parse(new TextDecoder().decode(answer)));
  }

  /**
   * Uploads a file as it is read; `fields` are those of the form besides it.
   * @throws {SyncError} As {@link ask}, but not where it has become a conflict.
   */
  async upload(
    content: ReadableStream<Uint8Array<ArrayBuffer>>,
    fields: Readonly<Record<string, string>>,
  ): Promise<Uploaded> {
    const boundary = crypto.randomUUID();
    const { response, answer } = await this.#fetch("/upload", {
      method: "POST",
      body: formOf(content, fields, boundary),
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    }, jsonOf);
    const isKept = response.status === 409 &&
      (answer as Uploaded | undefined)?.conflict !== undefined;
    if ((response.ok && answer !== undefined) || isKept) {
      return answer as Uploaded;
    }
    throw this.#faultOf(response, answer);
  }

  async #fetch<T>(
    path: string,
    init: RequestInit & { readonly headers?: Record<string, string> },
    read: (response: Response) => Promise<T>,
  ): Promise<{ readonly response: Response; readonly answer: T }> {
    const key = this.#key;
    const request: RequestInit & { client?: Deno.HttpClient } = {
      signal: this.#signal,
      ...init,
      redirect: "manual",
      headers: {
        ...init.headers,
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(this.#client && { client: this.#client }),
    };
    try {
      const response = await fetch(`${this.#server}${path}`, request);
      return { response, answer: await read(response) };
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new TransportError(
        `Cannot reach the hub at ${this.#server}: ${messageOf(error)}`,
        "unreachable",
        { cause: error },
      );
    }
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
  return parse(await response.text());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A form with the file as its last part; fields hold no line ends. */
function formOf(
  content: ReadableStream<Uint8Array<ArrayBuffer>>,
  fields: Readonly<Record<string, string>>,
  boundary: string,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const part = (about: string): string =>
    `--${boundary}\r\ncontent-disposition: form-data; ${about}\r\n`;
  const head = Object.entries(fields)
    .map(([name, value]) => `${part(`name="${name}"`)}\r\n${value}\r\n`)
    .join("") + `${part('name="file"; filename="file"')}\r\n`;
  const frame = new TransformStream<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >({
    start(controller): void {
      controller.enqueue(encoder.encode(head));
    },
    flush(controller): void {
      controller.enqueue(encoder.encode(`\r\n--${boundary}--\r\n`));
    },
  });
  return content.pipeThrough(frame);
}

/**
 * The key that a command shows: of an option or a setting, else of the environment.
 * @throws {UsageError} If there is one that is none, or can't be read.
 */
export function hubKeyOf(
  { apiKey, apiKeyFile }: Pick<HubClientOptions, "apiKey" | "apiKeyFile">,
): string | undefined {
  if (apiKey !== undefined) return apiKey;
  if (apiKeyFile !== undefined) return readTokenFile(apiKeyFile);
  const text = Deno.env.get(KEY_VARIABLE);
  if (text === undefined || isToken(text)) return text;
  throw new UsageError(`${KEY_VARIABLE} holds no key: ${TOKEN_RULE}`);
}
