import { assertEquals, assertStringIncludes } from "@std/assert";
import { answerControl, type Controlled } from "../../../src/daemon/control.ts";
import { withToken } from "../../../src/daemon/control_socket.ts";
import type { FlushResult } from "../../../src/daemon/worker_message.ts";
import { SyncError } from "../../../src/errors.ts";

/** Notes what it is asked for. */
function controlled(calls: unknown[][]): Controlled {
  const config = {
    name: "w",
    path: "/w",
    paused: false,
    options: {},
    remotes: ["r", "s"].map((name) => ({
      name,
      to: `/${name}`,
      paused: name === "s",
      options: {},
      token: undefined,
    })),
  };
  const note = (name: string) => (...args: unknown[]): never => {
    calls.push([name, ...args]);
    return undefined as never;
  };
  return {
    status: { pid: 1 } as Controlled["status"],
    stop: note("stop"),
    list: () => [],
    info(name): never {
      if (name !== "w") throw new SyncError("not-found", "No such workspace");
      return { name } as never;
    },
    config: () => config,
    add: note("add"),
    remove: (name) => Promise.resolve(note("remove")(name)),
    attach: note("attach"),
    detach: note("detach"),
    pause: note("pause"),
    flush(...args): Promise<readonly FlushResult[]> {
      calls.push(["flush", ...args]);
      return Promise.resolve([]);
    },
  };
}

async function ask(
  request: string,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<{ status: number; calls: unknown[][]; text: string }> {
  const [method, path] = request.split(" ");
  const calls: unknown[][] = [];
  const response = await answerControl(
    controlled(calls),
    new Request(`http://x${path}`, {
      method: method!,
      ...(body !== undefined && { body }),
    }),
  );
  return { status: response.status, calls, text: await response.text() };
}

Deno.test("each request does what it says", async () => {
  const options = { "max-delete": "1", exclude: ["a"], "no-delete": true };
  const remote = { name: "t", to: "ws://h", options, token: "s" };
  const table: [string, unknown, number, unknown[][]][] = [
    ["GET /v1/daemon", undefined, 200, []],
    ["GET /v1/workspaces", undefined, 200, []],
    ["GET /v1/workspaces/w", undefined, 200, []],
    ["POST /v1/daemon/stop", undefined, 200, [["stop"]]],
    ["POST /v1/workspaces", { name: "w", path: "/w" }, 201, [
      ["add", {
        name: "w",
        path: "/w",
        paused: false,
        options: {},
        remotes: [],
      }],
    ]],
    ["DELETE /v1/workspaces/w", undefined, 200, [["remove", "w"]]],
    ["POST /v1/workspaces/w/remotes", remote, 201, [
      ["attach", "w", { ...remote, paused: false }],
    ]],
    ["DELETE /v1/workspaces/w/remotes/r", undefined, 200, [
      ["detach", "w", "r"],
    ]],
    ["POST /v1/workspaces/w/pause", { remote: "r" }, 200, [
      ["pause", "w", "r", true],
    ]],
    ["POST /v1/workspaces/w/resume", undefined, 200, [
      ["pause", "w", undefined, false],
    ]],
    // Whoever rests is not waited for, unless it is asked for by name.
    ["POST /v1/workspaces/w/flush", undefined, 200, [
      ["flush", "w", ["r"], 30_000],
    ]],
    ["POST /v1/workspaces/w/flush", { remote: "s", timeoutMs: 5 }, 200, [
      ["flush", "w", ["s"], 5],
    ]],
  ];
  for (const [request, body, status, calls] of table) {
    const answer = await ask(
      request,
      body === undefined ? undefined : JSON.stringify(body),
    );
    assertEquals([answer.status, answer.calls], [status, calls], request);
  }
});

Deno.test("what is wrong is refused with the reason, and does nothing", async () => {
  const table: [string, string | Uint8Array<ArrayBuffer>, number, string][] = [
    ["POST /", "", 404, "nothing at"],
    ["POST /v1/none", "", 404, "nothing at"],
    ["PUT /v1/workspaces", "", 404, "nothing at"],
    ["POST /v1/workspaces/w/none", "", 404, "nothing at"],
    ["POST /v1/workspaces/w/flush/a/b", "", 404, "nothing at"],
    ["POST /v1/workspaces/%ff", "", 400, "damaged"],
    ["POST /v1/workspaces", "{", 400, "no JSON"],
    ["POST /v1/workspaces", "[]", 400, "no object"],
    ["POST /v1/workspaces", '{"name":"a/b","path":"/"}', 400, "workspace.name"],
    ["POST /v1/workspaces/w/pause", '{"remote":1}', 400, "remote is no text"],
    ["POST /v1/workspaces/w/flush", '{"timeoutMs":-1}', 400, "timeoutMs"],
    ["POST /v1/workspaces/w/flush", '{"remote":"x"}', 404, "no remote"],
    ["POST /v1/workspaces", new Uint8Array(1_100_000), 400, "more than"],
  ];
  for (const [request, body, status, detail] of table) {
    const answer = await ask(request, body);
    assertEquals([answer.status, answer.calls], [status, []], request);
    assertStringIncludes(JSON.parse(answer.text).detail, detail);
  }
});

Deno.test("a port answers only who shows the token, and no web page", async () => {
  const handler = withToken("secret", () => Promise.resolve(new Response()));
  const table: [Record<string, string>, number][] = [
    [{ authorization: "Bearer secret" }, 200],
    [{ authorization: "Bearer secreT" }, 401],
    [{ authorization: "secret" }, 401],
    [{}, 401],
    [{ authorization: "Bearer secret", origin: "http://evil" }, 401],
  ];
  for (const [headers, status] of table) {
    const response = await handler(new Request("http://x/", { headers }));
    assertEquals(response.status, status);
  }
});
