/** Routes of what takes no part at any client. */
import type { Hono } from "hono";
import { ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import type { ApiOptions, HubContext, HubEnv } from "./context.ts";
import { jsonOf } from "./context.ts";
import { PolicyShape } from "./schemas.ts";

/** Adds the routes to `app`. */
export function addPolicyRoutes(app: Hono<HubEnv>, options: ApiOptions): void {
  app.get("/policy", (c) => show(c, options));
  app.post("/policy", (c) => replace(c, options));
}

function show(context: HubContext, { hub: { store } }: ApiOptions): Response {
  // Whoever syncs anything has to know.
  return context.json({ rules: store.policy.rules() });
}

async function replace(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { hub } = options;
  const { policy } = hub.store;
  require(context.get("key"), "admin", ROOT);
  const { rules } = await jsonOf(context, PolicyShape, options);
  policy.set(rules);
  hub.decided();
  return context.json({ rules: policy.rules() });
}
