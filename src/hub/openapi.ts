/**
 * The description of the REST side (OpenAPI 3.1), from the schemas that check it.
 * Paths of files may hold "/": clients may write it as it is, or as %2F.
 */
import { z } from "zod";
import * as shapes from "./schemas.ts";

/** One operation, as this page knows it. */
interface Operation {
  readonly method: "get" | "post" | "delete";
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly form?: z.ZodObject;
  readonly answer?: z.ZodType;
  /** Type of an answer that is no JSON. */
  readonly type?: string;
  readonly status?: number;
  /** Statuses of its own problems, besides 400, 401, 403. */
  readonly problems?: readonly number[];
  readonly headers?: readonly string[];
  readonly open?: true;
}

const OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/health",
    summary: "Whether the hub is there",
    answer: shapes.Health,
    open: true,
  },
  {
    method: "post",
    path: "/register",
    summary: "Register a client",
    body: shapes.RegisterBody,
    answer: shapes.Registered,
    status: 201,
  },
  {
    method: "post",
    path: "/sync",
    summary: "Compare a client's list of files with the hub's",
    body: shapes.SyncBody,
    answer: shapes.SyncPlan,
    problems: [413],
  },
  {
    method: "post",
    path: "/upload",
    summary: "Store a file",
    form: shapes.UploadFields,
    answer: shapes.Record,
    status: 201,
    problems: [408, 409, 413, 415, 422, 507],
  },
  {
    method: "get",
    path: "/download/{path}",
    summary: "The content of a file",
    query: shapes.DownloadQuery,
    type: "application/octet-stream",
    problems: [404, 412, 416],
    headers: ["Range", "If-None-Match", "If-Match", "If-Range"],
  },
  {
    method: "get",
    path: "/files",
    summary: "What is there now, in the order of paths",
    query: shapes.FilesQuery,
    answer: shapes.RecordPage,
  },
  {
    method: "delete",
    path: "/files/{path}",
    summary: "Delete a file or a directory; its versions stay",
    query: shapes.DeleteQuery,
    answer: z.object({ records: z.array(shapes.Record) }),
    problems: [404, 409, 412],
    headers: ["If-Match"],
  },
  {
    method: "get",
    path: "/files/{path}/versions",
    summary: "The versions of a file, the newest first",
    query: shapes.VersionsQuery,
    answer: shapes.RecordPage,
    problems: [404],
  },
  {
    method: "post",
    path: "/files/{path}/restore",
    summary: "Make an old version the current one",
    body: shapes.RestoreFileBody,
    answer: shapes.Record,
    problems: [404, 409],
  },
  {
    method: "get",
    path: "/history",
    summary: "All changes, the newest first",
    query: shapes.HistoryQuery,
    answer: shapes.RecordPage,
  },
  {
    method: "post",
    path: "/restore",
    summary: "Make everything, or what is below a path, what it was at a time",
    body: shapes.RestoreBody,
    answer: shapes.Restored,
    problems: [409],
  },
  {
    method: "post",
    path: "/undo",
    summary: "Take back what a client has changed last",
    body: shapes.UndoBody,
    answer: shapes.Restored,
    problems: [404],
  },
  {
    method: "get",
    path: "/conflicts",
    summary: "Changes that came too late, and are kept",
    query: shapes.ConflictsQuery,
    answer: z.object({
      conflicts: z.array(shapes.ConflictShape),
      next: z.number().optional(),
    }),
  },
  {
    method: "post",
    path: "/conflicts",
    summary:
      "Tell of a version that was kept beside the one at its path, with a key for everything",
    body: shapes.ConflictBody,
    answer: shapes.ConflictShape,
    status: 201,
    problems: [409],
  },
  {
    method: "get",
    path: "/conflicts/{id}",
    summary: "One conflict",
    answer: shapes.ConflictShape,
    problems: [404],
  },
  {
    method: "post",
    path: "/conflicts/{id}/resolve",
    summary: "Decide a conflict",
    body: shapes.ResolveBody,
    answer: shapes.Restored,
    problems: [404, 409],
  },
  {
    method: "get",
    path: "/policy",
    summary: "What takes no part at any client",
    answer: shapes.PolicyShape,
  },
  {
    method: "post",
    path: "/policy",
    summary: "Replace that",
    body: shapes.PolicyShape,
    answer: shapes.PolicyShape,
  },
  {
    method: "get",
    path: "/approvals",
    summary: "Deletions that wait for a person",
    query: shapes.ApprovalsQuery,
    answer: z.object({ approvals: z.array(shapes.ApprovalShape) }),
  },
  {
    method: "post",
    path: "/approvals/{id}",
    summary: "Decide about one",
    body: shapes.DecideBody,
    answer: shapes.ApprovalShape,
    problems: [404, 409],
  },
  {
    method: "get",
    path: "/clients",
    summary: "The clients, and how they are doing",
    answer: z.object({ clients: z.array(shapes.ClientShape) }),
  },
  {
    method: "get",
    path: "/events",
    summary: "What happens, as server-sent events",
    query: shapes.EventsQuery,
    type: "text/event-stream",
    headers: ["Last-Event-ID"],
    problems: [503],
  },
  {
    method: "get",
    path: "/metrics",
    summary: "Figures for Prometheus",
    type: "text/plain",
  },
];

