/**
 * The engine's own protocol on a hub's port: a WebSocket at `/engine`, where the
 * hub is the target of a sync, or with `?role=source` its source; whoever says in
 * its hello that it wants a two-way sync finds the other side of one. Many may be
 * connected at once; each has an endpoint of its own. With `?client_id=&name=`
 * changes are put down to that client, which is registered so, else to the key.
 */
import type { Clock } from "../core/clock.ts";
import { ROOT } from "../core/path.ts";
import { SyncError, TransportError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { upgradeToTransport } from "../net/upgrade.ts";
import { Capability } from "../protocol/version.ts";
import { awaitHello } from "../session/open_session.ts";
import type {
  PairedSide,
  PairingId,
  PairingState,
  Tokens,
} from "../session/pairing.ts";
import { serveEndpoint } from "../session/serve_endpoint.ts";
import { type Access, require } from "./access.ts";
import type { ClientInfo } from "./clients.ts";
import { checked } from "./context.ts";
import type { Hub } from "./hub.ts";
import { HubEndpoint } from "./hub_endpoint.ts";
import type { HubTrees } from "./hub_tree.ts";
import { Identities } from "./identities.ts";
import type { KeyInfo } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import { RegisterBody } from "./schemas.ts";

/** So many sessions are open at a time. */
const MAX_SESSIONS = 512;

/** How often a key is looked at again, in milliseconds. */
const CHECK_MS = 2_000;

/** What an engine works with. */
export interface EngineOptions {
  readonly hub: Hub;
  /** Shared by all who look at the store. */
  readonly trees: HubTrees;
  readonly access: Access;
  /** Whether deletions that are more than usual wait for a person; true unless said. */
  readonly approval?: boolean;
  /** Larger files are left out, in bytes; all are taken unless said. */
  readonly maxFileSize?: number;
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
  readonly #identities = new Identities();
  readonly #sessions = new Set<Promise<void>>();

  constructor(options: EngineOptions) {
    this.#options = options;
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
    const client = role === "target" ? this.#clientOf(query, key) : undefined;
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

  /** @throws {HttpProblem} If it is none. */
  #clientOf(query: URLSearchParams, key: KeyInfo): ClientInfo | undefined {
    const id = query.get("client_id");
    if (id === null) return undefined;
    const shape = { name: query.get("name"), client_id: id };
    const { name } = checked(RegisterBody, shape, "query");
    const { clients } = this.#options.hub.store;
    const known = clients.get(id);
    if (known?.key === key.id && known.name === name) return known;
    // Whoever is here may change everything: so may take over any client.
    return clients.register(name, key.id, id);
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
    const { hub, trees, clock, software, clientId, access, approval } =
      this.#options;
    const { maxFileSize } = this.#options;
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
    let leave: (() => void) | undefined;
    const author = client?.id ?? key.name;
    const unheed = hub.onDecided((concerned) => {
      // Only clients that have registered go by what is decided about all.
      const isMeant = concerned === undefined
        ? client !== undefined
        : concerned === author;
      if (!isMeant) return;
      stop.abort(new TransportError("Something was decided that it goes by"));
    });
    try {
      watch();
      leave = client && hub.join(client);
      const pending = await awaitHello(transport, {
        clock,
        signal,
        moves: false,
        follows: false,
        twoWay: true,
        notices: true,
        challenge: crypto.getRandomValues(new Uint8Array(16)).toHex(),
      });
      const isTwoWay = pending.peer.capabilities.has(Capability.twoWay);
      if (isTwoWay && role === "source") {
        const message = "A two-way sync is no copy of a hub: leave role away";
        return await pending.refuse("refused", message);
      }
      const noted = new NotedPairing(store.pairings);
      const endpoint = new HubEndpoint({
        store,
        trees,
        client: author,
        ...(approval !== undefined && { approval }),
        ...(maxFileSize !== undefined && { maxFileSize }),
        peer: () => noted.peer,
      });
      const { traits } = endpoint;
      const { peer } = pending;
      const session = await pending.accept({ software, clientId, traits });
      if (!isTwoWay) {
        return void await serveEndpoint(session, endpoint, { role });
      }
      using pairing = this.#identities.guard(noted, {
        run: peer.clientId,
        name: client === undefined ? address : `${client.name} (${address})`,
        stop,
      });
      await serveEndpoint(session, endpoint, { role: "peer", pairing });
    } finally {
      cancel();
      unheed();
      leave?.();
      transport.close();
    }
  }
}

/** Notes who the other side is. */
class NotedPairing implements PairedSide {
  readonly #inner: PairedSide;
  /** Undefined until it has asked. */
  peer: PairingId | undefined;

  constructor(inner: PairedSide) {
    this.#inner = inner;
  }

  look(peerId: PairingId): Promise<PairingState> {
    this.peer = peerId;
    return this.#inner.look(peerId);
  }

  commit(peerId: PairingId, tokens: Tokens): Promise<void> {
    return this.#inner.commit(peerId, tokens);
  }
}
