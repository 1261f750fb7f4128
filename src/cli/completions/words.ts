/** What can be completed, made from the table of commands; each shell writes it down its own way. */
import type { CommandSpec, OptionSpec } from "../command_spec.ts";
import {
  commandNames,
  COMMANDS,
  commandsOf,
  COMMON_OPTIONS,
} from "../command_table.ts";

/** What a value may be, as far as a shell can tell. */
export type Values =
  | { readonly kind: "directories" }
  | { readonly kind: "files" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** It can't tell: a number, a name that only a hub knows, an address. */
  | { readonly kind: "unknown" };

/** One option. */
export interface OptionWords {
  /** With its dashes, the long one first. */
  readonly spellings: readonly [string, ...string[]];
  readonly help: string;
  /** Undefined for a flag. */
  readonly values: Values | undefined;
}

/** One command. */
export interface CommandWords {
  /** One word or two; "" where the options tell the command. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** The argument that is no option; undefined: it takes none. */
  readonly argument: Values | undefined;
}

/** All commands, "help" and the one that is left out among them. */
export function allCommandWords(): CommandWords[] {
  return [
    ...commandNames().map((name) => commandWords(name, COMMANDS[name])),
    {
      name: "help",
      summary: HELP,
      options: [],
      argument: { kind: "words", words: firstWords().map(([word]) => word) },
    },
    impliedCommand(),
  ];
}

const HELP = "Print the help of a command";

/** What can be the first word, and what it is for. */
export function firstWords(): (readonly [word: string, summary: string])[] {
  const firsts = new Map<string, string>();
  for (const name of commandNames()) {
    const [first = ""] = name.split(" ");
    const group = commandsOf(first).map((command) => command.split(" ")[1]);
    firsts.set(
      first,
      group.length === 0 ? COMMANDS[name].summary : group.join(", "),
    );
  }
  return [...firsts, ["help", HELP]];
}

/** What can be the second word after those that need one. */
export function secondWords(): Map<string, (readonly [string, string])[]> {
  const groups = new Map<string, (readonly [string, string])[]>();
  for (const name of commandNames()) {
    const [first = "", second] = name.split(" ");
    if (second === undefined) continue;
    const words = groups.get(first) ?? [];
    groups.set(first, [...words, [second, COMMANDS[name].summary]]);
  }
  return groups;
}

function commandWords(name: string, spec: CommandSpec): CommandWords {
  const { positional, summary } = spec;
  return {
    name,
    summary,
    options: optionWords([
      ...Object.values(spec.options),
      COMMON_OPTIONS.help,
    ]),
    argument: positional &&
      valuesOf({ kind: "path", ...positional }),
  };
}

/** The command is left out: its options are those of all that can be. */
function impliedCommand(): CommandWords {
  const byName = new Map<string, OptionSpec>();
  for (const name of commandNames()) {
    const spec: CommandSpec = COMMANDS[name];
    if (spec.impliedBy.length === 0) continue;
    for (const option of Object.values(spec.options)) {
      if (!byName.has(option.long)) byName.set(option.long, option);
    }
  }
  for (const option of Object.values(COMMON_OPTIONS)) {
    byName.set(option.long, option);
  }
  return {
    name: "",
    summary: "",
    options: optionWords([...byName.values()]),
    argument: undefined,
  };
}

function optionWords(specs: readonly OptionSpec[]): OptionWords[] {
  return specs.filter(({ refused }) => refused === undefined).map((spec) => ({
    spellings: [
      `--${spec.long}`,
      ...(spec.short === undefined ? [] : [`-${spec.short}`]),
      ...(spec.aliases ?? []).map((alias) => `--${alias}`),
    ],
    help: spec.help,
    values: spec.kind === "flag" ? undefined : valuesOf(spec),
  }));
}

function valuesOf(
  { kind, label, choices }: Pick<OptionSpec, "kind" | "label" | "choices">,
): Values {
  if (choices !== undefined) return { kind: "words", words: choices };
  if (kind === "target") return { kind: "directories" };
  if (kind === "path" && label === "DIR") return { kind: "directories" };
  if (kind === "path" && label === "FILE") return { kind: "files" };
  return { kind: "unknown" };
}
