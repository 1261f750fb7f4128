import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  IntegrityError,
  ProtocolError,
  TransportError,
} from "../../../src/errors.ts";
import { backoff, withRetry } from "../../../src/session/reconnect.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

const middle = (): number => 0.5;

Deno.test("The waits double from 0.2 s up to 30 s, give or take a quarter", () => {
  const waits = Array.from({ length: 10 }, (_, i) => backoff(i + 1, middle));
  assertEquals(waits.slice(0, 4), [200, 400, 800, 1600]);
  assertEquals(waits.slice(8), [30_000, 30_000]);
  assertEquals(backoff(1, () => 0), 150);
  assertEquals(backoff(100, () => 0.999999), 37_500);
});

Deno.test("Work is done again after a lost connection, until it is done", async () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  const delays: number[] = [];
  const result = withRetry(({ number, progressed }) => {
    seen.push(number);
    if (number === 1) progressed();
    if (number < 4) return Promise.reject(new TransportError("lost"));
    return Promise.resolve("done");
  }, {
    retryForMs: 60_000,
    clock,
    random: middle,
    onRetry: ({ attempt, delayMs }) => {
      assertEquals(attempt, seen.length + 1);
      delays.push(delayMs);
    },
  });
  await settle();
  await clock.advance(60_000);
  assertEquals(await result, "done");
  assertEquals(seen, [1, 2, 3, 4]);
  assertEquals(delays, [200, 400, 800]);
  assertEquals(clock.timers, 0);
});

Deno.test("What would fail again is not tried again", async () => {
  const errors = [
    new ProtocolError("no"),
    new ProtocolError("no", "busy"),
    new ProtocolError("no", "refused"),
    new ProtocolError("no", "version"),
    new TransportError("stopped", "peer-stopped"),
    new IntegrityError("bad"),
    new Error("a bug"),
  ];
  for (const error of errors) {
    let tries = 0;
    await assertRejects(() =>
      withRetry(({ progressed }) => {
        progressed();
        tries++;
        throw error;
      }, {
        retryForMs: 60_000,
        clock: new FakeClock(),
        random: middle,
        retryFirst: true,
      }), Error);
    assertEquals(tries, 1, error.name);
  }
});

Deno.test("The first connection is tried again only where that is asked for", async () => {
  for (const retryFirst of [undefined, false, true]) {
    const clock = new FakeClock();
    let tries = 0;
    const result = withRetry(() => {
      tries++;
      return Promise.reject(new TransportError("nobody", "unreachable"));
    }, {
      retryForMs: 1_000,
      clock,
      random: middle,
      ...(retryFirst === undefined ? {} : { retryFirst }),
    }).catch((error) => error);
    await settle();
    await clock.advance(5_000);
    assert(await result instanceof TransportError);
    // At 0, 0.2 and 0.6 s, and a last time when the second is over.
    assertEquals(tries, retryFirst === true ? 4 : 1);
  }
});

Deno.test("Each handshake starts the patience and the waits anew", async () => {
  const clock = new FakeClock();
  const times: number[] = [];
  const result = withRetry(({ number, progressed }) => {
    times.push(clock.now());
    if (number % 3 === 1) progressed();
    if (number < 10) throw new TransportError("lost");
    return Promise.resolve();
  }, { retryForMs: 2_000, clock, random: middle });
  await settle();
  await clock.advance(60_000);
  await result;
  const waits = times.slice(1).map((time, i) => time - times[i]!);
  assertEquals(waits, [200, 400, 800, 200, 400, 800, 200, 400, 800]);
});

Deno.test("A signal ends the waiting", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const result = withRetry(
    () => Promise.reject(new TransportError("lost")),
    {
      retryForMs: 60_000,
      clock,
      random: middle,
      signal: stop.signal,
      retryFirst: true,
    },
  );
  result.catch(() => {});
  await settle();
  stop.abort(new Error("enough"));
  await assertRejects(() => result, Error, "enough");
  assertEquals(clock.timers, 0);
});