/** Schemas that have a name, by it. */
type Shared = Record<string, unknown>;

/** The document, as JSON. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  const shared: Shared = {};
  for (const operation of OPERATIONS) {
    (paths[operation.path] ??= {})[operation.method] = describe(
      operation,
      shared,
    );
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lockstep hub",
      version: "1",
      description: "Errors are application/problem+json (RFC 9457).",
    },
    security: [{ key: [] }],
    paths,
    components: {
      schemas: shared,
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
    },
  };
}

function describe(
  operation: Operation,
  shared: Shared,
): Record<string, unknown> {
  const { method, path, summary, status = 200, problems = [] } = operation;
  const faults = operation.open ? [403] : [400, 401, 403, 429, ...problems];
  return {
    summary,
    operationId: `${method}${
      path.replaceAll(/[/{}]+(\w?)/g, (_, c: string) => c.toUpperCase())
    }`,
    ...(operation.open && { security: [] }),
    parameters: parametersOf(operation, shared),
    ...(bodyOf(operation, shared) ?? {}),
    responses: {
      [status]: answerOf(operation, shared),
      ...Object.fromEntries(
        faults.sort().map((fault) => [fault, {
          description: "A problem",
          content: {
            "application/problem+json": {
              schema: toJson(shapes.Problem, shared),
            },
          },
        }]),
      ),
    },
  };
}

function parametersOf(
  { path, query, headers = [] }: Operation,
  shared: Shared,
): Record<string, unknown>[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: toJson(schema as z.ZodType, shared),
  }));
  const inHeader = headers.map((name) => ({
    name,
    in: "header",
    required: false,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function bodyOf(
  { body, form }: Operation,
  shared: Shared,
): { readonly requestBody: unknown } | undefined {
  const schema = body ??
    form?.extend({ file: z.string().meta({ format: "binary" }) });
  if (schema === undefined) return undefined;
  const type = body === undefined ? "multipart/form-data" : "application/json";
  return {
    requestBody: {
      required: true,
      content: { [type]: { schema: toJson(schema, shared) } },
    },
  };
}

function answerOf(
  { answer, type, summary }: Operation,
  shared: Shared,
): unknown {
  const name = type ?? "application/json";
  const schema = answer === undefined
    ? { type: "string" }
    : toJson(answer, shared);
  return { description: summary, content: { [name]: { schema } } };
}

/** `schema` as JSON Schema; what it names goes to `shared`. */
function toJson(schema: z.ZodType, shared: Shared): unknown {
  const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      delete jsonSchema.id;
    },
  });
  Object.assign(shared, toComponents($defs));
  return toComponents(rest);
}

function toComponents<T>(schemas: T): T {
  const text = JSON.stringify(schemas);
  return JSON.parse(
    text.replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/'),
  );
}
