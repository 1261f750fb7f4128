/** Routes of clients: who there is. */
import type { Hono } from "hono";
import { ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import {
  type ApiOptions,
  type HubContext,
  type HubEnv,
  jsonOf,
} from "./context.ts";
import { RegisterBody } from "./schemas.ts";

/** Adds the routes to `app`. */
export function addClientRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.post("/register", (c) => register(c, options));
  app.get("/clients", (c) => listClients(c, options));
}

async function register(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const { name, client_id } = await jsonOf(context, RegisterBody, options);
  const key = context.get("key");
  const known = client_id === undefined
    ? undefined
    : store.clients.get(client_id);
  // Whoever takes over what another key has registered may do all that it may.
  if (known !== undefined && known.key !== key.id) require(key, "write", ROOT);
  const { id } = store.clients.register(name, key.id, client_id);
  const revision = await store.head();
  return context.json({ client_id: id, epoch: store.epoch, revision }, 201);
}

async function listClients(
  context: HubContext,
  { hub }: ApiOptions,
): Promise<Response> {
  require(context.get("key"), "admin", ROOT);
  const clients = await hub.clients();
  return context.json({
    clients: clients.map((client) => ({
      client_id: client.id,
      name: client.name,
      online: client.online,
      last_seen: new Date(client.seen).toISOString(),
      registered: new Date(client.registered).toISOString(),
      revision: client.revision,
      lag: client.lag,
    })),
  });
}
