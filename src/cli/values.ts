/** Values of options: text -> what it means, or a UsageError that says why not. */
import type { DeleteLimit } from "../core/guard.ts";
import { quote } from "../core/path.ts";
import { UsageError } from "../errors.ts";
import { parseStamp, type Stamp } from "../fs/trash_stamp.ts";
import { isToken, TOKEN_RULE } from "../net/token.ts";
import { MIN_RATE } from "../session/rate_limit.ts";
import type { OptionSpec, ValueKind } from "./command_spec.ts";

/** Where `sync` mirrors to. */
export type Target =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "directory"; readonly path: string };

/**
 * What a value of each kind becomes; a duration, an interval and an age are in
 * milliseconds, a rate is in bytes per second, a size is in bytes.
 */
export interface ValueTypes {
  path: string;
  host: string;
  port: number;
  duration: number;
  rate: number;
  interval: number;
  target: Target;
  /** A target, or a hub as the `url`, which then begins with http. */
  remote: Target;
  limit: DeleteLimit;
  allowance: DeleteLimit;
  choice: string;
  age: number;
  stamp: Stamp;
  pattern: string;
  token: string;
  /** In bytes. */
  size: number;
  count: number;
  /** In milliseconds since 1970. */
  moment: number;
  /** The address of a hub, without a slash at its end. */
  hub: string;
  /** A command for the shell. */
  shell: string;
}

const MAX_PORT = 65_535;
const MAX_RATE = 1_024 ** 4;
const MAX_DURATION_MS = 7 * 24 * 3_600_000;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const AGE_UNIT_MS = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
  w: 7 * 24 * 3_600_000,
} as const;

const SIZE_UNITS = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const MAX_COUNT = 999_999_999;

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
  rate: readRate,
  interval: readInterval,
  target: readTarget,
  remote: readRemote,
  limit: readLimit,
  allowance: readAllowance,
  choice: readChoice,
  age: readAge,
  stamp: readStamp,
  pattern: (text) => text,
  token: readToken,
  size: readSize,
  count: readCount,
  moment: readMoment,
  hub: readHub,
  shell: readShell,
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
  const duration = toMilliseconds(text, "s");
  if (!(duration <= MAX_DURATION_MS)) {
    throw new UsageError(
      `${option} ${quote(text)} is not a time: ` +
        "seconds, or a number with ms, s, m or h, at most 7 days",
    );
  }
  return duration;
}

/** As rsync reads it. */
function readRate(text: string, option: string): number {
  const match = /^(\d{0,9}(?:\.\d{0,6})?)(?:b|([kmgt])(b|ib)?)?$/i.exec(text);
  const [, digits = "", letter = "", ending = ""] = match ?? [];
  const isBytes = /b$/i.test(text) && letter === "";
  const step = ending.toLowerCase() === "b" ? 1_000 : 1_024;
  const power = isBytes ? 0 : "kmgt".indexOf(letter.toLowerCase() || "k") + 1;
  const rate = /\d/.test(digits) ? Number(digits) * step ** power : NaN;
  if (rate === 0) return Infinity;
  if (rate >= MIN_RATE && rate <= MAX_RATE) return Math.floor(rate);
  throw new UsageError(
    `${option} ${quote(text)} is not a rate: KiB a second, or a number with ` +
      "K, M or G (1,024), KB, MB or GB (1,000); at least 1 KiB, or 0 for none",
  );
}

function readInterval(text: string, option: string): number {
  const interval = toMilliseconds(text, "ms");
  if (!(interval >= 1 && interval <= MAX_DURATION_MS)) {
    throw new UsageError(
      `${option} ${
        quote(text)
      } is not an interval: milliseconds, or a number ` +
        "with ms, s, m or h, from 1 ms to 7 days",
    );
  }
  return interval;
}

/** NaN for what is no time; a number without a unit is in `usual`. */
function toMilliseconds(text: string, usual: keyof typeof UNIT_MS): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text);
  const unit = (match?.[2] ?? usual) as keyof typeof UNIT_MS;
  return Number(match?.[1] ?? NaN) * UNIT_MS[unit];
}

