/**
 * What every {@link FileSystem} has to keep, as tests: run them on your own, as
 * Lockstep does on both of its own.
 *
 * @example
 * ```ts ignore
 * fileSystemContract("MyFileSystem", async () => {
 *   const fs = new MyFileSystem();
 *   (await fs.openRoot("/root", { create: true })).close();
 *   return { fs, root: "/root", close: () => Promise.resolve() };
 * });
 * ```
 *
 * @module
 */
import {
  checkOn,
  type ContractTest,
  type Subject,
} from "./contract/contract_kit.ts";
import { checkLooking, checkRoots } from "./contract/looking.ts";
import { checkMetadata } from "./contract/metadata.ts";
import { checkMoving } from "./contract/moving.ts";
import { checkFollowing, checkReading } from "./contract/reading.ts";
import { checkLocks, checkRemoving } from "./contract/removing.ts";
import { checkWatching } from "./contract/watching.ts";
import { checkCreating, checkWriting } from "./contract/writing.ts";

export type { ContractTest, Subject } from "./contract/contract_kit.ts";

/**
 * Registers the tests of all but watches.
 * @param name The file system, as the names of the tests begin.
 * @param open Makes a new one with an empty directory in it, for each test.
 * @param test Registers a test; `Deno.test` unless said.
 */
export function fileSystemContract(
  name: string,
  open: () => Promise<Subject>,
  test: ContractTest = Deno.test,
): void {
  const check = checkOn(name, open, test);
  checkRoots(check);
  checkLooking(check);
  checkReading(check);
  checkCreating(check);
  checkWriting(check);
  checkMetadata(check);
  checkMoving(check);
  checkRemoving(check);
  checkFollowing(check);
  checkLocks(check);
}

/**
 * Registers the tests of watches, for a file system that has them: its
 * `traits.watches` is "recursive" or "children". Parameters as above.
 */
export function watchContract(
  name: string,
  open: () => Promise<Subject>,
  test: ContractTest = Deno.test,
): void {
  checkWatching(checkOn(name, open, test));
}
