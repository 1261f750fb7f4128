import { assertEquals, assertRejects } from "@std/assert";
import { linesOf } from "../../../src/daemon/lines.ts";

function streamOf(...parts: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(parts).pipeThrough(new TextEncoderStream());
}

async function all(...parts: string[]): Promise<string[]> {
  return await Array.fromAsync(linesOf(streamOf(...parts), 8));
}

Deno.test("linesOf() puts lines together wherever they were cut", async () => {
  assertEquals(await all(), []);
  assertEquals(await all("a\nb\n"), ["a", "b"]);
  assertEquals(await all("a", "b\n\nc", "d"), ["ab", "", "cd"]);
  assertEquals(await all("ü".repeat(8), "\n"), ["ü".repeat(8)]);
});

Deno.test("linesOf() refuses a line that never ends", async () => {
  await assertRejects(() => all("1234", "56789"), RangeError);
  assertEquals(await all("1234\n", "56789\n"), ["1234", "56789"]);
});
