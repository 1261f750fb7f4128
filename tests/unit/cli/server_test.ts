import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type ConnectionHandler,
  type Listening,
  listenOn,
  type ListenOnOptions,
} from "../../../src/cli/commands/server.ts";
import { SyncError } from "../../../src/errors.ts";
import { connectWebSocket } from "../../../src/net/websocket.ts";
import { systemClock } from "../../../src/session/system_clock.ts";
import { askRaw, UPGRADE } from "../../support/raw_http.ts";

/** Connections are closed as soon as they are there. */
const CLOSE: ConnectionHandler = {
  connected: () => Promise.resolve(),
  turnedAway: () => {},
  faltered: () => {},
};

function start(
  options: Partial<ListenOnOptions> = {},
  handler: Partial<ConnectionHandler> = {},
): Listening {
  return listenOn(
    { host: "127.0.0.1", port: 0, clock: systemClock, ...options },
    { ...CLOSE, ...handler },
  );
}

Deno.test("listenOn() lets senders in, and no browser", async () => {
  const listening = start();
  const { port, url } = listening;
  assertEquals(url, `ws://127.0.0.1:${port}`);
  const here = `Host: 127.0.0.1:${port}`;
  const cases: [status: number, headers: string[]][] = [
    [101, [here, ...UPGRADE]],
    [101, [`Host: localhost:${port}`, ...UPGRADE]],
    [101, [`Host: [::1]:${port}`, ...UPGRADE]],
    [403, [here, ...UPGRADE, "Origin: http://evil.example"]],
    [403, [here, ...UPGRADE, `Origin: http://127.0.0.1:${port}`]],
    [403, [here, ...UPGRADE, "Origin: null"]],
    [403, [here, ...UPGRADE, "Origin: http://a", "Origin: http://b"]],
    [403, ["Host: evil.example", ...UPGRADE]],
    [403, ["Host: 127.0.0.1.evil.example", ...UPGRADE]],
    [403, ["Host: [::1", ...UPGRADE]],
    [403, ["Host:", ...UPGRADE]],
    [426, [here]],
    [400, [here, ...UPGRADE.slice(0, -1)]],
  ];
  try {
    for (const [status, headers] of cases) {
      const answer = await askRaw(port, headers);
      assertEquals(answer.status, status, headers.join(", "));
    }
    assertEquals(
      (await askRaw(port, [here, ...UPGRADE], "/a/b?c")).status,
      101,
    );
  } finally {
    await listening.close();
  }
});

Deno.test("listenOn() asks for the token before it upgrades", async () => {
  const away: string[] = [];
  const listening = start({ token: "right" }, {
    turnedAway: (_, reason) => void away.push(reason),
  });
  const { port } = listening;
  const ask = (...headers: string[]): Promise<{ status: number }> =>
    askRaw(port, [`Host: localhost`, ...UPGRADE, ...headers]);
  try {
    assertEquals((await ask()).status, 401);
    assertEquals((await ask("Authorization: Bearer wrong")).status, 401);
    assertEquals((await ask("Authorization: Bearer right")).status, 101);
    // Not even that this is a receiver is told.
    assertEquals((await askRaw(port, ["Host: localhost"])).status, 401);
  } finally {
    await listening.close();
  }
  assertEquals(away, ["no token", "a wrong token"]);
});

Deno.test("listenOn() keeps so many connections, and sends others away for a while", async () => {
  const { promise: end, resolve } = Promise.withResolvers<void>();
  const listening = start({}, { connected: () => end });
  const { port, url } = listening;
  try {
    const transports = await Promise.all(
      Array.from({ length: 64 }, () => connectWebSocket(url)),
    );
    const headers = [`Host: localhost`, ...UPGRADE];
    const answer = await askRaw(port, headers);
    assertEquals([answer.status, answer.headers.get("retry-after")], [
      503,
      "5",
    ]);
    resolve();
    for (const transport of transports) {
      for await (const _ of transport.readable);
    }
    assertEquals((await askRaw(port, headers)).status, 101);
  } finally {
    await listening.close();
  }
});

Deno.test("listenOn() says why an address can't be had", async () => {
  const first = start();
  try {
    const { port } = first;
    const cases: [host: string, port: number, message: string][] = [
      [
        "127.0.0.1",
        port,
        `Cannot listen on 127.0.0.1:${port}: the port is in use`,
      ],
      ["192.0.2.1", 0, "this machine does not have that address"],
      ["no-such-host.invalid", 0, "Cannot listen on no-such-host.invalid:0: "],
    ];
    for (const [host, port, message] of cases) {
      const error = assertThrows(
        () => start({ host, port }),
        SyncError,
      );
      assertStringIncludes(error.message, message);
    }
  } finally {
    await first.close();
  }
});
