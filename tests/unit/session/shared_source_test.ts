import { assertEquals, assertRejects } from "@std/assert";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { SharedScan } from "../../../src/session/shared_source.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

const DONE = { kind: "done", message: "" } as const;

Deno.test("Endpoints that begin together begin with one scan, and go on with their own", async () => {
  const clock = new FakeClock();
  const fs = MemoryFileSystem.from({ "s/a": "1", "s/d/b": "2" });
  const firstScan = new SharedScan(clock);
  const open = () => LocalEndpoint.open(fs, "s", { firstScan });
  const [one, two, three, other, late] = await Promise.all([
    open(),
    open(),
    open(),
    open(),
    open(),
  ]);
  const [first, second] = await Promise.all([
    one.scan(PLAIN_SCAN),
    two.scan(PLAIN_SCAN),
  ]);
  assertEquals(first === second, true);
  assertEquals(await three.scan(PLAIN_SCAN) === first, true);
  assertEquals(
    await other.scan({ ...PLAIN_SCAN, modes: false }) === first,
    false,
  );
  const again = await one.scan(PLAIN_SCAN);
  assertEquals(again === first, false);
  assertEquals(again.root.digest, first.root.digest);
  await clock.advance(2_000);
  assertEquals(await late.scan(PLAIN_SCAN) === first, false);
  for (const endpoint of [one, two, three, other, late]) {
    await endpoint.close(DONE);
  }
});

Deno.test("A shared scan that fails is made anew for whoever comes next", async () => {
  const scans = new SharedScan(new FakeClock());
  const fail = () => Promise.reject(new Error("no"));
  await Promise.all([
    assertRejects(() => scans.begin(PLAIN_SCAN, fail), Error, "no"),
    assertRejects(() => scans.begin(PLAIN_SCAN, fail), Error, "no"),
  ]);
  const fs = MemoryFileSystem.from({ "s/a": "1" });
  const endpoint = await LocalEndpoint.open(fs, "s");
  const snapshot = await scans.begin(
    PLAIN_SCAN,
    () => endpoint.scan(PLAIN_SCAN),
  );
  assertEquals(snapshot.totals.files, 1);
  await endpoint.close(DONE);
});

Deno.test("A view of an endpoint leaves the directory open for others", async () => {
  const fs = MemoryFileSystem.from({ "s/a": "1" });
  const source = await LocalEndpoint.open(fs, "s");
  await source.scan(PLAIN_SCAN);
  const view = source.view();
  assertEquals(await view.confirmAbsent([]), []);
  await view.close(DONE);
  const { totals } = await source.scan(PLAIN_SCAN);
  assertEquals(totals.files, 1);
  await source.close(DONE);
});
