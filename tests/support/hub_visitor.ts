/** Somebody in the test's own process who is connected with a hub's engine. */
import { connectWebSocket } from "../../src/net/websocket.ts";
import { RemoteEndpoint } from "../../src/session/remote_endpoint.ts";
import { openSession } from "../../src/session/open_session.ts";
import type { Session } from "../../src/session/session.ts";
import { systemClock } from "../../src/session/system_clock.ts";

/** A session with a hub, which the caller ends. */
export interface Visitor {
  readonly session: Session;
  /** How many files the hub has shown. */
  readonly files: number;
}

/** Connects to the hub at `url`, and looks at all there is. */
export async function visitHub(url: string, number: number): Promise<Visitor> {
  const engine = `${url.replace("http", "ws")}/engine`;
  const session = await openSession(await connectWebSocket(engine), {
    software: "test/1",
    clientId: `${number}`.padStart(32, "0"),
    traits: { modes: true, symlinks: true, owners: false },
  }, { clock: systemClock });
  const { totals } = await new RemoteEndpoint(session).scan({
    checksum: true,
    symlinks: "copy",
    modes: true,
    ignore: { rules: [], files: [] },
  });
  return { session, files: totals.files };
}
