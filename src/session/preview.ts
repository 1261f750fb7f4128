/** What a mirror would do where its target does not exist yet. */
import { type Change, shallow, totalsOfChanges } from "../core/change.ts";
import { ROOT } from "../core/path.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import { AbsentEndpoint } from "./absent_endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Comparison } from "./events.ts";
import { type CompareOptions, compareSides } from "./compare_sides.ts";

/**
 * Compares `source` with nothing at all: its root is to be created, too.
 * @param place Where nothing is, and what its file system can hold.
 */
export async function compareWithNothing(
  source: Endpoint,
  place: { readonly name: string; readonly traits: FileSystemTraits },
  options: CompareOptions,
): Promise<Comparison> {
  const absent = new AbsentEndpoint(place.name, place.traits);
  const comparison = await compareSides(source, absent, options);
  const { modes } = comparison;
  const root: Change = {
    path: ROOT,
    old: undefined,
    new: shallow(comparison.source.root),
  };
  const changes = [
    root,
    ...comparison.changes.filter(({ path }) => path !== ROOT),
  ];
  return {
    ...comparison,
    target: undefined,
    changes,
    totals: totalsOfChanges(changes, modes),
  };
}
