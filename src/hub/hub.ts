/** A hub at work: its store, who listens, and which clients are connected. */
import { FanOut } from "./fan_out.ts";
import type { ClientInfo } from "./clients.ts";
import { lagOf } from "./journal.ts";
import type { HubStore } from "./store.ts";

/** A client, and how it is doing. */
export interface ClientStatus extends ClientInfo {
  readonly online: boolean;
  /** Changes that it has not heard of, as far as it has said. */
  readonly lag: number;
}

/** Its owner closes it; the store has another owner. */
export class Hub {
  readonly store: HubStore;
  readonly fanOut = new FanOut();
  /** How often each client is connected. */
  readonly #online = new Map<string, number>();
  readonly #stop: () => void;
  readonly #sessions = new Set<(client: string | undefined) => void>();

  constructor(store: HubStore) {
    this.store = store;
    this.#stop = store.onAccepted((records) => this.fanOut.tellOf(records));
  }

  /** How many clients are connected. */
  get online(): number {
    return this.#online.size;
  }

  /** `client` is connected until the answer is called. */
  join({ id, name }: ClientInfo): () => void {
    const before = this.#online.get(id) ?? 0;
    this.#online.set(id, before + 1);
    this.store.clients.heardOf(id);
    if (before === 0) {
      this.fanOut.tell({ kind: "client_joined", client: id, name });
    }
    let isHere = true;
    return () => {
      if (!isHere) return;
      isHere = false;
      const left = this.#online.get(id)! - 1;
      if (left > 0) return void this.#online.set(id, left);
      this.#online.delete(id);
      this.fanOut.tell({ kind: "client_left", client: id, name });
    };
  }

  /**
   * `restart` is called when something was decided by which a session goes from
   * its beginning on, with whom it concerns (see `HubRecord.client`); undefined:
   * all. Until the answer is called.
   */
  onDecided(restart: (client: string | undefined) => void): () => void {
    this.#sessions.add(restart);
    return () => void this.#sessions.delete(restart);
  }

  /** Something was decided; see {@link onDecided}. */
  decided(client?: string): void {
    for (const restart of [...this.#sessions]) restart(client);
  }

  /** All clients. */
  async clients(): Promise<ClientStatus[]> {
    const head = await this.store.head();
    return this.store.clients.list().map((client) => ({
      ...client,
      online: this.#online.has(client.id),
      lag: lagOf(client.revision, head),
    }));
  }

  /** Nobody hears of anything any more. */
  close(): void {
    this.#stop();
    this.fanOut.close();
  }
}
