/**
 * What is remembered of workspaces, as a JSON file:
 *
 * | field      | value                                                              |
 * | ---------- | ------------------------------------------------------------------ |
 * | format     | "lockstep-workspaces"                                              |
 * | version    | 1                                                                  |
 * | workspaces | list of {name, path, paused, options, remotes}                     |
 *
 * `path` is absolute; `paused` is true or false. `remotes` is a list of {name, to,
 * paused, options, token}: `to` is an address or an absolute path, `token` may be
 * left out. `options` is an object: names of options of `sync`, each with a text, a
 * list of texts, or true.
 */
import { isAbsolute } from "@std/path";
import { quote } from "../core/path.ts";
import { messageOf, type SyncError, UsageError } from "../errors.ts";
import { isToken, TOKEN_RULE } from "../net/token.ts";

const FORMAT = "lockstep-workspaces";
const VERSION = 1;

/** A file with more is damaged, or none of ours. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Every workspace is a process. */
export const MAX_WORKSPACES = 256;
export const MAX_REMOTES = 64;

/** Names are parts of file names, and of addresses of the control interface. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Options of `sync` by their long names; a flag is true. */
export type OptionTexts = Readonly<
  Record<string, string | true | readonly string[]>
>;

/** One place that a workspace is mirrored to, or kept in step with. */
export interface RemoteConfig {
  readonly name: string;
  /** The address of a listener or a hub, or an absolute path. */
  readonly to: string;
  readonly paused: boolean;
  readonly options: OptionTexts;
  readonly token: string | undefined;
}

/** One directory, and where it is mirrored to. */
export interface WorkspaceConfig {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly paused: boolean;
  readonly options: OptionTexts;
  readonly remotes: readonly RemoteConfig[];
}

/**
 * What of the options of a remote still holds after its first complete round: who
 * has allowed a deletion, or another directory, answers for what waited then.
 */
export function laterOptions(options: OptionTexts): OptionTexts {
  const isOver = ([name, value]: [string, OptionTexts[string]]): boolean =>
    name === "allow-new-root" || name === "allow-delete" && value !== "always";
  const all = Object.entries(options);
  if (!all.some(isOver)) return options;
  return Object.fromEntries(all.filter((option) => !isOver(option)));
}

/** The text of the file. */
export function formatWorkspaces(
  workspaces: readonly WorkspaceConfig[],
): string {
  const fields = { format: FORMAT, version: VERSION, workspaces };
  return `${JSON.stringify(fields, undefined, 2)}\n`;
}

/**
 * What the text of the file says.
 * @throws {UsageError} It says where in the text what is wrong.
 */
export function parseWorkspaces(text: string): readonly WorkspaceConfig[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`it is no JSON: ${messageOf(error)}`);
  }
  const file = objectAt(value, "the file", ["format", "version", "workspaces"]);
  if (file.format !== FORMAT) {
    throw new UsageError(`format is not ${quote(FORMAT)}`);
  }
  if (file.version !== VERSION) {
    throw new UsageError(
      `it has version ${
        quote(String(file.version))
      }, this program knows ${VERSION}`,
    );
  }
  const list = listAt(file.workspaces, "workspaces", MAX_WORKSPACES);
  const workspaces = list.map((one, i) => workspaceAt(one, `workspaces[${i}]`));
  refuseDoubles(workspaces, "workspaces");
  return workspaces;
}

/** @throws {UsageError} If `value` is no workspace; `at` says where it stands. */
export function workspaceAt(value: unknown, at: string): WorkspaceConfig {
  const fields = objectAt(value, at, [
    "name",
    "path",
    "paused",
    "options",
    "remotes",
  ]);
  const path = textAt(fields.path, `${at}.path`);
  if (!isAbsolute(path)) {
    throw new UsageError(`${at}.path ${quote(path)} is not an absolute path`);
  }
  const remotes = listAt(fields.remotes ?? [], `${at}.remotes`, MAX_REMOTES)
    .map((one, i) => remoteAt(one, `${at}.remotes[${i}]`));
  refuseDoubles(remotes, `${at}.remotes`);
  return {
    name: nameAt(fields.name, `${at}.name`),
    path,
    paused: flagAt(fields.paused ?? false, `${at}.paused`),
    options: optionsAt(fields.options ?? {}, `${at}.options`),
    remotes,
  };
}

