/** The HTTP side of a hub: lets requests in, hands them to routes, tells what failed. */
import { Hono } from "hono";
import { require } from "./access.ts";
import { addApprovalRoutes } from "./approval_routes.ts";
import { addClientRoutes } from "./client_routes.ts";
import { addCompareRoutes } from "./compare_routes.ts";
import { addConflictRoutes } from "./conflict_routes.ts";
import type { ApiOptions, HubEnv } from "./context.ts";
import { addDownloadRoutes } from "./download_routes.ts";
import { addEventRoutes } from "./event_routes.ts";
import { addFileRoutes } from "./file_routes.ts";
import { addListRoutes } from "./list_routes.ts";
import { addNotificationRoutes } from "./notification_routes.ts";
import { metricsText, RequestCounts } from "./metrics.ts";
import { openApiDocument } from "./openapi.ts";
import { addPolicyRoutes } from "./policy_routes.ts";
import { addRestoreRoutes } from "./restore_routes.ts";
import { HttpProblem, problemOf, problemResponse } from "./problem.ts";
import { rawPathOf } from "./request_path.ts";

/** Handles a request; never rejects. */
export type HttpHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Promise<Response>;

/** More of the hub that is reached by HTTP: a path, and what handles it. */
export interface MountedRoute {
  readonly path: string;
  /** May throw an {@link HttpProblem}. */
  handle(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
    key: HubEnv["Variables"]["key"],
  ): Response;
}

/** The handler for all requests to a hub. */
export function createApi(
  options: ApiOptions,
  mounts: readonly MountedRoute[] = [],
): HttpHandler {
  const { access, hub } = options;
  const counts = new RequestCounts();
  const app = new Hono<HubEnv>();
  app.use(async (context, next) => {
    const { hostname } = context.env.info.remoteAddr;
    const raw = context.req.raw;
    if (rawPathOf(raw.url) === "/health") access.admitStranger(raw, hostname);
    else {
      refuseSecrets(raw.url);
      context.set("key", access.admit(raw, hostname));
    }
    await next();
  });
  app.get("/health", (context) => context.json({ status: "ok" }));
  app.get("/openapi.json", (context) => context.json(openApiDocument()));
  app.get("/metrics", async (context) => {
    const key = context.get("key");
    require(key, "read", key.path);
    const text = await metricsText(hub, counts);
    return context.text(text, 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    });
  });
  addFileRoutes(app, options);
  addDownloadRoutes(app, options);
  addListRoutes(app, options);
  addRestoreRoutes(app, options);
  addClientRoutes(app, options);
  addCompareRoutes(app, options);
  addApprovalRoutes(app, options);
  addPolicyRoutes(app, options);
  addConflictRoutes(app, options);
  addEventRoutes(app, options);
  addNotificationRoutes(app, options);
  for (const mount of mounts) {
    app.get(
      mount.path,
      (context) =>
        mount.handle(context.req.raw, context.env.info, context.get("key")),
    );
  }
  app.notFound(() =>
    problemResponse(
      new HttpProblem(404, "not-found", "There is nothing here"),
    )
  );
  app.onError((error) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && problem.status !== 503) options.fault(error);
    return problemResponse(problem);
  });
  return async (request, info) => {
    const response = await app.fetch(request, { info });
    counts.add(response.status);
    return response;
  };
}

/** A key in an address ends in logs and histories. @throws {HttpProblem} */
function refuseSecrets(url: string): void {
  const query = url.split("?")[1] ?? "";
  if (!/(^|&)[^=&]*(token|api_?key|authorization)[^=&]*=/i.test(query)) return;
  throw new HttpProblem(
    400,
    "bad-request",
    "A key belongs into the Authorization header, not into the address",
  );
}
