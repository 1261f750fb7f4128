import { assertEquals } from "@std/assert";
import { parseRelPath } from "../../../src/core/path.ts";
import { FanOut, type HubNotice } from "../../../src/hub/fan_out.ts";

function conflict(id: number): HubNotice {
  return { kind: "conflict", id, path: parseRelPath("f"), client: "x" };
}

const ALL = { wants: (): boolean => true, limit: 3 };

Deno.test("a listener hears of what it wants, in order", async () => {
  const fanOut = new FanOut();
  using subscription = fanOut.subscribe({
    limit: 10,
    wants: (notice) => notice.kind === "conflict" && notice.id !== 2,
  });
  for (const id of [1, 2, 3]) fanOut.tell(conflict(id));
  assertEquals(await subscription.next(), conflict(1));
  assertEquals(await subscription.next(), conflict(3));
  const next = subscription.next();
  fanOut.tell(conflict(4));
  assertEquals(await next, conflict(4));
});

Deno.test("a listener that does not keep up is dropped, and nobody waits for it", async () => {
  const fanOut = new FanOut();
  const closed: boolean[] = [];
  const slow = fanOut.subscribe({ ...ALL, closed: (it) => closed.push(it) });
  using quick = fanOut.subscribe({ ...ALL, limit: 100 });
  for (let id = 1; id <= 4; id++) fanOut.tell(conflict(id));
  assertEquals(slow.isDropped, true);
  assertEquals(await slow.next(), undefined);
  assertEquals(closed, [true]);
  assertEquals([fanOut.listeners, fanOut.dropped], [1, 1]);
  assertEquals(quick.take().length, 4);
});

Deno.test("whoever waits hears when it is over", async () => {
  const fanOut = new FanOut();
  const closed: boolean[] = [];
  const subscription = fanOut.subscribe({
    ...ALL,
    closed: (it) => closed.push(it),
  });
  const next = subscription.next();
  fanOut.close();
  assertEquals(await next, undefined);
  assertEquals(closed, [false]);
  fanOut.tell(conflict(1));
  assertEquals(subscription.take(), []);
});
