import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { OptionSpec } from "../../../src/cli/command_spec.ts";
import {
  commandNames,
  COMMANDS,
  TASKS,
} from "../../../src/cli/command_table.ts";
import { EXIT } from "../../../src/cli/exit_code.ts";
import { helpText } from "../../../src/cli/help.ts";
import { parseCommandLine } from "../../../src/cli/args.ts";

Deno.test("the help of a command names every option, alias and default", () => {
  for (const name of commandNames()) {
    const text = helpText(name).replaceAll(/\s+/g, " ");
    const options: OptionSpec[] = Object.values(COMMANDS[name].options);
    for (const spec of options) {
      const spellings = [
        `--${spec.long}`,
        ...(spec.short === undefined ? [] : [`-${spec.short}, `]),
        ...(spec.aliases ?? []).map((alias) => `--${alias}`),
        ...(spec.default === undefined ? [] : [`default ${spec.default}`]),
      ];
      for (const spelling of spellings) {
        assertEquals(
          text.includes(spelling),
          spec.refused === undefined,
          `${name}: ${spelling}`,
        );
      }
    }
  }
});

Deno.test("the program's help names every command, exit code and variable", () => {
  const text = helpText(undefined);
  for (const name of commandNames()) assertStringIncludes(text, `\n  ${name}`);
  const codes = text.slice(text.indexOf("Exit codes:"));
  for (const code of Object.values(EXIT)) {
    assert(new RegExp(`\\b${code}\\b`).test(codes), `exit code ${code}`);
  }
  const variables = text.slice(text.indexOf("Environment:"));
  for (
    const name of [
      "NO_COLOR",
      "LOCKSTEP_TOKEN",
      "LOCKSTEP_DEBUG",
      "LOCKSTEP_FAULT",
      "XDG_STATE_HOME",
      "LOCALAPPDATA",
      "HOME",
    ]
  ) {
    assert(new RegExp(`\\n  ${name} `).test(variables), name);
  }
});

Deno.test("the program's help has each command once, and a few examples", () => {
  const grouped = TASKS.flatMap(({ commands }) => commands);
  assertEquals(grouped.toSorted(), commandNames().toSorted());
  const text = helpText(undefined);
  for (const { title, commands, shown } of TASKS) {
    assertStringIncludes(text, `\n${title}:\n  ${commands[0]}`);
    for (const name of shown) assert(commands.includes(name), name);
  }
  const [, examples] = text.split("\nExamples:\n");
  const shown = examples!.split("\n\n")[0]!.match(/^ {2}lockstep /gm);
  assert(shown !== null && shown.length <= 12, `${shown?.length} examples`);
});

Deno.test("--verbose is an option of what has more to tell", () => {
  const having = commandNames().filter((name) =>
    "verbose" in COMMANDS[name].options
  );
  assertEquals(having, ["listen", "sync", "verify", "start"]);
});

Deno.test("the examples of the help can be run", () => {
  for (const name of commandNames()) {
    for (const { line } of COMMANDS[name].examples) {
      const [program, ...args] = line.split(" ");
      assertEquals(program, "lockstep");
      assertEquals(parseCommandLine(args).kind, name, line);
      assertStringIncludes(helpText(name), line);
    }
  }
});

Deno.test("help fits a terminal of 80 columns", () => {
  for (const topic of [undefined, ...commandNames()]) {
    for (const line of helpText(topic).split("\n")) {
      assert(line.length < 80, `${line.length} columns: ${line}`);
    }
  }
});
