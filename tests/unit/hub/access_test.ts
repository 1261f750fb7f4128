import { assertEquals } from "@std/assert";
import { ROOT } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { Access } from "../../../src/hub/access.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("a key that can't be looked up for a moment is asked for again, and found revoked", () => {
  const answers: (boolean | Error)[] = [
    true,
    new FileSystemError("io", "The disk has failed"),
    false,
  ];
  const access = new Access({
    host: "127.0.0.1",
    keys: {
      find: () => undefined,
      isAlive(): boolean {
        const answer = answers.shift()!;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    open: false,
    clock: new FakeClock(),
    turnedAway: () => {},
  });
  const key = {
    ...{ id: "k", name: "k", role: "read", path: ROOT, created: 0 } as const,
    ...{ expires: undefined, revoked: undefined },
  };
  const looks = [1, 2, 3].map(() => access.isAlive(key));
  assertEquals(looks, [true, true, false]);
});
