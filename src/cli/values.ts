/** Values of options: text -> what it means, or a UsageError that says why not. */
import { quote } from "../core/path.ts";
import { UsageError } from "../errors.ts";
import type { OptionSpec, ValueKind } from "./command_table.ts";

/** Where `sync` mirrors to. */
export type Target =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "directory"; readonly path: string };

/** What a value of each kind becomes; a duration is in milliseconds. */
export interface ValueTypes {
  path: string;
  host: string;
  port: number;
  duration: number;
  target: Target;
  choice: string;
}

const MAX_PORT = 65_535;
const MAX_DURATION_MS = 7 * 24 * 3_600_000;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const READERS: {
  [K in ValueKind]: (
    text: string,
    option: string,
    spec: OptionSpec,
  ) => ValueTypes[K];
} = {
  path: readPath,
  host: readHost,
  port: readPort,
  duration: readDuration,
  target: readTarget,
  choice: readChoice,
};

/**
 * Reads the value of the option `spec`, which is no flag.
 * @throws {UsageError}
 */
export function readValue(
  text: string,
  spec: OptionSpec & { readonly kind: ValueKind },
): ValueTypes[ValueKind] {
  return READERS[spec.kind](text, `--${spec.long}`, spec);
}

function readPath(text: string, option: string): string {
  if (text.includes("\0")) {
    throw new UsageError(`${option} ${quote(text)}: a path can't hold NUL`);
  }
  return text;
}

function readHost(text: string, option: string): string {
  const host = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (/^[^:]+:\d+$/.test(host)) {
    throw new UsageError(
      `${option} ${quote(text)}: the port belongs to --port`,
    );
  }
  if (!/^[\w.:%-]+$/.test(host)) {
    throw new UsageError(
      `${option} ${quote(text)} is not a host name or an IP address`,
    );
  }
  return host;
}

function readPort(text: string, option: string): number {
  const port = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(port <= MAX_PORT)) {
    throw new UsageError(
      `${option} ${quote(text)} is not a port: 0 to ${MAX_PORT}`,
    );
  }
  return port;
}

function readDuration(text: string, option: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text);
  const unit = (match?.[2] ?? "s") as keyof typeof UNIT_MS;
  const duration = Number(match?.[1] ?? NaN) * UNIT_MS[unit];
  if (!(duration <= MAX_DURATION_MS)) {
    throw new UsageError(
      `${option} ${quote(text)} is not a time: ` +
        "seconds, or a number with ms, s, m or h, at most 7 days",
    );
  }
  return duration;
}

function readChoice(text: string, option: string, spec: OptionSpec): string {
  const choices = spec.choices ?? [];
  if (!choices.includes(text)) {
    throw new UsageError(
      `${option} ${quote(text)}: expected ${choices.join(", ")}`,
    );
  }
  return text;
}

function readTarget(text: string, option: string): Target {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return readTargetPath(text, option);
  if (scheme === "http" || scheme === "https") {
    const rest = text.slice(scheme.length);
    throw new UsageError(
      `${option} ${quote(text)}: write ${
        quote(`${scheme === "http" ? "ws" : "wss"}${rest}`)
      }`,
    );
  }
  if (scheme !== "ws" && scheme !== "wss") {
    throw new UsageError(
      `${option} ${quote(text)}: only ws:// and wss:// addresses are possible`,
    );
  }
  checkUrl(text, option);
  return { kind: "url", url: text };
}

function readTargetPath(text: string, option: string): Target {
  if (/^wss?:/i.test(text)) {
    throw new UsageError(
      `${option} ${quote(text)}: an address begins with ws:// or wss://`,
    );
  }
  // Nobody means a new directory of that name.
  if (/^[\w.-]{2,}:\d+\/?$/.test(text)) {
    throw new UsageError(
      `${option} ${quote(text)} looks like an address: write ` +
        `${quote(`ws://${text}`)} (or ${quote(`./${text}`)} for a directory)`,
    );
  }
  return { kind: "directory", path: readPath(text, option) };
}

function checkUrl(text: string, option: string): void {
  const url = URL.parse(text);
  if (url === null || /\s/.test(text)) {
    throw new UsageError(`${option} ${quote(text)} is not a valid address`);
  }
  if (url.hostname === "") {
    throw new UsageError(`${option} ${quote(text)} names no host`);
  }
  if (url.port === "0") {
    throw new UsageError(
      `${option} ${quote(text)}: 0 is not a port that can be reached`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    // Not shown: it may be a secret.
    throw new UsageError(`${option}: an address can't hold a user or password`);
  }
  if (url.hash !== "") {
    throw new UsageError(
      `${option} ${quote(text)}: an address can't hold "#"`,
    );
  }
}
