/** `config.yaml`: what a client of a hub is told about itself. */
import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { isAbsolute, join } from "@std/path";
import { stringify } from "yaml";
import { quote } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import { isToken, TOKEN_RULE } from "../../net/token.ts";
import { CLIENT_POLICIES, type ClientPolicy } from "./client_policy.ts";
import { type FieldValue, YamlFields } from "./yaml_fields.ts";

/** What the file says. */
export interface ClientConfig {
  readonly clientName: string;
  /** Absolute. */
  readonly syncDirectory: string;
  /** `http://` or `https://`, without a slash at its end. */
  readonly server: string;
  readonly ignorePatterns: readonly string[];
  readonly apiKey: string | undefined;
  /** Absolute. */
  readonly apiKeyFile: string | undefined;
  /** Absolute. */
  readonly caFile: string | undefined;
  readonly conflictPolicy: ClientPolicy;
}

const DEFAULT_PORT = 8_000;
const MAX_NAME_CHARACTERS = 64;
const MAX_PATTERNS = 1_000;

/** A suggestion is made up to this many different letters. */
const CLOSE = 3;

/** What is read so far; a value is checked where it stands. */
interface Draft {
  clientName?: string;
  syncDirectory?: string;
  serverHost?: string;
  serverPort?: number;
  serverUrl?: string;
  ignorePatterns?: readonly string[];
  apiKey?: string;
  apiKeyFile?: string;
  caFile?: string;
  conflictPolicy?: ClientPolicy;
}

/** Reads one value into the draft; what it throws is told with its place. */
type Reader = (draft: Draft, field: FieldValue, directory: string) => void;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["client_name", (draft, field) => {
    draft.clientName = checkClientName(textOf(field));
  }],
  ["sync_directory", (draft, field, directory) => {
    draft.syncDirectory = pathOf(field, directory);
  }],
  ["server_host", (draft, field) => {
    const host = textOf(field);
    const isHost = /^[\w.-]+$|^\[?[0-9a-f:.]+\]?$/i.test(host);
    if (!isHost) throw new UsageError(`${quote(host)} is not a host name`);
    draft.serverHost = host;
  }],
  ["server_port", (draft, { value }) => {
    const isPort = typeof value === "number" && Number.isInteger(value) &&
      value >= 1 && value <= 65_535;
    if (!isPort) throw new UsageError("expected a port: 1 to 65535");
    draft.serverPort = value;
  }],
  ["server_url", (draft, field) => {
    draft.serverUrl = checkServer(textOf(field));
  }],
  ["ignore_patterns", (draft, { value }) => {
    if (!Array.isArray(value)) {
      throw new UsageError("expected a list: lines of - PATTERN below it");
    }
    if (value.length > MAX_PATTERNS) {
      throw new UsageError(`there are more than ${MAX_PATTERNS} patterns`);
    }
    draft.ignorePatterns = value.map(textOf);
  }],
  ["api_key", (draft, field) => {
    const key = textOf(field);
    // It is not shown: it may be nearly right.
    if (!isToken(key)) throw new UsageError(`a key has ${TOKEN_RULE}`);
    draft.apiKey = key;
  }],
  ["api_key_file", (draft, field, directory) => {
    draft.apiKeyFile = pathOf(field, directory);
  }],
  ["ca_file", (draft, field, directory) => {
    draft.caFile = pathOf(field, directory);
  }],
  ["conflict_policy", (draft, field) => {
    const policy = CLIENT_POLICIES.find((it) => it === field.value);
    if (policy === undefined) {
      throw new UsageError(`expected one of ${CLIENT_POLICIES.join(", ")}`);
    }
    draft.conflictPolicy = policy;
  }],
]);

/**
 * Reads the text of a file.
 * @param file What errors call it.
 * @param directory Where it lies: relative paths in it begin there.
 * @throws {UsageError} `FILE:LINE:COL: REASON`
 */
