/** The text of `--help`, made from the table of commands. */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";
import {
  type CommandName,
  commandNames,
  COMMANDS,
  commandsOf,
  COMMON_OPTIONS,
  ENVIRONMENT,
  TASKS,
} from "./command_table.ts";
import type { HelpTopic } from "./args.ts";
import { EXIT_CODE_MEANINGS } from "./exit_code.ts";

const MAX_COLUMNS = 79;
const USAGE_INDENT = "       ";

/** The help of one command, of a group of them, or of the program; ends with a line break. */
export function helpText(topic: HelpTopic): string {
  return `${blocksOf(topic).join("\n\n")}\n`;
}

function blocksOf(topic: HelpTopic): string[] {
  if (topic === undefined) return programHelp();
  const commands = commandsOf(topic);
  return commands.length > 0
    ? groupHelp(topic, commands)
    : commandHelp(topic as CommandName);
}

function groupHelp(group: string, names: readonly CommandName[]): string[] {
  const specs: CommandSpec[] = names.map((name) => COMMANDS[name]);
  return [
    `Usage: lockstep ${group} COMMAND [OPTION…]`,
    section("Commands", names.map((name) => [name, COMMANDS[name].summary])),
    exampleSection(specs.flatMap(({ examples }) => examples)),
    `See "lockstep ${group} COMMAND --help" for the options of a command.`,
  ];
}

function programHelp(): string[] {
  const indent = indentOf(commandNames());
  return [
    "Lockstep keeps directories equal, over plain WebSocket.",
    "Usage: lockstep COMMAND [OPTION…]",
    ...TASKS.map(({ title, commands }) =>
      section(
        title,
        commands.map((name) => [name, COMMANDS[name].summary]),
        indent,
      )
    ),
    "The command may be left out where its options tell it: --port and\n" +
    "--output-dir mean listen, --from and --to mean sync.",
    optionSection(Object.values(COMMON_OPTIONS)),
    exampleSection(
      TASKS.flatMap(({ shown }) => shown).map((name) =>
        COMMANDS[name].examples[0]!
      ),
    ),
    ...closing(),
    'See "lockstep COMMAND --help" for the options of a command.',
  ];
}

function commandHelp(name: CommandName): string[] {
  const { description, examples, options, positional }: CommandSpec =
    COMMANDS[name];
  const argument = positional === undefined ? "" : ` ${argumentOf(positional)}`;
  const specs = Object.values(options).filter((spec) =>
    spec.refused === undefined
  );
  const required = specs.filter((spec) => spec.required === true)
    .map((spec) => ` --${spec.long} ${spec.label}`).join("");
  const usage = `Usage: lockstep ${name}${argument}${required} [OPTION…]`;
  return [
    wrap(usage, MAX_COLUMNS - USAGE_INDENT.length).join(`\n${USAGE_INDENT}`),
    description,
    ...(positional === undefined
      ? []
      : [section("Argument", [[positional.label, positional.help]])]),
    optionSection([...specs, COMMON_OPTIONS.help]),
    exampleSection(examples),
    ...closing(),
  ];
}

/** What stands for an argument in a usage line: in brackets where it may be left out. */
export function argumentOf(
  { label, optional }: NonNullable<CommandSpec["positional"]>,
): string {
  return optional ? `[${label}]` : label;
}

function closing(): string[] {
  return [
    section("Exit codes", EXIT_CODE_MEANINGS),
    section("Environment", ENVIRONMENT.map(({ name, help }) => [name, help])),
  ];
}

function optionSection(specs: readonly OptionSpec[]): string {
  return section(
    "Options",
    specs.map((spec) => {
      const letter = spec.short === undefined ? "    " : `-${spec.short}, `;
      const label = spec.label === undefined ? "" : ` ${spec.label}`;
      return [
        `${letter}--${spec.long}${label}`,
        `${spec.help}${notesOf(spec)}`,
      ];
    }),
  );
}

/** What else help says of an option, in brackets after a space; "" for nothing. */
export function notesOf(spec: OptionSpec): string {
  const notes = [
    ...(spec.required === true ? [requirementOf(spec)] : []),
    ...(spec.many === true ? ["may be repeated"] : []),
    ...(spec.default === undefined ? [] : [`default ${spec.default}`]),
    ...(spec.aliases ?? []).map((alias) => `also --${alias}`),
  ];
  return notes.length === 0 ? "" : ` [${notes.join("; ")}]`;
}

function requirementOf({ unless }: OptionSpec): string {
  return unless === undefined ? "required" : `required without --${unless}`;
}

function exampleSection(examples: CommandSpec["examples"]): string {
  const lines = examples.map(({ line, meaning }) =>
    `  # ${meaning}\n  ${line}`
  );
  return `Examples:\n${lines.join("\n")}`;
}

function section(
  title: string,
  rows: readonly (readonly [string, string])[],
  indent = indentOf(rows.map(([name]) => name)),
): string {
  const lines = rows.map(([name, text]) => {
    const [first, ...others] = wrap(text, MAX_COLUMNS - indent);
    return [
      `  ${name}`.padEnd(indent) + first,
      ...others.map((line) => " ".repeat(indent) + line),
    ].join("\n");
  });
  return `${title}:\n${lines.join("\n")}`;
}

/** The column at which texts begin beside the longest of `names`. */
function indentOf(names: readonly string[]): number {
  return Math.max(...names.map((name) => name.length)) + 4;
}

/** Breaks `text` between words into lines of at most `columns`. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= columns) {
      lines[lines.length - 1] = longer;
    } else lines.push(word);
  }
  return lines;
}
