/** The command line: text -> a typed command, or a UsageError. */
import { parseArgs } from "@std/cli/parse-args";
import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { quote } from "../core/path.ts";
import { UsageError } from "../errors.ts";
import {
  type CommandName,
  commandNames,
  COMMANDS,
  COMMON_OPTIONS,
  type OptionSpec,
  type ValueKind,
} from "./command_table.ts";
import { namesOfOptions, spellOut } from "./spelling.ts";
import { readValue, type ValueTypes } from "./values.ts";

/** What an option of the table becomes. */
type ValueOf<S> = S extends { refused: string } ? false
  : S extends { choices: readonly (infer Choice)[] } ? Choice
  : S extends { kind: infer K extends ValueKind } ? ValueTypes[K]
  : boolean;

/** The options of a command, by the property names of the table. */
export type OptionsOf<N extends CommandName> = {
  readonly [P in keyof (typeof COMMANDS)[N]["options"]]: ValueOf<
    (typeof COMMANDS)[N]["options"][P]
  >;
};

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help"; readonly topic: CommandName | undefined }
  | { readonly kind: "version" }
  /** Nothing that could be done: show help. */
  | { readonly kind: "none" }
  | {
    [N in CommandName]: { readonly kind: N; readonly options: OptionsOf<N> };
  }[CommandName];

/** Reads the command line. @throws {UsageError} */
export function parseCommandLine(args: readonly string[]): Command {
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  const name = commandOf(args);
  if (name === "help") {
    return { kind: "help", topic: topicOf(args.slice(1)) };
  }
  // Whoever asks for help gets it, whatever else is wrong.
  if (options.some((arg) => arg === "--help" || arg === "-h")) {
    return { kind: "help", topic: name };
  }
  if (options.some((arg) => arg === "--version" || arg === "-V")) {
    return { kind: "version" };
  }
  if (name === undefined) return { kind: "none" };
  try {
    const rest = args[0] === name ? args.slice(1) : args;
    // The table and the types come from the same place: this is what OptionsOf says.
    return { kind: name, options: readOptions(rest, name) } as Command;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} (see: lockstep ${name} --help)`);
  }
}

/** The command that is named first, or that the options imply. */
function commandOf(args: readonly string[]): CommandName | "help" | undefined {
  const first = args[0];
  if (first === undefined) return undefined;
  if (!first.startsWith("-")) {
    if (first === "help" || isCommandName(first)) return first;
    throw new UsageError(
      `Unknown command ${quote(first)}${
        suggestion(first, [...commandNames(), "help"])
      } (see: lockstep --help)`,
    );
  }
  return impliedCommand(args);
}

function impliedCommand(args: readonly string[]): CommandName | undefined {
  const specs = commandNames().flatMap(optionsOf);
  const names = namesOfOptions(specs);
  const written = args.map((arg) =>
    arg.startsWith("--") ? arg.split("=")[0]! : arg.slice(0, 2)
  ).filter((name) => name.startsWith("-") && name !== "--" && name !== "-");
  const longs = written.map((name) => names.get(name)?.long);
  const implied = commandNames().filter((name) =>
    COMMANDS[name].impliedBy.some((long) => longs.includes(long))
  );
  if (implied.length > 1) {
    throw new UsageError(
      `These options belong to different commands: ${
        implied.join(" and ")
      } (see: lockstep --help)`,
    );
  }
  if (implied.length === 0) {
    const known = namesOfOptions([...specs, ...Object.values(COMMON_OPTIONS)]);
    const unknown = written.find((name) => !known.has(name));
    if (unknown !== undefined) {
      throw new UsageError(
        `${unknownOption(unknown, known.keys())} (see: lockstep --help)`,
      );
    }
  }
  return implied[0];
}

function topicOf(args: readonly string[]): CommandName | undefined {
  const [topic, extra] = args.filter((arg) => !arg.startsWith("-"));
  if (topic === undefined || topic === "help") return undefined;
  if (extra !== undefined) throw unexpected(extra);
  if (isCommandName(topic)) return topic;
  throw new UsageError(
    `There is no help on ${quote(topic)}${suggestion(topic, commandNames())}`,
  );
}

/** Reads the options of the command `name`, by the property names of the table. */
function readOptions(
  args: readonly string[],
  name: CommandName,
): Record<string, unknown> {
  const specs = optionsOf(name);
  const spelled = spellOut(args, specs);
  const [unknown] = spelled.unknown;
  if (unknown !== undefined) {
    const shown = specs.filter(({ refused }) => refused === undefined);
    throw new UsageError(
      unknownOption(unknown, namesOfOptions(shown).keys()),
    );
  }
  const valued = specs.filter(({ kind }) => kind !== "flag");
  const parsed = parseArgs(spelled.args, {
    boolean: specs.filter(({ kind }) => kind === "flag").map((s) => s.long),
    string: ["_", ...valued.map(({ long }) => long)],
    collect: valued.map(({ long }) => long),
  });
  const [extra] = parsed._;
  if (extra !== undefined) throw unexpected(String(extra));
  const options: Record<string, unknown> = {};
  for (const [property, spec] of Object.entries(tableOf(name))) {
    options[property] = isValued(spec)
      ? readValue(onlyValue(parsed[spec.long] as string[], spec), spec)
      : parsed[spec.long] === true;
  }
  if (options.quiet === true && options.verbose === true) {
    throw new UsageError("--quiet and --verbose exclude each other");
  }
  return options;
}

function onlyValue(values: readonly string[], spec: OptionSpec): string {
  if (values.length > 1) {
    throw new UsageError(spec.once ?? `--${spec.long} is given more than once`);
  }
  const value = values[0] ?? spec.default;
  if (value === undefined) {
    throw new UsageError(`--${spec.long} ${spec.label} is missing`);
  }
  return value;
}

function unexpected(arg: string): UsageError {
  const hint = isCommandName(arg) ? "; the command comes first" : "";
  return new UsageError(`Unexpected argument ${quote(arg)}${hint}`);
}

function unknownOption(written: string, known: Iterable<string>): string {
  // `-form` is one dash short of `--from`.
  const long = /^-[^-]./.test(written) ? `-${written}` : written;
  const longs = [...known].filter((name) => name.startsWith("--"));
  return `Unknown option ${shown(written)}${suggestion(long, longs)}`;
}

/** The nearest of `words`, if it is near enough to be meant. */
function suggestion(word: string, words: readonly string[]): string {
  if (word.length > 40 || /^-.?$/.test(word)) return "";
  const closest = closestString(word, words);
  const isNear = levenshteinDistance(word, closest) <=
    Math.max(1, Math.floor(closest.replace(/^--/, "").length / 2));
  return isNear ? `; did you mean ${closest}?` : "";
}

function shown(option: string): string {
  return /^[\w-]{1,40}$/.test(option) ? option : quote(option);
}

function isCommandName(text: string): text is CommandName {
  return Object.hasOwn(COMMANDS, text);
}

function isValued(
  spec: OptionSpec,
): spec is OptionSpec & { readonly kind: ValueKind } {
  return spec.kind !== "flag";
}

function tableOf(name: CommandName): { readonly [p: string]: OptionSpec } {
  return COMMANDS[name].options;
}

function optionsOf(name: CommandName): OptionSpec[] {
  return Object.values(tableOf(name));
}
