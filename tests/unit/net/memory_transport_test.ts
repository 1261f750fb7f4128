import { assertEquals, assertRejects } from "@std/assert";
import { TransportError } from "../../../src/errors.ts";
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../../src/net/memory_transport.ts";

/** What arrives of three messages, and how it ends. */
async function sendThree(
  options: MemoryTransportOptions = {},
): Promise<{ received: number[][]; end: string }> {
  const [near, far] = memoryTransports(options);
  const writer = near.writable.getWriter();
  for (const message of [[1, 2], [3], [4, 5, 6]]) {
    await writer.write(Uint8Array.from(message)).catch(() => {});
  }
  near.close();
  const received: number[][] = [];
  try {
    for await (const message of far.readable) received.push([...message]);
  } catch (error) {
    return { received, end: (error as TransportError).code };
  }
  return { received, end: "in order" };
}

Deno.test("Messages cross in memory whole and in order", async () => {
  const { received, end } = await sendThree();
  assertEquals(received, [[1, 2], [3], [4, 5, 6]]);
  assertEquals(end, "in order");
});

Deno.test("A connection can be cut at a message or at a byte", async () => {
  for (const there of [{ cutAtMessage: 1 }, { cutAtByte: 2 }]) {
    const { received, end } = await sendThree({ there });
    // What had arrived before is still read.
    assertEquals(received, [[1, 2]]);
    assertEquals(end, "connection-lost");
  }
});

Deno.test("Whoever reads no more closes the connection", async () => {
  const [near, far] = memoryTransports();
  await near.readable.cancel();
  assertEquals((await far.readable.getReader().read()).done, true);
});

Deno.test("Messages can be dropped without anybody being told", async () => {
  const { received, end } = await sendThree({ there: { dropFromMessage: 1 } });
  assertEquals(received, [[1, 2]]);
  assertEquals(end, "in order");
});

Deno.test("A bit can arrive the wrong way round", async () => {
  const { received } = await sendThree({ there: { flipBit: 8 * 4 + 1 } });
  assertEquals(received, [[1, 2], [3], [4, 7, 6]]);
});

Deno.test("Messages can be delayed, and stay in order", async () => {
  const delay = (): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, 1));
  const { received } = await sendThree({ there: { delay } });
  assertEquals(received.length, 3);
});

Deno.test("The other direction is not touched by a fault", async () => {
  const [near, far] = memoryTransports({ there: { cutAtMessage: 0 } });
  const writer = far.writable.getWriter();
  await writer.write(Uint8Array.of(1));
  const reader = near.readable.getReader();
  assertEquals((await reader.read()).value, Uint8Array.of(1));
  assertEquals(far.counts, { sent: 1, received: 0 });
  near.close();
  await assertRejects(() => writer.write(Uint8Array.of(2)), TransportError);
});
