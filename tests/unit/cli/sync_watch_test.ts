import { assertEquals, assertRejects } from "@std/assert";
import {
  type WatchWork,
  withFeed,
} from "../../../src/cli/commands/sync_watch.ts";
import { mirrorOptionsOf } from "../../../src/cli/commands/sync_trees.ts";
import { jobOfSource } from "../../../src/cli/commands/workspace_options.ts";
import { DenoFileSystem } from "../../../src/fs/deno_fs.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { TempDir } from "../../support/temp.ts";

/** Counts who listens to the signal of `controller`. */
function countListeners({ signal }: AbortController): { count: number } {
  const listeners = { count: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.count--;
    remove(...args);
  };
  return listeners;
}

Deno.test("withFeed() leaves nothing behind, be it that the source can't be watched", async (t) => {
  await using temp = new TempDir();
  for (const isGone of [false, true]) {
    await t.step(
      isGone ? "the source is gone" : "the source is there",
      async () => {
        const path = temp.directory("s");
        const stop = new AbortController();
        const listeners = countListeners(stop);
        const reporter = { report(): void {} };
        const job = jobOfSource({ path, options: {} });
        const reopen = (): Promise<LocalEndpoint> =>
          LocalEndpoint.open(new DenoFileSystem(), path);
        const source = await reopen();
        let closed = 0;
        const close = source.close.bind(source);
        source.close = (outcome) => {
          closed++;
          return close(outcome);
        };
        const work: WatchWork = {
          job,
          source,
          mirrorOptions: mirrorOptionsOf(job.options, reporter),
          context: { reporter, signal: stop.signal },
          reopen,
        };
        if (isGone) {
          Deno.removeSync(path);
          await assertRejects(() => withFeed(work, () => Promise.resolve()));
        } else await withFeed(work, () => Promise.resolve());
        assertEquals(closed, 1);
        assertEquals(listeners.count, 0);
      },
    );
  }
});
