/** The command line: text -> a typed command, or a UsageError. */
import { parseArgs } from "@std/cli/parse-args";
import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { quote } from "../core/path.ts";
import { UsageError } from "../errors.ts";
import type { CommandSpec, OptionSpec, ValueKind } from "./command_spec.ts";
import {
  type CommandName,
  commandNames,
  COMMANDS,
  commandsOf,
  COMMON_OPTIONS,
  EXCLUSIVE,
  type GroupName,
} from "./command_table.ts";
import { namesOfOptions, spellOut } from "./spelling.ts";
import { readValue, type ValueTypes } from "./values.ts";

/** What an option of the table becomes. */
type ValueOf<S> = S extends { refused: string } ? false
  : S extends { choices: readonly (infer Choice)[]; optional: true }
    ? Choice | undefined
  : S extends { choices: readonly (infer Choice)[] } ? Choice
  : S extends { many: true; kind: infer K extends ValueKind }
    ? readonly ValueTypes[K][]
  : S extends { optional: true; kind: infer K extends ValueKind }
    ? ValueTypes[K] | undefined
  : S extends { unless: string; kind: infer K extends ValueKind }
    ? ValueTypes[K] | undefined
  : S extends { kind: infer K extends ValueKind } ? ValueTypes[K]
  : boolean;

/** The argument of a command that is no option. */
type PositionalOf<C> = C extends
  { positional: { property: infer P extends string; many: true } }
  ? { readonly [K in P]: readonly string[] }
  : C extends
    { positional: { property: infer P extends string; optional: true } }
    ? { readonly [K in P]: string | undefined }
  : C extends {
    positional: {
      property: infer P extends string;
      choices: readonly (infer Choice)[];
    };
  } ? { readonly [K in P]: Choice }
  : C extends { positional: { property: infer P extends string } }
    ? { readonly [K in P]: string }
  : unknown;

/** The options of a command, by the property names of the table. */
export type OptionsOf<N extends CommandName> =
  & {
    readonly [P in keyof (typeof COMMANDS)[N]["options"]]: ValueOf<
      (typeof COMMANDS)[N]["options"][P]
    >;
  }
  & PositionalOf<(typeof COMMANDS)[N]>;

