/** What real shells make of the completion scripts, and man of the manual page. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { command } from "../support/command.ts";
import { test } from "../support/needs.ts";
import { run } from "../support/program.ts";
import { type AskedShell, offered } from "../support/shell_completions.ts";
import { TempDir } from "../support/temp.ts";

/** A line, and all that it can go on with, in order; the directory holds file and sub/. */
const LINES: readonly (readonly [line: string, words: readonly string[]])[] = [
  ["lockstep tr", ["trash"]],
  ["lockstep trash ", ["empty", "list", "restore"]],
  ["lockstep trash re", ["restore"]],
  ["lockstep completions f", ["fish"]],
  ["lockstep help tr", ["trash"]],
  ["lockstep sync --max-d", ["--max-delete"]],
  ["lockstep trash restore --tr", ["--trash"]],
  ["lockstep sync --symlinks ", ["copy", "follow", "skip"]],
  ["lockstep sync --symlinks=f", ["follow"]],
  ["lockstep sync --from x --symlinks s", ["skip"]],
  ["lockstep sync --from ", ["sub"]],
  ["lockstep sync -f s", ["sub"]],
  ["lockstep sync --to s", ["sub"]],
  ["lockstep listen --token-file ", ["file", "sub"]],
  ["lockstep --out", ["--out-dir-path", "--output-dir"]],
  ["lockstep --output-dir s", ["sub"]],
  ["lockstep key revoke ", []],
];

for (const shell of ["bash", "zsh", "fish"] as const) {
  test(
    `${shell} completes commands, options and values`,
    [shell, "signals"],
    async () => {
      await using temp = new TempDir();
      const script = await scriptFor(shell, temp);
      const directory = temp.directory("here");
      await Deno.mkdir(`${directory}/sub`);
      await Deno.writeTextFile(`${directory}/file`, "");
      const lines = [...LINES.map(([line]) => line), "lockstep "];
      const found = await offered(shell, { script, directory, lines });
      assertEquals(found.length, lines.length);
      for (const [i, [line, words]] of LINES.entries()) {
        assertEquals(found[i], words, line);
      }
      for (const word of ["help", "key", "listen", "sync", "trash"]) {
        assert(found.at(-1)!.includes(word), `${word} is not in the first`);
      }
    },
  );
}

test("the manual page has no faults that mandoc or groff know", [
  "mandoc",
  "groff",
], async () => {
  await using temp = new TempDir();
  const page = temp.at("lockstep.1");
  await Deno.writeTextFile(page, `${(await run(["man"])).stdout}\n`);
  const lint = await command("mandoc", ["-Tlint", "-Wwarning", page]);
  // A page that is made has no date of its own; its version is in it.
  const faults = lint.stdout.split("\n").filter((line) =>
    line !== "" && !line.includes("missing date")
  );
  assertEquals(faults, []);
  const made = await command("groff", ["-man", "-ww", "-Tascii", page]);
  assertEquals([made.code, made.stderr], [0, ""]);
  assertStringIncludes(made.stdout, "XDG_STATE_HOME");
});

async function scriptFor(shell: AskedShell, temp: TempDir): Promise<string> {
  const script = temp.at("script");
  const { code, stdout } = await run(["completions", shell]);
  assertEquals(code, 0);
  await Deno.writeTextFile(script, `${stdout}\n`);
  return script;
}