/** @throws {UsageError} If `value` is no remote; `at` says where it stands. */
export function remoteAt(value: unknown, at: string): RemoteConfig {
  const fields = objectAt(value, at, [
    "name",
    "to",
    "paused",
    "options",
    "token",
  ]);
  const { token } = fields;
  if (token !== undefined && !(typeof token === "string" && isToken(token))) {
    throw new UsageError(`${at}.token is no token: it has ${TOKEN_RULE}`);
  }
  const to = textAt(fields.to, `${at}.to`);
  if (!isAbsolute(to) && !/^(ws|http)s?:\/\//i.test(to)) {
    throw new UsageError(
      `${at}.to ${
        quote(to)
      } is neither an address (ws://, wss://, http:// or ` +
        "https://) nor an absolute path",
    );
  }
  return {
    name: nameAt(fields.name, `${at}.name`),
    to,
    paused: flagAt(fields.paused ?? false, `${at}.paused`),
    options: optionsAt(fields.options ?? {}, `${at}.options`),
    token,
  };
}

/** Whether a workspace or a remote may have this name. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** Names that differ in case only would share a log where the disk does not tell them apart. */
export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function refuseDoubles(
  named: readonly { readonly name: string }[],
  at: string,
): void {
  for (const [i, { name }] of named.entries()) {
    const first = named.findIndex((one) => isSameName(one.name, name));
    if (first === i) continue;
    throw new UsageError(`${at}[${i}].name ${quote(name)} is there twice`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** What is not known is refused: a typing error must not be taken for a default. */
function objectAt(
  value: unknown,
  at: string,
  names: readonly string[],
): Fields {
  if (!isObject(value)) throw new UsageError(`${at} is no object`);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown === undefined) return value;
  throw new UsageError(
    `${at} has a field ${quote(unknown)}, which means nothing`,
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listAt(value: unknown, at: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new UsageError(`${at} is no list`);
  if (value.length <= max) return value;
  throw new UsageError(
    `${at} has ${value.length} entries, ${max} are possible`,
  );
}

function textAt(value: unknown, at: string): string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new UsageError(`${at} is no text`);
  }
  return value;
}

function flagAt(value: unknown, at: string): boolean {
  if (typeof value === "boolean") return value;
  throw new UsageError(`${at} is neither true nor false`);
}

function nameAt(value: unknown, at: string): string {
  const name = textAt(value, at);
  if (isName(name)) return name;
  throw new UsageError(
    `${at} ${quote(name)}: a name has 1 to 64 letters, digits, ".", "_" and ` +
      '"-", and begins with a letter or digit',
  );
}

function optionsAt(value: unknown, at: string): OptionTexts {
  if (!isObject(value)) throw new UsageError(`${at} is no object`);
  const options: Record<string, string | true | readonly string[]> = {};
  for (const [name, given] of Object.entries(value)) {
    if (!/^[a-z][a-z-]*$/.test(name)) {
      throw new UsageError(
        `${at} has a field ${quote(name)}, which is no option`,
      );
    }
    if (given === true || typeof given === "string") options[name] = given;
    else {
      options[name] = listAt(given, `${at}.${name}`, 10_000)
        .map((text, i) => textAt(text, `${at}.${name}[${i}]`));
    }
  }
  return options;
}

/** What of a file can't be used, with its place. */
export function unusableConfig(shown: string, error: unknown): SyncError {
  const message = `Cannot use ${shown}: ${messageOf(error)}`;
  return new UsageError(message, { cause: error });
}
