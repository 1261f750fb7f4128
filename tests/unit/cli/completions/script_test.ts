import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { OptionSpec } from "../../../../src/cli/command_spec.ts";
import { commandNames, COMMANDS } from "../../../../src/cli/command_table.ts";
import {
  completionScript,
  SHELLS,
} from "../../../../src/cli/completions/script.ts";
import { printable } from "../../../../src/cli/output.ts";

Deno.test("the script of each shell knows every command, option and choice", () => {
  for (const shell of SHELLS) {
    const script = completionScript(shell);
    for (const name of commandNames()) {
      for (const word of name.split(" ")) assertStringIncludes(script, word);
      const specs: OptionSpec[] = Object.values(COMMANDS[name].options);
      for (const { long, aliases = [], choices = [], refused } of specs) {
        if (refused !== undefined) continue;
        for (const option of [long, ...aliases]) {
          const written = shell === "fish" ? `-l ${option}` : `--${option}`;
          assertStringIncludes(script, written, `${shell}: ${name}`);
        }
        for (const choice of choices) assertStringIncludes(script, choice);
      }
    }
  }
});

Deno.test("the scripts are printed as they are", () => {
  for (const shell of SHELLS) {
    for (const line of completionScript(shell).split("\n")) {
      assertEquals(printable(line), line, shell);
    }
  }
});

Deno.test("the script for PowerShell closes what it opens", () => {
  // Where no PowerShell is, that its strings and brackets are paired is what can be told.
  const script = completionScript("powershell").replaceAll(/^ *#.*$/gm, "");
  const bare = script.replaceAll(/'(?:[^']|'')*'/g, "").replaceAll(
    /"[^"]*"/g,
    "",
  );
  assert(!/['"]/.test(bare));
  const open: string[] = [];
  const pairs: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
  for (const [sign] of bare.matchAll(/[()[\]{}]/g)) {
    if (sign in pairs) assertEquals(open.pop(), pairs[sign]);
    else open.push(sign);
  }
  assertEquals(open, []);
});

Deno.test("no table in the script for PowerShell has a key twice, in whichever letters", () => {
  const script = completionScript("powershell");
  for (const [, table] of script.matchAll(/@\{\n(.*?)\n {2}\}/gs)) {
    const keys = [...table!.matchAll(/^ {4}'([^']*)' = /gm)]
      .map(([, key]) => key!.toLowerCase());
    assert(keys.length > 1);
    assertEquals(keys.length, new Set(keys).size);
  }
});
