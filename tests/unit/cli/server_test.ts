import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { isLoopback, listenOn } from "../../../src/cli/commands/server.ts";
import { SyncError } from "../../../src/errors.ts";

const UPGRADE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol: lockstep.v1",
];

Deno.test("listenOn() lets senders in, and no browser", async () => {
  const listening = listenOn({ host: "127.0.0.1", port: 0 }, (transport) => {
    transport.close();
  });
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
    [403, ["Host: evil.example", ...UPGRADE]],
    [403, ["Host: 127.0.0.1.evil.example", ...UPGRADE]],
    [426, [here]],
    [400, [here, ...UPGRADE.slice(0, -1)]],
  ];
  try {
    for (const [status, headers] of cases) {
      assertEquals(await ask(port, headers), status, headers.join(", "));
    }
  } finally {
    await listening.close();
  }
});

Deno.test("listenOn() says why an address can't be had", async () => {
  const first = listenOn({ host: "127.0.0.1", port: 0 }, () => {});
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
        () => listenOn({ host, port }, () => {}),
        SyncError,
      );
      assertStringIncludes(error.message, message);
    }
  } finally {
    await first.close();
  }
});

Deno.test("isLoopback() knows what only this machine can reach", () => {
  const cases: [host: string, answer: boolean][] = [
    ["localhost", true],
    ["a.localhost", true],
    ["127.0.0.1", true],
    ["127.1.2.3", true],
    ["::1", true],
    ["[::1]", true],
    ["0:0:0:0:0:0:0:1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["192.168.1.1", false],
    ["example.org", false],
    ["localhost.example.org", false],
  ];
  for (const [host, answer] of cases) {
    assertEquals(isLoopback(host), answer, host);
  }
});

/** Sends a request by hand: the status of the answer. */
async function ask(port: number, headers: string[]): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const text = ["GET / HTTP/1.1", ...headers, "", ""].join("\r\n");
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(256);
  const length = await connection.read(buffer) ?? 0;
  const answer = new TextDecoder().decode(buffer.subarray(0, length));
  return Number(answer.split(" ")[1]);
}
