/** A hub in this process that somebody attacks, and what must not change by it. */
import { assertEquals } from "@std/assert";
import { parseRelPath } from "../../src/core/path.ts";
import { HubEndpoint } from "../../src/hub/hub_endpoint.ts";
import { HubTrees } from "../../src/hub/hub_tree.ts";
import { openMemoryStore } from "../../src/hub/sqlite_store.ts";
import { memoryTransports } from "../../src/net/memory_transport.ts";
import type { Transport } from "../../src/net/transport.ts";
import { awaitHello } from "../../src/session/open_session.ts";
import { serveEndpoint } from "../../src/session/serve_endpoint.ts";
import { FakeClock } from "./fake_clock.ts";
import { HostileSender } from "./hostile_peer.ts";
import { party } from "./session_pair.ts";

/** A hub with one file; its owner disposes of it. */
export class HostileHub implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly store = openMemoryStore(() => 0);
  readonly #served: Promise<unknown>[] = [];
  #before: unknown;

  /** A hub that has `content` at `path`. */
  static async with(
    content: string | Uint8Array,
    path = "file",
  ): Promise<HostileHub> {
    const hub = new HostileHub();
    const { store } = hub;
    const writer = store.write();
    writer.append(
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    const held = writer.finish();
    const { digest, size } = held;
    await store.commit([{
      path: parseRelPath(path),
      state: { kind: "file", digest, size, mtime: 0, mode: 0o644 },
      expected: { kind: "any" },
    }], { client: "owner", operation: "upload" });
    held.release();
    hub.#before = await store.totals();
    return hub;
  }

  /** Connects, and shakes hands. */
  async connect(
    hello?: Uint8Array,
    role: "target" | "source" = "target",
  ): Promise<HostileSender> {
    const [near, far] = memoryTransports();
    // What the attack comes to is what the attacker is told.
    this.#served.push(this.#serve(far, role).catch(() => {}));
    return await HostileSender.over(near, hello);
  }

  /** Resolves when nobody is connected any more. */
  async over(): Promise<void> {
    await Promise.all(this.#served);
  }

  /** Fails if the hub has a version, or a chunk, that it did not have. */
  async assertUnchanged(): Promise<void> {
    const { packBytes: _, ...now } = await this.store.totals();
    const { packBytes: __, ...before } = this.#before as typeof now & {
      packBytes: number;
    };
    assertEquals(now, before);
    assertEquals(this.store.hasUnfinished("attacker"), false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.over();
    await this.store.close();
  }

  async #serve(far: Transport, role: "target" | "source"): Promise<void> {
    const { clock, store } = this;
    try {
      const pending = await awaitHello(far, {
        clock,
        moves: false,
        follows: false,
      });
      const trees = new HubTrees(store);
      const endpoint = new HubEndpoint({ store, trees, client: "attacker" });
      const { traits } = endpoint;
      const session = await pending.accept({ ...party(2), traits });
      await serveEndpoint(session, endpoint, { role });
    } finally {
      far.close();
    }
  }
}
