/**
 * The engine's own protocol on a hub's port: a WebSocket at `/engine`, where the
 * hub is the target of a sync, or with `?role=source` its source; whoever says in
 * its hello that it wants a two-way sync finds the other side of one. Many may be
 * connected at once; each has an endpoint of its own. With `?client_id=` changes
 * are put down to that client, else to the key.
 */
import type { Clock } from "../core/clock.ts";
import { ROOT } from "../core/path.ts";
import { SyncError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { upgradeToTransport } from "../net/upgrade.ts";
import { Capability } from "../protocol/version.ts";
import { awaitHello } from "../session/open_session.ts";
import { serveEndpoint } from "../session/serve_endpoint.ts";
import { type Access, require } from "./access.ts";
import type { ClientInfo } from "./clients.ts";
import type { Hub } from "./hub.ts";
import { HubEndpoint } from "./hub_endpoint.ts";
import { HubTrees } from "./hub_tree.ts";
import { Identities } from "./identities.ts";
import type { KeyInfo } from "./keys.ts";
import { HttpProblem } from "./problem.ts";

/** So many sessions are open at a time. */
const MAX_SESSIONS = 64;

/** How often a key is looked at again, in milliseconds. */
const CHECK_MS = 2_000;

/** What an engine works with. */
export interface EngineOptions {
  readonly hub: Hub;
  readonly access: Access;
  /** Name and version of the program. */
  readonly software: string;
  /** 32 hexadecimal digits, drawn once for each run of a program. */
  readonly clientId: string;
  readonly clock: Clock;
  /** Ends all sessions. */
  readonly signal: AbortSignal;
  /** Something failed that is nobody's fault out there. */
  fault(error: unknown): void;
}

/** Somebody who was let in. */
interface Visitor {
  readonly key: KeyInfo;
  readonly role: "target" | "source";
  /** Who it says it is; undefined: nobody in particular. */
  readonly client: ClientInfo | undefined;
  /** Where it comes from, as other visitors are told. */
  readonly address: string;
}

/** Serves the store to engines. */
export class Engine {
  readonly path = "/engine";
  readonly #options: EngineOptions;
  readonly #trees: HubTrees;
  readonly #identities = new Identities();
  readonly #sessions = new Set<Promise<void>>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#trees = new HubTrees(options.hub.store);
  }

  /** Upgrades a request that `key` has let in. @throws {HttpProblem} */
  handle(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
    key: KeyInfo,
  ): Response {
    const query = new URLSearchParams(request.url.split("?")[1] ?? "");
    const role = query.get("role") ?? "target";
    if (role !== "target" && role !== "source") {
      throw new HttpProblem(400, "bad-request", "role is target or source");
    }
    // The tree is seen as a whole: a key for a part of it opens none of it.
    require(key, role === "source" ? "read" : "write", ROOT);
    if (this.#sessions.size >= MAX_SESSIONS) {
      throw new HttpProblem(503, "too-many", "Too many sessions", {}, {
        "retry-after": "5",
      });
    }
    const client = this.#clientOf(query.get("client_id"), key);
    const address = info.remoteAddr.hostname;
    const { response, transport } = upgradeToTransport(request, info);
    if (transport !== undefined) {
      this.#begin(transport, { key, role, client, address });
    }
    return response;
  }

  /** Resolves when all sessions have ended. */
  async closed(): Promise<void> {
    await Promise.all(this.#sessions);
  }

  /** @throws {HttpProblem} If `key` has not registered it. */
  #clientOf(id: string | null, key: KeyInfo): ClientInfo | undefined {
    if (id === null) return undefined;
    const client = this.#options.hub.store.clients.get(id);
    if (client?.key === key.id) return client;
    throw new HttpProblem(400, "unknown-client", "There is no such client");
  }

  #begin(opening: Promise<Transport>, visitor: Visitor): void {
    const work = this.#serve(opening, visitor)
      .catch((error) => {
        // What a peer does wrong, or a lost connection, is nothing to tell.
        if (!(error instanceof SyncError)) this.#options.fault(error);
      })
      .finally(() => this.#sessions.delete(work));
    this.#sessions.add(work);
  }

  async #serve(
    opening: Promise<Transport>,
    { key, role, client, address }: Visitor,
  ): Promise<void> {
    const { hub, clock, software, clientId, access } = this.#options;
    const { store } = hub;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#options.signal]);
    let cancel = (): void => {};
    const watch = (): void => {
      cancel = clock.after(CHECK_MS, () => {
        if (access.isAlive(key)) return watch();
        stop.abort(new DOMException("The key was revoked", "AbortError"));
      });
    };
    const transport = await opening;
    const leave = client && hub.join(client);
    watch();
    try {
      const pending = await awaitHello(transport, {
        clock,
        signal,
        recipes: false,
        moves: false,
        follows: false,
        twoWay: role === "target",
        notices: true,
      });
      const endpoint = new HubEndpoint({
        store,
        trees: this.#trees,
        client: client?.id ?? key.name,
      });
      const { traits } = endpoint;
      const { peer } = pending;
      const session = await pending.accept({ software, clientId, traits });
      if (role === "source" || !peer.capabilities.has(Capability.twoWay)) {
        await serveEndpoint(session, endpoint, { role });
        return;
      }
      using pairing = this.#identities.guard(store.pairings, {
        run: peer.clientId,
        name: client === undefined ? address : `${client.name} (${address})`,
        stop,
      });
      await serveEndpoint(session, endpoint, { role: "peer", pairing });
    } finally {
      cancel();
      leave?.();
      transport.close();
    }
  }
}