export function parseClientConfig(
  text: string,
  file: string,
  directory: string,
): ClientConfig {
  const fields = new YamlFields(text, file);
  const draft: Draft = {};
  for (const { name, offset, value } of fields) {
    const read = READERS.get(name);
    if (read === undefined) throw fields.errorAt(offset, unknownKey(name));
    try {
      read(draft, value, directory);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw fields.errorAt(value.offset, `${name}: ${error.message}`);
    }
  }
  const missing = (name: string): UsageError =>
    fields.errorAt(0, `${name} is missing`);
  const { clientName, syncDirectory, apiKey, apiKeyFile } = draft;
  if (clientName === undefined) throw missing("client_name");
  if (syncDirectory === undefined) throw missing("sync_directory");
  if (draft.serverUrl === undefined && draft.serverHost === undefined) {
    throw missing("server_host (or server_url)");
  }
  refuseBoth(fields, draft);
  return {
    clientName,
    syncDirectory,
    server: draft.serverUrl ?? serverAt(draft.serverHost!, draft.serverPort),
    ignorePatterns: draft.ignorePatterns ?? [],
    apiKey,
    apiKeyFile,
    caFile: draft.caFile,
    conflictPolicy: draft.conflictPolicy ?? "newest",
  };
}

/** The text of a file that says `config`. */
export function formatClientConfig(config: ClientConfig): string {
  const { server, apiKey, apiKeyFile, caFile, ignorePatterns } = config;
  const { protocol, hostname, port, pathname } = new URL(server);
  const isPlain = protocol === "http:" && port !== "" && pathname === "/";
  return stringify({
    client_name: config.clientName,
    sync_directory: config.syncDirectory,
    ...(isPlain
      ? { server_host: hostname, server_port: Number(port) }
      : { server_url: server }),
    ...(apiKey !== undefined && { api_key: apiKey }),
    ...(apiKeyFile !== undefined && { api_key_file: apiKeyFile }),
    ...(caFile !== undefined && { ca_file: caFile }),
    conflict_policy: config.conflictPolicy,
    ignore_patterns: ignorePatterns,
  }, { lineWidth: 0 });
}

/** @throws {UsageError} If nobody could tell it from others, or from nothing. */
export function checkClientName(name: string): string {
  const isName = name.trim() === name && name.length > 0 &&
    // deno-lint-ignore no-control-regex
    name.length <= MAX_NAME_CHARACTERS && !/[\x00-\x1f\x7f]/.test(name);
  if (isName) return name;
  throw new UsageError(
    `a name has 1 to ${MAX_NAME_CHARACTERS} characters, without blanks around it`,
  );
}

function checkServer(text: string): string {
  const url = URL.parse(text);
  const isHub = url !== null && /^(http|ws)s?:$/.test(url.protocol) &&
    url.username + url.password + url.search + url.hash === "" &&
    !/\s/.test(text);
  if (!isHub) {
    throw new UsageError("expected http://HOST:PORT or https://HOST");
  }
  return text.replace(/^ws/i, "http").replace(/\/+$/, "");
}

function refuseBoth(fields: YamlFields, draft: Draft): void {
  const pairs = [
    ["server_url", draft.serverUrl, "server_host", draft.serverHost],
    ["server_url", draft.serverUrl, "server_port", draft.serverPort],
    ["api_key", draft.apiKey, "api_key_file", draft.apiKeyFile],
  ] as const;
  for (const [one, a, other, b] of pairs) {
    if (a === undefined || b === undefined) continue;
    throw fields.errorAt(0, `${one} and ${other} exclude each other`);
  }
}

function serverAt(host: string, port = DEFAULT_PORT): string {
  const isIpv6 = host.includes(":") && !host.startsWith("[");
  return `http://${isIpv6 ? `[${host}]` : host}:${port}`;
}

function textOf({ value }: FieldValue): string {
  if (typeof value === "string" && value !== "") return value;
  throw new UsageError(
    typeof value === "number" || typeof value === "boolean"
      ? "expected text: put it in quotes"
      : "expected text",
  );
}

function pathOf(field: FieldValue, directory: string): string {
  const text = textOf(field);
  if (text.includes("\0")) throw new UsageError("a path can't hold NUL");
  const home = /^~(?=\/|$)/.test(text) ? Deno.env.get("HOME") : undefined;
  if (home !== undefined) return join(home, text.slice(1));
  return isAbsolute(text) ? text : join(directory, text);
}

function unknownKey(name: string): string {
  const known = [...READERS.keys()];
  const close = closestString(name, known);
  const hint = levenshteinDistance(name, close) <= CLOSE
    ? `; did you mean ${close}?`
    : `; known are ${known.join(", ")}`;
  return `there is no setting ${quote(name)}${hint}`;
}
