import { assertEquals, assertRejects } from "@std/assert";
import { compareSides } from "../../../src/session/compare_sides.ts";
import { FakeEndpoint } from "../../support/fake_endpoint.ts";

const OPTIONS = { checksum: false, symlinks: "copy", deletes: true } as const;

/** Two sides that tell in which order they are looked at. */
function sides(): {
  source: FakeEndpoint;
  target: FakeEndpoint;
  asked: string[];
} {
  const asked: string[] = [];
  const source = new FakeEndpoint({ a: "1" });
  const target = new FakeEndpoint();
  source.before = (call): void => void asked.push(`source ${call}`);
  target.before = (call): void => void asked.push(`target ${call}`);
  return { source, target, asked };
}

Deno.test("compareSides() asks the target before it looks at the source", async () => {
  const { source, target, asked } = sides();
  const { changes } = await compareSides(source, target, OPTIONS);
  assertEquals(asked, ["target scan", "source scan"]);
  assertEquals(changes.length > 0, true);
});

Deno.test("compareSides() does not look at the source of a target that has failed", async () => {
  const { source, target, asked } = sides();
  target.before = (): never => {
    throw new Error("gone");
  };
  await assertRejects(
    () => compareSides(source, target, OPTIONS),
    Error,
    "gone",
  );
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assertEquals(asked, []);
});

Deno.test("compareSides() does not look at the source once it is stopped", async () => {
  const { source, target, asked } = sides();
  const stop = new AbortController();
  const { signal } = stop;
  target.before = (): void => stop.abort(new Error("enough"));
  await assertRejects(
    () => compareSides(source, target, { ...OPTIONS, signal }),
    Error,
    "enough",
  );
  assertEquals(asked, []);
});
