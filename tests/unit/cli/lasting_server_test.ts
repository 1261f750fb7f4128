import { assertEquals, assertThrows } from "@std/assert";
import {
  LastingServer,
  type Server,
} from "../../../src/cli/commands/lasting_server.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

/** Servers that break when they are told to. */
class Binder {
  readonly clock = new FakeClock();
  readonly ports: number[] = [];
  readonly faults: string[] = [];
  refusal: Error | undefined;
  #break = (_: Error): void => {};

  readonly bind = (port: number): Server => {
    if (this.refusal !== undefined) throw this.refusal;
    this.ports.push(port);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#break = reject;
    const addr = { transport: "tcp", hostname: "h", port: port || 7 } as const;
    return {
      addr,
      finished: promise,
      shutdown: () => Promise.resolve(resolve()),
    };
  };

  async fail(message: string): Promise<void> {
    this.#break(new Error(message));
    await settle();
  }

  start(): LastingServer {
    const { bind, clock } = this;
    const onFault = (reason: string): void => void this.faults.push(reason);
    return new LastingServer({ bind, port: 0, clock, onFault });
  }
}

Deno.test("LastingServer listens again on the same port, each time it gives up", async () => {
  const binder = new Binder();
  const server = binder.start();
  for (const fault of ["one", "two"]) {
    await binder.fail(fault);
    await binder.clock.advance(1_000);
  }
  assertEquals(binder.ports, [0, 7, 7]);
  assertEquals(binder.faults, ["one", "two"]);
  await server.close();
  assertEquals(binder.clock.timers, 0);
});

Deno.test("LastingServer goes on trying where it can't listen, and says why once", async () => {
  const binder = new Binder();
  const server = binder.start();
  binder.refusal = new Error("in use");
  await binder.fail("no descriptors");
  await binder.clock.advance(5_000);
  assertEquals(binder.faults, ["no descriptors", "in use"]);
  binder.refusal = undefined;
  await binder.clock.advance(1_000);
  assertEquals(binder.ports, [0, 7]);
  await server.close();
});

Deno.test("LastingServer does not listen again once it is closed", async () => {
  const binder = new Binder();
  const server = binder.start();
  await binder.fail("no descriptors");
  await server.close();
  await binder.clock.advance(5_000);
  assertEquals([binder.ports, binder.clock.timers], [[0], 0]);
  binder.refusal = new Error("in use");
  assertThrows(() => binder.start(), Error, "in use");
});