/** What help is wanted on; undefined: on the program. */
export type HelpTopic = CommandName | GroupName | undefined;

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help"; readonly topic: HelpTopic }
  | { readonly kind: "version"; readonly json: boolean }
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
  const isVersion = (arg: string): boolean =>
    arg === "-V" || (arg === "--version" && !hasVersionOption(name));
  if (options.some(isVersion)) {
    return { kind: "version", json: options.includes("--json") };
  }
  if (name === undefined) return { kind: "none" };
  if (!isCommandName(name)) {
    const commands = commandsOf(name).join(", ");
    throw new UsageError(
      `Write one of: ${commands} (see: lockstep ${name} --help)`,
    );
  }
  try {
    const words = name.split(" ");
    const isNamed = words.every((word, i) => args[i] === word);
    const rest = isNamed ? args.slice(words.length) : args;
    // The table and the types come from the same place: this is what OptionsOf says.
    return { kind: name, options: readOptions(rest, name) } as Command;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} (see: lockstep ${name} --help)`);
  }
}

/** The command that is named first, or that the options imply. */
function commandOf(
  args: readonly string[],
): CommandName | GroupName | "help" | undefined {
  const [first, second] = args;
  if (first === undefined) return undefined;
  if (first.startsWith("-")) return impliedCommand(args);
  if (first === "help") return first;
  return namedCommand(first, second) ?? refuseCommand(first, second);
}

/** The command that these words name, or the group that the first one names. */
function namedCommand(
  first: string,
  second: string | undefined,
): CommandName | GroupName | undefined {
  if (isCommandName(first)) return first;
  if (!isGroupName(first)) return undefined;
  if (second === undefined || second.startsWith("-")) return first;
  const both = `${first} ${second}`;
  return isCommandName(both) ? both : undefined;
}

/** @throws {UsageError} Always: it says what may be meant. */
function refuseCommand(first: string, second: string | undefined): never {
  if (second === undefined || !isGroupName(first)) {
    const hint = suggestion(first, [...commandNames(), "help"]);
    throw new UsageError(
      `Unknown command ${quote(first)}${hint} (see: lockstep --help)`,
    );
  }
  const seconds = commandsOf(first).map((name) => name.split(" ")[1]!);
  throw new UsageError(
    `Unknown command ${quote(`${first} ${second}`)}${
      suggestion(second, seconds)
    } (see: lockstep ${first} --help)`,
  );
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

function topicOf(args: readonly string[]): HelpTopic {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const [first, second] = words;
  if (first === undefined || first === "help") return undefined;
  const topic = namedCommand(first, second);
  const extra = words[topic?.split(" ").length ?? 1];
  if (topic !== undefined && extra === undefined) return topic;
  if (extra !== undefined && !isGroupName(first)) throw unexpected(extra);
  const written = words.join(" ");
  throw new UsageError(
    `There is no help on ${quote(written)}${
      suggestion(written, commandNames())
    }`,
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
  const options = readPositional(parsed._.map(String), name);
  for (const [property, spec] of Object.entries(tableOf(name))) {
    options[property] = isValued(spec)
      ? valueOf(parsed, spec)
      : parsed[spec.long] === true;
  }
  refuseExclusive(options, name);
  return options;
}

/** The arguments that are no options: as many as the command takes. */
function readPositional(
  args: readonly string[],
  name: CommandName,
): Record<string, unknown> {
  const { positional }: CommandSpec = COMMANDS[name];
  const taken = positional === undefined ? 0 : positional.many ? Infinity : 1;
  const [extra] = args.slice(taken);
  if (extra !== undefined) throw unexpected(extra);
  if (positional === undefined) return {};
  const { property, label, choices, many, optional } = positional;
  const [value] = args;
  const mayBeMissing = optional === true && args.length === 0;
  if ((value === undefined && !mayBeMissing) || args.includes("")) {
    throw new UsageError(`${label} is missing`);
  }
  if (value !== undefined && choices?.includes(value) === false) {
    const all = choices.join(", ");
    throw new UsageError(
      `${label} is one of ${all}, not ${quote(value)}${
        suggestion(value, choices)
      }`,
    );
  }
  return { [property]: many === true ? args : value };
}

/** The value of an option, of all that were written. */
function valueOf(
  parsed: Record<string, unknown>,
  spec: OptionSpec & { readonly kind: ValueKind },
): unknown {
  const values = parsed[spec.long] as readonly string[];
  const isSaidElsewhere = spec.unless !== undefined &&
    (parsed[spec.unless] as readonly string[]).length > 0;
  const mayBeMissing = spec.optional === true || isSaidElsewhere;
  if (spec.many === true) {
    if (spec.required === true && !mayBeMissing && values.length === 0) {
      throw isMissing(spec);
    }
    return values.map((value) => readValue(value, spec));
  }
  if (values.length === 0 && mayBeMissing) return undefined;
  return readValue(onlyValue(values, spec), spec);
}

/** @throws {UsageError} If two of `options` contradict each other. */
function refuseExclusive(
  options: Record<string, unknown>,
  name: CommandName,
): void {
  const isGiven = (property: string): boolean =>
    options[property] !== undefined && options[property] !== false;
  for (const [one, other] of EXCLUSIVE) {
    if (!isGiven(one) || !isGiven(other)) continue;
    const [first, second] = [one, other].map((p) => tableOf(name)[p]?.long);
    throw new UsageError(`--${first} and --${second} exclude each other`);
  }
}

function onlyValue(values: readonly string[], spec: OptionSpec): string {
  if (values.length > 1) {
    throw new UsageError(`--${spec.long} is given more than once`);
  }
  const value = values[0] ?? spec.default;
  if (value === undefined) {
    throw isMissing(spec);
  }
  return value;
}

function isMissing({ long, label }: OptionSpec): UsageError {
  return new UsageError(`--${long} ${label} is missing`);
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

/** Whether `--version` means something else to this command. */
function hasVersionOption(name: string | undefined): boolean {
  return name !== undefined && isCommandName(name) &&
    optionsOf(name).some(({ long }) => long === "version");
}

function isGroupName(text: string): text is GroupName {
  return commandsOf(text).length > 0;
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
