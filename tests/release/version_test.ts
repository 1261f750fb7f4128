/** One version, wherever it is named. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { notesFor, versionsIn } from "../../.github/scripts/changelog.ts";
import { run } from "../support/program.ts";

const CHANGELOG = readFile(".github/CHANGELOG.md");

function readFile(path: string): string {
  return Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
}

Deno.test("deno.json, the newest entry of the changelog and --version agree", async () => {
  const { version } = JSON.parse(readFile("deno.json"));
  assertMatch(version, /^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/);
  assertEquals(versionsIn(CHANGELOG)[0], version);
  assertMatch(notesFor(CHANGELOG, version), /\n$/);
  const { stdout } = await run(["--version"]);
  assertEquals(stdout.split(" ")[1], version);
  const said = JSON.parse((await run(["--version", "--json"])).stdout);
  assertEquals(said.version, version);
});

Deno.test("notesFor() finds one version among others, and refuses one without notes", () => {
  const text =
    "# Log\n\n## 1.1.0 (2026-01-02)\n\n- new\n\n## 1.0.0\n\n- old\n\n## 0.9.0\n";
  assertEquals(versionsIn(text), ["1.1.0", "1.0.0", "0.9.0"]);
  assertEquals(notesFor(text, "1.1.0"), "- new\n");
  assertEquals(notesFor(text, "1.0.0"), "- old\n");
  for (const version of ["0.9.0", "1.0", "2.0.0"]) {
    assertThrows(() => notesFor(text, version), Error, version);
  }
});
