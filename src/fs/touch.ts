/**
 * Carries out changes of nothing but modes and times: nothing has to be staged,
 * held or put back, so each costs the one call that it needs.
 */
import { type Change, isTouch } from "../core/change.ts";
import { nameOf, parentOf, RESERVED_NAME, ROOT } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { flushDirectories } from "./durability.ts";
import { Expectation, problemFor } from "./expectation.ts";
import type { Directory } from "./file_system.ts";
import { Pacer } from "./pacer.ts";
import type { TransitionOptions, TransitionOutcome } from "./transition.ts";

/**
 * Whether `changes` are of modes and times only, and nobody else is at work below
 * `root`, and nothing of an earlier run waits there to be put back.
 */
export async function areTouches(
  root: Directory,
  changes: readonly Change[],
): Promise<boolean> {
  if (!changes.every(isTouch)) return false;
  return await root.lookup(RESERVED_NAME) === undefined;
}

/**
 * Carries out `changes`, all of which {@link areTouches}, on the tree below `root`.
 * @throws {FileSystemError} If the disk fails to make it durable.
 */
export async function touch(
  root: Directory,
  changes: readonly Change[],
  { durable, signal }: Pick<TransitionOptions, "durable" | "signal">,
): Promise<TransitionOutcome> {
  const done = new Uint8Array(changes.length);
  const problems: Problem[] = [];
  const expectation = new Expectation();
  const pacer = new Pacer();
  const cursor = new DirectoryCursor(root);
  try {
    for (const [i, change] of changes.entries()) {
      signal?.throwIfAborted();
      try {
        await touchOne(cursor, change, expectation);
        done[i] = 1;
      } catch (error) {
        problems.push(problemFor(change.path, error));
      }
      const pause = pacer.turn();
      if (pause !== undefined) await pause;
    }
  } finally {
    cursor.close();
  }
  if (durable) await flushDirectories(root, changes);
  return { done, problems };
}

async function touchOne(
  cursor: DirectoryCursor,
  { path, old, new: wanted }: Change,
  expectation: Expectation,
): Promise<void> {
  if (wanted?.kind === "directory") {
    return await (await cursor.at(path)).setOwnMetadata(wanted);
  }
  if (old?.kind !== "file" || wanted?.kind !== "file" || path === ROOT) {
    throw new TypeError("Only files and directories can be touched");
  }
  const parent = await cursor.at(parentOf(path)!);
  const name = nameOf(path);
  expectation.check(path, old, await parent.lookup(name));
  await parent.setMetadata(name, wanted);
  expectation.handle(old);
}
