import { assert, assertEquals, assertRejects } from "@std/assert";
import { RoundFiles } from "../../../src/cli/state/round_files.ts";
import {
  prepareStateDirectory,
  stateDirectoryOf,
} from "../../../src/cli/state/state_directory.ts";
import { SyncError } from "../../../src/errors.ts";
import type { RoundRecord } from "../../../src/session/round_record.ts";
import { namesIn } from "../../support/disk_tree.ts";
import { test } from "../../support/needs.ts";
import { TempDir } from "../../support/temp.ts";

const RECORD: RoundRecord = {
  root: { path: "/data", device: 2, inode: 3, born: 4 },
  entries: 4,
  digest: "5".repeat(64),
};

/** The records of one pair, and what they warn of. */
interface Files {
  readonly files: RoundFiles;
  readonly warnings: readonly string[];
}

function filesIn(directory: string, sources = ["/data"]): Files {
  const warnings: string[] = [];
  const files = new RoundFiles(
    directory,
    sources,
    "/copy",
    (message) => void warnings.push(message),
  );
  return { files, warnings };
}

Deno.test("a record comes back as it was written, for its own pair only", async () => {
  await using temp = new TempDir();
  const { files, warnings } = filesIn(temp.path);
  assertEquals(await files.read(), undefined);
  await files.write(RECORD);
  await files.write({ ...RECORD, entries: 5 });
  assertEquals(await files.read(), { ...RECORD, entries: 5 });
  assertEquals(await filesIn(temp.path, ["/other"]).files.read(), undefined);
  assertEquals(namesIn(temp.path).length, 1);
  assertEquals(warnings, []);
});

Deno.test("J10: a source that is reached through a link is known by the name of that as well", async () => {
  await using temp = new TempDir();
  await filesIn(temp.path, ["/link", "/data"]).files.write(RECORD);
  for (const sources of [["/link", "/elsewhere"], ["/data"]]) {
    assertEquals(await filesIn(temp.path, sources).files.read(), RECORD);
  }
});

Deno.test("a damaged record is warned of once, and counts as none", async () => {
  await using temp = new TempDir();
  await filesIn(temp.path).files.write(RECORD);
  const [name] = namesIn(temp.path);
  const good = Deno.readTextFileSync(temp.at(name!));
  const damages: [string, string | RegExp][] = [
    ["", /[^]*/],
    ["[]", /[^]*/],
    ["null", /[^]*/],
    ['"version": 2', '"version": 1'],
    ['"format": "x"', '"format": "lockstep-round"'],
    ['"source": "/x"', '"source": "/data"'],
    ['"inode": -1', '"inode": 3'],
    ['"inode": "3"', '"inode": 3'],
    ['"born": 1e99', '"born": 4'],
    ['"root": 1, "r"', '"root"'],
    ['"entries": 1.5', '"entries": 4'],
    ['"digest": "5', '"digest": "55'],
    ["", /.{20}$/s],
  ];
  for (const [damage, part] of damages) {
    Deno.writeTextFileSync(temp.at(name!), good.replace(part, damage));
    const { files, warnings } = filesIn(temp.path);
    assertEquals(await files.read(), undefined, damage);
    assertEquals(warnings.length, 1, damage);
    assert(warnings[0]!.includes("as if it were a first one"), warnings[0]);
  }
});

test("records are for their owner only", ["modes"], async () => {
  await using temp = new TempDir();
  const directory = temp.at("a", "b");
  prepareStateDirectory(directory);
  await filesIn(directory).files.write(RECORD);
  const modes = [temp.at("a"), directory, `${directory}/${namesIn(directory)}`]
    .map((path) => Deno.statSync(path).mode! & 0o777);
  assertEquals(modes, [0o700, 0o700, 0o600]);
});

Deno.test("a record that can't be written is warned of; one that can't be read stops the run", async () => {
  await using temp = new TempDir();
  const { files, warnings } = filesIn(temp.at("missing"));
  await files.write(RECORD);
  assertEquals(warnings.length, 1);

  await filesIn(temp.path).files.write(RECORD);
  const path = temp.at(namesIn(temp.path)[0]!);
  Deno.removeSync(path);
  Deno.mkdirSync(path);
  const error = await assertRejects(
    () => filesIn(temp.path).files.read(),
    SyncError,
  );
  assert(error.message.includes("--no-state"), error.message);
});

Deno.test("stateDirectoryOf() goes by the option, then by the environment", () => {
  const table: [
    Record<string, string>,
    { stateDir?: string; noState?: boolean },
    string | undefined,
  ][] = [
    [{ HOME: "/h" }, { noState: true }, undefined],
    [{ HOME: "/h" }, { stateDir: "here" }, "here"],
    [{ HOME: "/h", XDG_STATE_HOME: "/x" }, {}, "/x/lockstep"],
    [{ HOME: "/h", XDG_STATE_HOME: "x" }, {}, "/h/.local/state/lockstep"],
    [{ HOME: "/h", XDG_STATE_HOME: "" }, {}, "/h/.local/state/lockstep"],
  ];
  if (Deno.build.os === "windows") return;
  for (const [variables, options, expected] of table) {
    const directory = stateDirectoryOf(
      { stateDir: undefined, noState: false, ...options },
      { get: (name) => variables[name] },
    );
    assertEquals(directory, expected);
  }
});
