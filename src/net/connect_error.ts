/**
 * What a failed connection means. Deno tells the HTTP status, and all else, only
 * in the text of an error event; this is the one place that reads it.
 */
import { ProtocolError, TransportError } from "../errors.ts";

/** Answers of somebody who may let us in later. */
const LATER: Readonly<Record<string, string>> = {
  429: "too many tries; it wants a pause",
  502: "a proxy whose receiver is away",
  503: "too many connections, or a proxy whose receiver is away",
  504: "a proxy whose receiver is away",
};

/** Answers of somebody who would not let us in the next time, either. */
const NEVER: Readonly<Record<string, string>> = {
  401: "the token is missing or wrong",
  403: "it does not let this sender in",
  407: "a proxy on the way wants a password",
};

/** What is wrong for good: the other end is no receiver, or not the one meant. */
const LASTING: readonly (readonly [RegExp, string])[] = [
  [/UnknownIssuer/, "its certificate is not trusted (see --ca-file)"],
  [/certificate: Expired/, "its certificate has expired"],
  [/certificate: NotValidYet/, "its certificate is not valid yet"],
  [
    /certificate not valid for name/i,
    "its certificate is for another host name",
  ],
  [
    /CaUsedAsEndEntity/,
    "its certificate is one to issue others with (basicConstraints CA:TRUE)",
  ],
  [/peer certificate/, "its certificate is not accepted"],
  [/InvalidContentType/, "it does not speak TLS (ws:// instead of wss://?)"],
  [/fatal alert/, "it does not agree on how to speak TLS"],
  [
    /invalid HTTP/i,
    "it does not speak HTTP (wss:// instead of ws://, or no receiver?)",
  ],
  [/invalid upgrade header/i, "not a Lockstep receiver"],
];

/** What may be otherwise a moment later. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/tcp connect error/, "nobody listens there, or it can't be reached"],
  [/dns error/, "the name of the host is not known"],
  [
    /connection closed before message completed|handshake eof|unexpected eof/i,
    "it hangs up without an answer",
  ],
];

/**
 * The error for a connection to `peer` that could not be made because of
 * `cause`, a text of Deno's.
 * @returns A {@link TransportError} where the next try may go better, else a
 *   {@link ProtocolError}.
 */
export function connectError(
  peer: string,
  cause: string,
): TransportError | ProtocolError {
  const status = /status code:? (\d{3})/i.exec(cause)?.[1];
  const later = status === undefined ? undefined : LATER[status];
  if (status !== undefined && later === undefined) {
    const hint = NEVER[status] ?? "not a Lockstep receiver";
    return refused(peer, `${answer(status)} (${hint})`);
  }
  if (status !== undefined) return away(peer, `${answer(status)} (${later})`);
  const lasting = meaningIn(LASTING, cause);
  if (lasting !== undefined) return refused(peer, lasting);
  return away(peer, meaningIn(PASSING, cause) ?? oneLine(cause));
}

/** Host and port, also where the port is the usual one. */
export function hostOf(url: URL): string {
  const port = url.port || (url.protocol === "wss:" ? "443" : "80");
  return `${url.hostname}:${port}`;
}

/** Without the prefix that every such text has. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ")
    .replace(/^(NetworkError: )?failed to connect to WebSocket: /, "")
    .slice(0, 300);
}

function answer(status: string): string {
  return `it answers with HTTP status ${status}`;
}

function refused(peer: string, reason: string): ProtocolError {
  return new ProtocolError(`Cannot connect to ${peer}: ${reason}`, "refused");
}

function away(peer: string, reason: string): TransportError {
  const message = `Cannot connect to ${peer}: ${reason}`;
  return new TransportError(message, "unreachable");
}

function meaningIn(
  table: readonly (readonly [RegExp, string])[],
  cause: string,
): string | undefined {
  return table.find(([pattern]) => pattern.test(cause))?.[1];
}
