import { assert } from "@std/assert";
import { assertEnded, summaryOf } from "../support/carriers.ts";
import { writeTree } from "../support/disk_tree.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";

const TEXT_BYTES = 8_000_000;

/** Lines that shrink to a third or less, and files of a few kB of them. */
function writeText(root: string): void {
  const random = new Random(91);
  const words = Array.from({ length: 500 }, () => random.bytes(4).toHex());
  const files: [string, string][] = [];
  for (let i = 0; i < 100; i++) {
    let text = "";
    while (text.length < TEXT_BYTES / 100) text += `${random.pick(words)} `;
    files.push([`file ${i}`, text]);
  }
  writeTree(root, Object.fromEntries(files));
}

for (const mode of ["auto", "on", "off"] as const) {
  Deno.test(`sync --compress ${mode} brings text over a slow network whole`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeText(source);
    await using receiver = await listen(temp.at("target"));
    await using proxy = new TcpProxy(
      receiver.port,
      () => ({ toServer: { bytesPerSecond: 4_000_000 } }),
    );
    const ended = await sync(source, proxy.url, ["--compress", mode]);
    assertEnded(ended);
    assertEnded(await receiver.ended);
    await assertSameTree(source, temp.at("target"));
    const { sent } = summaryOf(ended);
    const most = mode === "off" ? Infinity : TEXT_BYTES * 0.6;
    const least = mode === "off" ? TEXT_BYTES : 0;
    assert(sent >= least && sent < most, `${sent} bytes were sent`);
  });
}

Deno.test("D01: a connection that is cut amid compressed content is taken up again", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeText(source);
  await using receiver = await listen(temp.at("target"));
  await using proxy = new TcpProxy(
    receiver.port,
    (connection) => connection < 3 ? { toServer: { cutAfter: 700_000 } } : {},
  );
  const ended = await sync(source, proxy.url, [
    ...["--compress", "on", "--retry-for", "30"],
  ]);
  assertEnded(ended);
  assertEnded(await receiver.ended);
  await assertSameTree(source, temp.at("target"));
  assert(proxy.counts.connections > 1);
});