function readShell(text: string, option: string): string {
  if (text.trim() !== "" && !text.includes("\0")) return text;
  throw new UsageError(`${option} ${quote(text)} is no command`);
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

function readAge(text: string, option: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/.exec(text);
  if (match === null) {
    throw new UsageError(
      `${option} ${quote(text)} is not an age: a number with m, h, d or w`,
    );
  }
  return Number(match[1]) * AGE_UNIT_MS[match[2] as keyof typeof AGE_UNIT_MS];
}

function readStamp(text: string, option: string): Stamp {
  const stamp = parseStamp(text);
  if (stamp !== undefined) return stamp;
  throw new UsageError(
    `${option} ${quote(text)} is not a stamp, as "trash list" shows them`,
  );
}

function readLimit(text: string, option: string): DeleteLimit {
  const limit = toLimit(text);
  if (limit !== undefined) return limit;
  throw new UsageError(
    `${option} ${quote(text)} is not a number of entries, nor 0% to 100%`,
  );
}

function readAllowance(text: string, option: string): DeleteLimit {
  const limit: DeleteLimit | undefined = text === "all"
    ? { kind: "all" }
    : text === "always"
    ? { kind: "all", always: true }
    : toLimit(text);
  if (limit !== undefined) return limit;
  throw new UsageError(
    `${option} ${
      quote(text)
    } is not a number of entries, nor 0% to 100%, nor "all" or "always"`,
  );
}

function toLimit(text: string): DeleteLimit | undefined {
  if (/^\d{1,15}$/.test(text)) return { kind: "count", count: Number(text) };
  const percent = Number(/^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1] ?? NaN);
  return percent <= 100 ? { kind: "percent", percent } : undefined;
}

/** What is wrong with it is not shown: it may be nearly right. */
function readToken(text: string, option: string): string {
  if (isToken(text)) return text;
  throw new UsageError(`${option}: a token has ${TOKEN_RULE}`);
}

function readSize(text: string, option: string): number {
  const match = /^(\d{1,12})([KMGT]?)(?:iB|B)?$/i.exec(text);
  const unit = (match?.[2] ?? "").toUpperCase() as keyof typeof SIZE_UNITS;
  const size = Number(match?.[1] ?? NaN) * SIZE_UNITS[unit];
  if (Number.isSafeInteger(size)) return size;
  throw new UsageError(
    `${option} ${
      quote(text)
    } is not a size: a number of bytes, or with K, M, G, T`,
  );
}

function readCount(
  text: string,
  option: string,
  { max = MAX_COUNT }: OptionSpec,
): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (count <= max) return count;
  throw new UsageError(
    `${option} ${quote(text)} is not a number from 0 to ${max}`,
  );
}

/** A point in time, or how long ago it was. */
function readMoment(text: string, option: string): number {
  if (/^\d{1,6}(\.\d{1,3})?[smhdw]$/.test(text)) {
    return Date.now() - readAge(text, option);
  }
  const isIso =
    /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/
      .test(text);
  const time = isIso ? Date.parse(text.replace(" ", "T")) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `${option} ${quote(text)} is not a time: 2026-01-31T12:00, or 2h (ago)`,
  );
}

function readHub(text: string, option: string): string {
  refuseSecrets(text, option);
  if (!/^https?:\/\//i.test(text)) {
    throw new UsageError(
      `${option} ${
        quote(text)
      }: the address of a hub begins with http:// or https://`,
    );
  }
  checkUrl(text, option);
  if (text.includes("?")) {
    throw new UsageError(`${option} ${quote(text)}: an address has no query`);
  }
  return text.replace(/\/+$/, "");
}

function readRemote(text: string, option: string): Target {
  if (!/^https?:\/\//i.test(text)) return readTarget(text, option);
  return { kind: "url", url: readHub(text, option) };
}

function readTarget(text: string, option: string): Target {
  refuseSecrets(text, option);
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

/**
 * Comes first, and is looked for in the text: no message may show a secret, also
 * where something else is wrong with the address.
 * @throws {UsageError} If the address holds a user, a password or a token.
 */
function refuseSecrets(text: string, option: string): void {
  if (!/^([a-z][a-z0-9+.-]*:\/\/|wss?:)/i.test(text)) return;
  const [place = "", query = ""] = text.split(/[?#](.*)/s);
  if (/^[^:]*:\/*[^/]*@/.test(place)) {
    throw new UsageError(`${option}: an address can't hold a user or password`);
  }
  if (/(^|&)[^=&]*token/i.test(query)) {
    throw new UsageError(
      `${option}: an address can't hold a token; see --token-file`,
    );
  }
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
  if (url.hash !== "") {
    throw new UsageError(
      `${option} ${quote(text)}: an address can't hold "#"`,
    );
  }
}
