/** What goes wrong at a hub, as its answers say it (RFC 9457). */
import { messageOf, SyncError } from "../errors.ts";

/** Something that ends a request, with the answer to it. */
export class HttpProblem extends Error {
  override name = "HttpProblem";

  constructor(
    readonly status: number,
    /** In a word, for programs. */
    readonly code: string,
    detail: string,
    /** More members of the answer. */
    readonly extra: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  412: "Precondition failed",
  413: "Content too large",
  415: "Unsupported media type",
  416: "Range not satisfiable",
  422: "Unprocessable content",
  429: "Too many requests",
  500: "Internal error",
  503: "Unavailable",
  507: "Insufficient storage",
};

/** The answer for anything that was thrown; what it tells is meant for strangers. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof SyncError) {
    switch (error.code) {
      case "no-space":
        return new HttpProblem(
          507,
          "no-space",
          "The hub is full; nothing was stored",
        );
      case "unsafe-path":
      case "usage":
        return new HttpProblem(400, error.code, messageOf(error));
      case "not-found":
        return new HttpProblem(404, "not-found", messageOf(error));
      case "integrity":
        return new HttpProblem(
          500,
          "damaged",
          "The hub's copy of this content is damaged",
        );
      case "guard":
        return new HttpProblem(409, "needs-approval", messageOf(error));
      case "locked":
        return new HttpProblem(503, "busy", "The hub is busy; try again");
      default:
    }
  }
  return new HttpProblem(500, "failed", "The hub failed");
}

/** The response that tells `problem`. */
export function problemResponse(problem: HttpProblem): Response {
  const { status, code, message, extra, headers } = problem;
  const body = {
    type: "about:blank",
    title: TITLES[status] ?? "Error",
    status,
    code,
    detail: message,
    ...extra,
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
