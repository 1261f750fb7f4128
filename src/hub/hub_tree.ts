/** The tree of a hub at its last revision: made once, and then brought up to date. */
import type { DirectoryEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { nextTurn } from "../core/turn.ts";
import type { HubRecord } from "./record.ts";
import type { HubStore } from "./store.ts";
import { applyRecords, EMPTY_TREE, type TreeTraits } from "./tree.ts";

const PAGE = 2_000;

/** The tree at a revision; what came later may be in it already. */
export interface TreeAt {
  readonly root: DirectoryEntry;
  readonly revision: number;
}

const NOTHING: TreeAt = { root: EMPTY_TREE, revision: 0 };

/** Keeps one tree for each way in which trees are looked at. */
export class HubTrees {
  readonly #store: HubStore;
  readonly #trees = new Map<string, Promise<TreeAt>>();

  constructor(store: HubStore) {
    this.#store = store;
  }

  /** The tree as it is now. */
  async current(traits: TreeTraits): Promise<TreeAt> {
    const name = `${traits.digests}/${traits.modes}`;
    // One after the other: whoever comes later goes on where the one before was.
    const before = this.#trees.get(name);
    const now = this.#advance(before, traits);
    this.#trees.set(name, now);
    try {
      return await now;
    } catch (error) {
      if (this.#trees.get(name) === now) this.#trees.delete(name);
      throw error;
    }
  }

  async #advance(
    before: Promise<TreeAt> | undefined,
    traits: TreeTraits,
  ): Promise<TreeAt> {
    let known = await before?.catch(() => undefined) ?? NOTHING;
    // What was deleted, and forgotten by now, would stay.
    if (known.revision < await this.#store.horizon()) known = NOTHING;
    const revision = await this.#store.head();
    if (revision === known.revision && known.root !== EMPTY_TREE) return known;
    const records = known.revision === 0
      ? await this.#all()
      : await this.#since(known.revision);
    // What came while they were read is later than `revision`, and comes again.
    return { root: applyRecords(known.root, records, traits), revision };
  }

  #all(): Promise<HubRecord[]> {
    return allPages((after) =>
      this.#store.files({ limit: PAGE, ...(after !== undefined && { after }) })
    );
  }

  #since(revision: number): Promise<HubRecord[]> {
    return allPages((after) =>
      this.#store.changedSince(revision, {
        limit: PAGE,
        ...(after !== undefined && { after }),
      })
    );
  }
}

async function allPages(
  read: (after: RelPath | undefined) => Promise<readonly HubRecord[]>,
): Promise<HubRecord[]> {
  const records: HubRecord[] = [];
  let after: RelPath | undefined;
  for (;;) {
    const page = await read(after);
    for (const record of page) records.push(record);
    if (page.length < PAGE) return records;
    after = page.at(-1)!.path;
    await nextTurn();
  }
}
