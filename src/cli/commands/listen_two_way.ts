/** What `lockstep listen --two-way` has besides what every listener has. */
import { UsageError } from "../../errors.ts";
import type { DigestStore } from "../../fs/digest_store.ts";
import type { OptionsOf } from "../args.ts";
import type { Reporter } from "../events.ts";
import type { RootFile } from "../state/root_file.ts";
import { stateDirectoryOf } from "../state/state_directory.ts";
import { refuseStateInside } from "./own_state.ts";
import { TwoWayState } from "./two_way_state.ts";

/** Its owner disposes of it. */
export interface ListenTwoWay extends Disposable {
  readonly root: RootFile;
  readonly digests: DigestStore;
}

/**
 * Opens what is remembered of `dir`; undefined for a listener that only receives.
 * @throws {UsageError} If the state directory lies inside `dir`.
 * @throws {SyncError} If it can't be used; `locked`, if another one syncs `dir`.
 */
export async function twoWayOf(
  { twoWay, stateDir, noState, owner }: OptionsOf<"listen">,
  dir: string,
  reporter: Reporter,
): Promise<ListenTwoWay | undefined> {
  if (!twoWay) return undefined;
  if (noState) {
    throw new UsageError(
      "--two-way does not go with --no-state: it has to remember what both " +
        "sides agreed on",
    );
  }
  if (owner) {
    throw new UsageError(
      "--two-way does not go with --owner: owners stay as each side has them",
    );
  }
  const directory = stateDirectoryOf({ stateDir, noState: false })!;
  refuseStateInside(directory, dir, "--output-dir");
  const warn = (message: string): void =>
    reporter.report({ kind: "warning", message });
  const state = TwoWayState.open({ stateDir, readOnly: false }, warn);
  const lock = await state.lock(dir);
  try {
    const root = state.root(dir);
    root.persist();
    const digests = state.digestsOf(dir);
    return {
      root,
      digests,
      [Symbol.dispose](): void {
        digests.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
