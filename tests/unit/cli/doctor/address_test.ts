import { assertEquals, assertStringIncludes } from "@std/assert";
import { HubClient } from "../../../../src/cli/commands/hub_client.ts";
import { examineAddress } from "../../../../src/cli/doctor/address.ts";
import { EXIT } from "../../../../src/cli/exit_code.ts";

Deno.test("examineAddress() gives up where somebody listens and never answers", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of silent) accepted.push(connection);
  })();
  const server = `http://127.0.0.1:${port}`;
  const signal = new AbortController();
  const options = {
    server,
    apiKey: undefined,
    apiKeyFile: undefined,
    caFile: undefined,
  };
  for (const protocol of ["ws", "http"]) {
    using hub = new HubClient(options, signal.signal);
    const { findings, exit } = await examineAddress({
      url: new URL(`${protocol}://127.0.0.1:${port}`),
      connect: {},
      hub: protocol === "http" ? hub : undefined,
      patienceMs: 20,
      signal: signal.signal,
    });
    assertEquals(exit, EXIT.unreachable);
    assertEquals(findings.map(({ state }) => state), ["bad"]);
    assertStringIncludes(findings[0]!.message, "no answer within");
  }
  signal.abort(new DOMException("over", "AbortError"));
  // What was accepted this moment is only among them when that is over.
  silent.close();
  await accepting;
  for (const connection of accepted) connection.close();
});
