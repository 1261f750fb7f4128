import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Change, filesOf } from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import { LARGE_BYTES } from "../../../src/core/order_by_size.ts";
import { TransportError } from "../../../src/errors.ts";
import {
  type CarriedOut,
  carryOutInOrder,
  type OrderedOptions,
} from "../../../src/session/carry_out_in_order.ts";
import type { SyncEvent } from "../../../src/session/events.ts";
import type { RoundObserver } from "../../../src/session/round_observer.ts";
import {
  FakeEndpoint,
  fileEntry,
  type Sketch,
} from "../../support/fake_endpoint.ts";

const LARGE = fileEntry(LARGE_BYTES);
const BYTES = new Uint8Array(LARGE_BYTES);

/** A source with large files, whose content is zeros, and an empty target. */
function sides(sketch: Sketch): {
  source: FakeEndpoint;
  target: FakeEndpoint;
  changes: readonly Change[];
  carryOut(options?: Partial<OrderedOptions>): Promise<CarriedOut>;
} {
  const source = new FakeEndpoint(sketch);
  const target = new FakeEndpoint();
  const { changes } = diff(target.root, source.root, {
    deletes: true,
    modes: true,
  });
  for (const { path, entry } of filesOf(changes)) {
    if (entry.size === LARGE_BYTES) source.content.set(path, BYTES);
  }
  const { root } = target;
  return {
    source,
    target,
    changes,
    carryOut: (options = {}) =>
      carryOutInOrder(source, target, changes, {
        root,
        modes: true,
        ...options,
      }),
  };
}

/** Notes what passes. */
class Notes implements RoundObserver {
  readonly staged: (readonly Change[])[] = [];
  readonly passed: number[] = [];

  staging(changes: readonly Change[]): void {
    this.staged.push(changes);
  }

  passing({ pieces }: { readonly pieces: readonly { index: number }[] }): void {
    for (const { index } of pieces) this.passed.push(index);
  }

  applied(): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test("what is small is in place before anything large passes, and it looks like one round", async () => {
  const { source, target, changes, carryOut } = sides({
    a: LARGE,
    b: "small",
    d: { c: "small too" },
    e: LARGE,
  });
  const notes = new Notes();
  const events: SyncEvent[] = [];
  let before: string[] | undefined;
  source.before = (call): void => {
    const isSecond = target.calls.includes("transition");
    if (call === "supply" && isSecond) {
      before ??= [...target.root.children.keys()];
    }
  };
  const result = await carryOut({
    observers: [notes],
    onEvent: (event) => void events.push(event),
  });
  assertEquals(before, ["b", "d"]);
  assertEquals(target.root, source.root);
  assertEquals(target.calls.filter((call) => call === "transition").length, 2);
  assertEquals(result.achieved, changes);
  assertEquals([result.problems, result.postponed], [[], []]);
  // Files have the numbers of the whole list.
  assertEquals(notes.staged, [changes]);
  assertEquals(notes.passed, [1, 2, 0, 3]);
  const counts = events.flatMap((event) =>
    event.kind === "transfer" ? [[event.files, event.bytes]] : []
  );
  assertEquals(counts.at(-1), [4, 2 * LARGE_BYTES + 14]);
  assertEquals(counts, counts.toSorted((a, b) => a[1]! - b[1]!));
  assertEquals(events.filter(({ kind }) => kind === "applying").length, 1);
  // What the target has is known without looking.
  const root = await target.advance(result.root, result.since, true);
  assertEquals(root.digest, source.root.digest);
});

Deno.test("a target that does not follow gets all at once", async () => {
  const { target, source, carryOut } = sides({ a: LARGE, b: "small" });
  Object.assign(target, { follows: false });
  await carryOut();
  assertEquals(target.root, source.root);
  assertEquals(target.calls.filter((call) => call === "stage").length, 1);
});

Deno.test("what was small is told of where what is large fails", async () => {
  const { source, target, carryOut } = sides({ a: LARGE, b: "small" });
  const lost = new TransportError("lost", "connection-lost");
  source.before = (call): void => {
    if (call === "supply" && target.calls.includes("transition")) throw lost;
  };
  const { achieved, postponed, failure } = await carryOut();
  assertEquals(achieved.map(({ path }) => path), ["b", ""]);
  assertEquals(postponed.map(({ path }) => path), ["a", ""]);
  assert(failure?.error === lost);
  assertEquals([...target.root.children.keys()], ["b"]);
});

Deno.test("what fails at once is thrown", async () => {
  const { source, carryOut } = sides({ a: LARGE, b: "small" });
  source.before = (call): void => {
    if (call === "supply") throw new TransportError("lost", "connection-lost");
  };
  await assertRejects(() => carryOut(), TransportError);
});

for (
  const [what, sketch, left] of [
    ["beside small", { a: LARGE, b: "small" }, ["b"]],
    ["alone", { a: LARGE }, []],
  ] as const
) {
  Deno.test(`large content ${what} can be broken off: nothing of it is carried out`, async () => {
    const { target, carryOut } = sides(sketch);
    const abort = new AbortController();
    let stops = 0;
    const { achieved, postponed, failure, problems, root, since } =
      await carryOut({
        interruption: (large) => {
          assert(large.some(({ path }) => path === "a"));
          return {
            signal: abort.signal,
            passing: () => abort.abort(new Error("something else")),
            stop: () => void stops++,
          };
        },
      });
    assertEquals([...target.root.children.keys()], [...left]);
    const paths = achieved.map(({ path }) => path as string);
    assertEquals(paths.filter((path) => path !== ""), [...left]);
    assertEquals([failure, problems], [undefined, []]);
    assert(postponed.some(({ path }) => path === "a"));
    assert(stops > 0);
    assertEquals(
      (await target.advance(root, since, true)).digest,
      target.root.digest,
    );
  });
}

Deno.test("who stops the whole work is not taken for who breaks it off", async () => {
  const { carryOut } = sides({ a: LARGE });
  const stop = new AbortController();
  const never = new AbortController();
  await assertRejects(
    () =>
      carryOut({
        signal: stop.signal,
        interruption: () => ({
          signal: never.signal,
          passing: () => stop.abort(new Error("stopped")),
          stop: () => {},
        }),
      }),
    Error,
    "stopped",
  );
});
