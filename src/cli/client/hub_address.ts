/** Addresses of a hub: the one that people know, and the one that engines talk to. */

/** The address of the hub for engines. */
export function engineUrl(
  server: string,
  query: Readonly<Record<string, string>>,
): string {
  const words = new URLSearchParams(query).toString();
  const place = `${server.replace(/^http/i, "ws")}/engine`;
  return words === "" ? place : `${place}?${words}`;
}

/**
 * The address of the hub that `address` is one of, without a slash at its end;
 * undefined: it is no hub's.
 */
export function hubOf(address: string): string | undefined {
  const [, scheme, rest = "", engine] =
    /^(ws|http)(s?:\/\/[^?]*?)(\/engine)?\/*$/i.exec(address) ?? [];
  if (scheme === undefined) return undefined;
  if (/^ws/i.test(scheme) && engine === undefined) return undefined;
  return `http${rest}`;
}
