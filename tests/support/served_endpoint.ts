/** A remote endpoint and the fake one behind it, over a connection in memory. */
import type { Outcome } from "../../src/core/outcome.ts";
import { NO_IGNORE, type ScanOptions } from "../../src/core/snapshot.ts";
import type { MemoryTransportOptions } from "../../src/net/memory_transport.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import {
  type ServedRole,
  serveEndpoint,
} from "../../src/session/serve_endpoint.ts";
import { FakeEndpoint, type Sketch } from "./fake_endpoint.ts";
import { type SessionPair, sessionPair } from "./session_pair.ts";

export const SCAN: ScanOptions = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: NO_IGNORE,
};

export const DONE: Outcome = { kind: "done", message: "" };

export interface Served extends SessionPair {
  readonly remote: RemoteEndpoint;
  readonly fake: FakeEndpoint;
  /** What `serveEndpoint` answers, or what it throws. */
  readonly served: Promise<Outcome | Error>;
}

export async function serve(
  sketch: Sketch,
  options: { role?: ServedRole; faults?: MemoryTransportOptions } = {},
): Promise<Served> {
  const pair = await sessionPair(options.faults);
  const fake = new FakeEndpoint(sketch);
  const role = options.role ?? "target";
  const served = serveEndpoint(pair.server, fake, { role })
    .catch((error) => error as Error);
  const remote = new RemoteEndpoint(pair.client, { name: "over there" });
  return { ...pair, remote, fake, served };
}
