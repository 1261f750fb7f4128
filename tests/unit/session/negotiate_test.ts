import { assert, assertEquals, assertRejects } from "@std/assert";
import type {
  DescribeRequest,
  Description,
  Lacking,
} from "../../../src/content/description.ts";
import { EMPTY_RECIPE } from "../../../src/content/recipe.ts";
import type { PlannedFile } from "../../../src/core/change.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { negotiate } from "../../../src/session/negotiate.ts";
import { fileEntry } from "../../support/fake_endpoint.ts";

const NONE = { signal: undefined };

function files(count: number, size = 100_000): PlannedFile[] {
  return Array.from({ length: count }, (_, index) => ({
    index: 2 * index,
    path: parseRelPath(`d/${index}`),
    entry: fileEntry(size),
  }));
}

/** Both sides, which answer as they are told and note what they were asked. */
class Sides {
  readonly calls: string[] = [];
  describes: (request: DescribeRequest) => Description = ({ index }) => ({
    kind: "recipe",
    index,
    recipe: EMPTY_RECIPE,
  });
  lacks: (description: Description) => Lacking = ({ index }) => ({
    kind: "gaps",
    index,
    gaps: [],
  });

  readonly source = {
    describe: async (requests: readonly DescribeRequest[]) => {
      this.calls.push(`describe ${requests.length}`);
      return await Promise.resolve(requests.map(this.describes));
    },
  };
  readonly target = {
    lacking: async (descriptions: readonly Description[]) => {
      this.calls.push(`lacking ${descriptions.length}`);
      return await Promise.resolve(descriptions.map(this.lacks));
    },
  };
}

Deno.test("10,000 files take a few questions, and the next batch is described meanwhile", async () => {
  const sides = new Sides();
  const gaps = await negotiate(sides, files(10_000), NONE);
  assertEquals(gaps.size, 10_000);
  assertEquals(sides.calls, [
    "describe 2048",
    ...["describe 2048", "lacking 2048"],
    ...["describe 2048", "lacking 2048"],
    ...["describe 2048", "lacking 2048"],
    ...["describe 1808", "lacking 2048"],
    "lacking 1808",
  ]);
});

Deno.test("large files are described one by one, or few at a time", async () => {
  const sides = new Sides();
  await negotiate(sides, files(3, 700 * 1024 * 1024), NONE);
  assertEquals(
    sides.calls.filter((call) => call.startsWith("lacking")),
    ["lacking 1", "lacking 1", "lacking 1"],
  );
});

Deno.test("chunks of the pages that are lacking are told in one more question", async () => {
  const sides = new Sides();
  const pages = Uint32Array.of(1, 5);
  const asked: (Uint32Array | undefined)[] = [];
  sides.describes = ({ index, pages }) => {
    asked.push(pages);
    return pages === undefined
      ? { kind: "unavailable", index }
      : { kind: "chunks", index, records: new Uint8Array() };
  };
  sides.lacks = ({ kind, index }) =>
    kind === "chunks"
      ? { kind: "gaps", index, gaps: [] }
      : index === 2
      ? { kind: "pages", index, pages }
      : { kind: "whole", index };
  const gaps = await negotiate(sides, files(3), NONE);
  assertEquals([...gaps], [[2, []]]);
  assertEquals(asked, [undefined, undefined, undefined, pages]);
});

Deno.test("who asks for pages without end, or answers for others, is refused", async () => {
  const endless = new Sides();
  endless.lacks = ({ index }) => ({
    kind: "pages",
    index,
    pages: Uint32Array.of(0),
  });
  await assertRejects(
    () => negotiate(endless, files(1), NONE),
    ProtocolError,
  );
  const other = new Sides();
  other.lacks = ({ index }) => ({ kind: "whole", index: index + 1 });
  await assertRejects(() => negotiate(other, files(2), NONE), ProtocolError);
  const fewer = new Sides();
  fewer.source.describe = () => Promise.resolve([]);
  await assertRejects(() => negotiate(fewer, files(2), NONE), ProtocolError);
});

Deno.test("what fails on one side stops the other one", async () => {
  const sides = new Sides();
  let stopped: AbortSignal | undefined;
  const source = {
    async describe(
      requests: readonly DescribeRequest[],
      signal?: AbortSignal,
    ): Promise<Description[]> {
      stopped = signal;
      return await Promise.resolve(requests.map(sides.describes));
    },
  };
  const target = {
    lacking: () => Promise.reject(new Error("the disk is full")),
  };
  await assertRejects(
    () => negotiate({ source, target }, files(5_000), NONE),
    Error,
    "the disk is full",
  );
  assert(stopped?.aborted);
});
