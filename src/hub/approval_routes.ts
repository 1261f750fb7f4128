/** Routes of deletions that wait for a person. */
import type { Hono } from "hono";
import { ROOT } from "../core/path.ts";
import { require } from "./access.ts";
import type { Approval } from "./approvals.ts";
import {
  type ApiOptions,
  type HubContext,
  type HubEnv,
  jsonOf,
  queryOf,
} from "./context.ts";
import { HttpProblem } from "./problem.ts";
import { type ApprovalShape, ApprovalsQuery, DecideBody } from "./schemas.ts";
import type { HubStore } from "./store.ts";
import type { z } from "zod";

/** So many of its paths are told. */
const SAMPLES = 5;

/** Adds the routes to `app`. */
export function addApprovalRoutes(
  app: Hono<HubEnv>,
  options: ApiOptions,
): void {
  app.get("/approvals", (c) => list(c, options));
  app.post("/approvals/:id", (c) => decide(c, options));
}

function list(context: HubContext, { hub: { store } }: ApiOptions): Response {
  require(context.get("key"), "admin", ROOT);
  const { all } = queryOf(context, ApprovalsQuery);
  const approvals = store.approvals.list({ all: all === "true" });
  return context.json({
    approvals: approvals.map((approval) => toWire(approval, store)),
  });
}

async function decide(
  context: HubContext,
  options: ApiOptions,
): Promise<Response> {
  const { store } = options.hub;
  const { approvals } = store;
  require(context.get("key"), "admin", ROOT);
  const id = Number(context.req.param("id"));
  const { decision } = await jsonOf(context, DecideBody, options);
  const known = Number.isSafeInteger(id) ? approvals.get(id) : undefined;
  if (known === undefined) {
    throw new HttpProblem(404, "not-found", "There is no such approval");
  }
  const state = decision === "approve" ? "approved" : "rejected";
  if (!approvals.decide(id, state)) {
    throw new HttpProblem(409, "decided", `It was ${known.state} already`);
  }
  // Whoever waits for it, or is to remember less than before, begins anew.
  options.hub.decided(known.client);
  return context.json(toWire(approvals.get(id)!, store));
}

function toWire(
  approval: Approval,
  { clients }: HubStore,
): z.infer<typeof ApprovalShape> {
  const { id, client, state, time, files, total, paths } = approval;
  const name = clients.get(client)?.name;
  return {
    ...{ id, client, state, files, total },
    ...(name !== undefined && { client_name: name }),
    time: new Date(time).toISOString(),
    paths: paths.slice(0, SAMPLES),
  };
}
