/** How `sync` connects: what its options and the environment say about it. */
import { UsageError } from "../../errors.ts";
import { isLoopback } from "../../net/host.ts";
import type { ConnectOptions } from "../../net/websocket.ts";
import type { Target } from "../values.ts";
import { readCaFile } from "./tls_files.ts";
import { tokenOf, type TokenOptions } from "./token.ts";

/** The options that say how to connect. */
export interface ConnectionOptions extends TokenOptions {
  readonly caFile: string | undefined;
}

/**
 * Reads the token and the certificates to trust for a connection to `to`.
 * @throws {UsageError} If one can't be read, or there is no use for it.
 */
export function connectOptionsOf(
  to: Target,
  options: ConnectionOptions,
): ConnectOptions {
  const { caFile, token, tokenFile } = options;
  if (to.kind === "directory") {
    refuseWithout("an address after --to", { caFile, token, tokenFile });
    return {};
  }
  if (!isSecure(to.url)) refuseWithout("a wss:// address", { caFile });
  const shown = tokenOf(options);
  return {
    ...(shown !== undefined && { token: shown }),
    ...(caFile !== undefined && { caCerts: [readCaFile(caFile)] }),
  };
}

/**
 * The same for each of `targets`; what is for addresses is used for those alone.
 * @throws {UsageError} As {@link connectOptionsOf}, if there is use for it nowhere.
 */
export function connectOptionsFor(
  targets: readonly Target[],
  options: ConnectionOptions,
): readonly ConnectOptions[] {
  const [first, ...more] = targets;
  if (first !== undefined && more.length === 0) {
    return [connectOptionsOf(first, options)];
  }
  const { caFile, token, tokenFile } = options;
  const urls = targets.flatMap((to) => to.kind === "url" ? [to.url] : []);
  if (urls.length === 0) {
    refuseWithout("an address after --to", { caFile, token, tokenFile });
  } else if (!urls.some(isSecure)) {
    refuseWithout("a wss:// address", { caFile });
  }
  const shown = urls.length === 0 ? undefined : tokenOf(options);
  const trusted = caFile === undefined ? undefined : [readCaFile(caFile)];
  return targets.map((to) =>
    to.kind === "directory" ? {} : {
      ...(shown !== undefined && { token: shown }),
      ...(trusted && isSecure(to.url) && { caCerts: trusted }),
    }
  );
}

function isSecure(url: string): boolean {
  return /^wss:/i.test(url);
}

/** What to warn of before `options` are used for `url`; undefined: nothing. */
export function exposureOf(
  url: string,
  { token }: ConnectOptions,
): string | undefined {
  const { protocol, hostname, host } = new URL(url);
  if (token === undefined || protocol === "wss:" || isLoopback(hostname)) {
    return undefined;
  }
  return `The token goes to ${host} unencrypted, and whoever is on the way ` +
    "can read it; wss:// would hide it";
}

const NAMES: Readonly<Record<string, string>> = {
  caFile: "--ca-file",
  token: "--token",
  tokenFile: "--token-file",
};

function refuseWithout(
  need: string,
  options: Readonly<Record<string, string | undefined>>,
): void {
  for (const [property, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new UsageError(`${NAMES[property]} is for ${need} only`);
  }
}
