import { assert, assertEquals } from "@std/assert";
import {
  AdaptiveCompression,
  LEVELS,
  STEADY_LEVEL,
  SteadyCompression,
} from "../../../src/session/compression_policy.ts";

const UNIT = 1_000_000;
const WINDOW = 4 * 1024 * 1024;
const GRANT = 256 * 1024;

/** How fast each level packs, in bytes per second, and what it leaves. */
const SPEED: Readonly<Record<number, number>> = {
  1: 300e6,
  3: 190e6,
  6: 80e6,
  9: 45e6,
};
const RATIO: Readonly<Record<number, number>> = {
  1: 0.21,
  3: 0.19,
  6: 0.17,
  9: 0.165,
};

interface World {
  /** Bytes per second on the wire. */
  readonly link: number;
  /** Bytes of content per second that the receiver writes. */
  readonly disk?: number;
  /** What a level leaves of the content is times this, at most 1. */
  readonly shrinks?: number;
  readonly ms?: number;
}

/** Sends content for a while: the levels that were used, and bytes in all. */
function simulate(policy: AdaptiveCompression, world: World): {
  levels: (number | undefined)[];
  plain: number;
} {
  const { link, disk = 500e6, shrinks = 1, ms = 5_000 } = world;
  const levels: (number | undefined)[] = [];
  const queue: { bytes: number; at: number }[] = [];
  let now = 0, free = 0, inFlight = 0, due = 0, plain = 0;
  const settle = (until: number): void => {
    for (
      let next = queue[0];
      next !== undefined && next.at <= until;
      next = queue[0]
    ) {
      queue.shift();
      due += next.bytes;
      if (due < GRANT) continue;
      inFlight -= due;
      policy.granted(due, next.at);
      due = 0;
    }
  };
  while (now < ms) {
    const level = policy.level(now);
    levels.push(level);
    let bytes = UNIT / 4;
    let content = bytes;
    if (level !== undefined) {
      content = UNIT;
      bytes = UNIT * Math.min(1, RATIO[level]! * shrinks);
      const took = UNIT / SPEED[level]! * 1000;
      now += took;
      settle(now);
      policy.packed({ plainBytes: UNIT, packedBytes: bytes, ms: took }, now);
    }
    now += content / 1e9 * 1000;
    while (inFlight + bytes > WINDOW) {
      now = Math.max(now, queue[0]!.at);
      settle(now);
    }
    settle(now);
    inFlight += bytes;
    plain += content;
    policy.sent(bytes, now);
    // The wire and the disk take pieces of what is a frame.
    free = Math.max(free, now) + Math.max(bytes / link, content / disk) * 1000;
    queue.push({ bytes, at: free });
  }
  return { levels, plain };
}

function share(
  levels: readonly (number | undefined)[],
  level: number | undefined,
): number {
  return levels.filter((used) => used === level).length / levels.length;
}

Deno.test("auto: on a slow link it soon packs as hard as it can", () => {
  const { levels } = simulate(new AdaptiveCompression(), {
    link: 2.5e6,
    ms: 20_000,
  });
  assertEquals(levels.at(-1), LEVELS.at(-1));
  assert(share(levels, LEVELS.at(-1)) > 0.6, levels.join(" "));
  assertEquals(share(levels, undefined), 0);
});

Deno.test("auto: levels go up one step at a time", () => {
  const { levels } = simulate(new AdaptiveCompression(), { link: 2.5e6 });
  const steps = levels.filter((level, i) => level !== levels[i - 1]);
  assertEquals(steps.slice(0, LEVELS.length), [...LEVELS]);
});

Deno.test("auto: a link faster than packing gets content as it is", () => {
  const { levels } = simulate(new AdaptiveCompression(), { link: 1e9 });
  assert(share(levels, undefined) > 0.95, levels.join(" "));
});

Deno.test("auto: what does not shrink is skipped, and looked at again now and then", () => {
  const { levels } = simulate(new AdaptiveCompression(), {
    link: 2.5e6,
    shrinks: 6,
    ms: 60_000,
  });
  const packed = levels.filter((level) => level !== undefined).length;
  assert(
    packed >= 3 && packed < levels.length / 10,
    `${packed} of ${levels.length}`,
  );
});

Deno.test("auto: packing gets content across a slow link several times as fast", () => {
  const packed = simulate(new AdaptiveCompression(), { link: 2.5e6 }).plain;
  const raw =
    simulate(new AdaptiveCompression(), { link: 2.5e6, shrinks: 6 }).plain;
  assert(packed > 3 * raw, `${packed} and ${raw}`);
});

Deno.test("auto: the same story is told alike each time", () => {
  const runs = [1, 2].map(() =>
    simulate(new AdaptiveCompression(), { link: 10e6 })
  );
  assertEquals(runs[0], runs[1]);
});

Deno.test("on: always the same level, whatever happens", () => {
  const policy = new SteadyCompression();
  policy.packed();
  policy.granted();
  assertEquals(policy.level(), STEADY_LEVEL);
});
