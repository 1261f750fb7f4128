/** All that is at a path of a hub, or below it, read a page at a time. */
import type { RelPath } from "../core/path.ts";
import type { HubRecord } from "./record.ts";
import type { HubStore } from "./store.ts";

/** Records that are read at once. */
const PAGE = 1_000;

/**
 * What is at or below `within` now, in the order of paths.
 * @param between Awaited between two pages: what is changed meanwhile may show.
 */
export async function* recordsWithin(
  store: HubStore,
  within: RelPath,
  between?: () => Promise<void>,
): AsyncGenerator<HubRecord> {
  let after: RelPath | undefined;
  for (;;) {
    const page = await store.files({
      within,
      limit: PAGE,
      ...(after !== undefined && { after }),
    });
    yield* page;
    if (page.length < PAGE) return;
    await between?.();
    after = page.at(-1)!.path;
  }
}
