/** Hosts as addresses and URLs have them. */

/** Whether only this machine can reach `host`, a name or an IP address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") ||
    /^127\.\d+\.\d+\.\d+$/.test(host) || canonicalHost(host) === "[::1]";
}

/** An address as URLs have it: IPv6 in brackets and in its short form. */
export function canonicalHost(host: string): string {
  return URL.parse(`ws://${bracketed(host)}`)?.hostname ?? host;
}

/** `host` as it stands before a port: IPv6 in brackets. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Host and port as one word. */
export function authority(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

/**
 * The host of a `Host` header, without its port, as URLs have it; undefined
 * where it is none. What a URL would take for a user, a path or a query is no
 * part of a host: `evil.example/@localhost` must not pass for localhost.
 */
export function hostOfHeader(value: string): string | undefined {
  if (!/^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(value)) return undefined;
  return URL.parse(`ws://${value}`)?.hostname;
}

/**
 * What counts as one remote address: of IPv6 the first 64 bits, since whoever
 * has one such address has all the others.
 */
export function addressGroup(hostname: string): string {
  const host = canonicalHost(hostname);
  if (!host.startsWith("[")) return host;
  const [left = "", right = ""] = host.slice(1, -1).split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === "" ? [] : right.split(":");
  const gap = Array<string>(8 - head.length - tail.length).fill("0");
  const groups = [...head, ...gap, ...tail];
  const mapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  return (mapped ? groups : groups.slice(0, 4)).join(":");
}
