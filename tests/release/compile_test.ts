/** `deno task compile`, where it makes nothing. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { command } from "../support/command.ts";
import { namesIn } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { TempDir } from "../support/temp.ts";

const SCRIPT = fromFileUrl(
  new URL("../../.github/scripts/compile.ts", import.meta.url),
);

test("compile says in a line what it can't do, and leaves nothing behind", [
  "signals",
], async () => {
  await using temp = new TempDir();
  const scratch = temp.directory("scratch");
  const output = temp.at("lockstep");
  const table: [string[], string][] = [
    [["--nonsense"], "Unknown argument --nonsense"],
    [["x"], "Unknown argument x"],
    [["--target", "pdp-11"], "Unknown target pdp-11"],
    [["--all", "--output", output], "--all takes neither"],
    [["--output", output], `Cannot compile ${output}`],
  ];
  for (const [args, says] of table) {
    const env = ["env", `TMPDIR=${scratch}`, "COMPILE_DENO=false"];
    const [name, ...words] = [...env, Deno.execPath(), "run", "-A", SCRIPT];
    const { code, stderr } = await command(name!, [...words, ...args]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `compile: ${says}`);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
  assertEquals(namesIn(scratch), []);
  assertEquals(namesIn(temp.path), ["scratch"]);
});
