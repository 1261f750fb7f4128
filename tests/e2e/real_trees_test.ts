import { assert, assertEquals } from "@std/assert";
import { assertEnded, assertIdle } from "../support/carriers.ts";
import { command } from "../support/command.ts";
import { exists } from "../support/disk_tree.ts";
import { has, test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";

const PACKAGES = ["typescript@5", "vite@6"];

/** Whether npm can bring packages here. */
const registry = has("npm") &&
  (await command("npm", ["ping", "--fetch-retries=0", "--fetch-timeout=5000"]))
      .code === 0;

const nodeModules = "the node_modules of big packages are mirrored";
if (registry) {
  test(nodeModules, ["npm"], async () => {
    await using temp = new TempDir();
    const project = temp.directory("project");
    const installed = await command("npm", [
      ...["install", "--no-audit", "--no-fund", "--prefer-offline"],
      ...PACKAGES,
    ], { cwd: project });
    assertEquals(installed.code, 0, installed.stderr);
    await assertMirrors(project, temp.at("target"));
  });
} else {
  Deno.test.ignore(
    `${nodeModules} [skipped: npm can't reach its registry]`,
    () => {},
  );
}

test("/usr/share is mirrored", ["linux", "root"], async () => {
  await using temp = new TempDir();
  await assertMirrors("/usr/share", temp.at("target"));
});

/** Mirrors over WebSocket, and once more, which must change nothing. */
async function assertMirrors(source: string, target: string): Promise<void> {
  await using receiver = await listen(target, ["--keep-listening"]);
  assertEnded(await sync(source, receiver.url));
  // Who owns a file does not travel.
  const rsync = ["--no-owner", "--no-group"];
  await assertSameTree(source, target, { rsync });
  assert(!exists(`${target}/.lockstep`));
  const before = listTree(target);
  assertIdle(await sync(source, receiver.url));
  assertUntouched(target, before);
}
