/**
 * Spells a command line out: aliases and letters become `--name`, a value is
 * joined to its option by "=". `parseArgs` guesses at letters written together
 * and at values that begin with a dash; after this there is nothing to guess.
 */
import { quote } from "../core/path.ts";
import { UsageError } from "../errors.ts";
import type { OptionSpec } from "./command_spec.ts";

/** What {@link spellOut} found. */
export interface Spelled {
  /** `--name`, `--name=value` and other arguments, as they came. */
  readonly args: readonly string[];
  /** Options that no name in the table matches, as written. */
  readonly unknown: readonly string[];
}

/**
 * Spells `args` out over the options `specs`.
 * @throws {UsageError} For a missing value, or a value that a flag can't take.
 */
export function spellOut(
  args: readonly string[],
  specs: readonly OptionSpec[],
): Spelled {
  const names = namesOfOptions(specs);
  const spelled: string[] = [];
  const unknown: string[] = [];
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  let next = 0;
  while (next < options.length) {
    const arg = options[next++]!;
    if (arg.startsWith("--")) spellName(arg);
    else if (arg.startsWith("-") && arg.length > 1) spellLetters(arg);
    else spelled.push(arg);
  }
  return {
    args: end < 0 ? spelled : [...spelled, ...args.slice(end)],
    unknown,
  };

  /** `--json`, `--port=8080` or `--port 8080`. */
  function spellName(arg: string): void {
    const equals = arg.indexOf("=");
    const written = equals < 0 ? arg : arg.slice(0, equals);
    const spec = names.get(written);
    if (spec === undefined) unknown.push(written);
    else add(spec, written, equals < 0 ? undefined : arg.slice(equals + 1));
  }

  /** `-vq`, `-p8080`, `-p=8080` or `-p 8080`. */
  function spellLetters(arg: string): void {
    for (let at = 1; at < arg.length; at++) {
      const written = `-${arg[at]}`;
      const rest = arg.slice(at + 1);
      const spec = names.get(written);
      if (spec === undefined) {
        // Of `-vx` the x is unknown; `-json` is taken for a misspelt --json.
        unknown.push(at > 1 ? written : arg.split("=")[0]!);
        return;
      }
      if (spec.kind !== "flag") {
        const value = rest.startsWith("=") ? rest.slice(1) : rest;
        add(spec, written, rest === "" ? undefined : value);
        return;
      }
      if (rest.startsWith("=")) {
        throw new UsageError(`${written} takes no value`);
      }
      add(spec, written, undefined);
    }
  }

  function add(
    spec: OptionSpec,
    written: string,
    value: string | undefined,
  ): void {
    if (spec.refused !== undefined) throw new UsageError(spec.refused);
    if (spec.kind !== "flag") {
      value ??= takeValue(spec, written);
      if (value === "") throw new UsageError(missing(spec, written));
      spelled.push(`--${spec.long}=${value}`);
      return;
    }
    if (value !== undefined) throw new UsageError(`${written} takes no value`);
    spelled.push(`--${spec.long}`);
  }

  /** The value is the next argument, unless that looks like an option. */
  function takeValue(spec: OptionSpec, written: string): string {
    const value = options[next];
    if (value === undefined) throw new UsageError(missing(spec, written));
    if (/^-(?![\d.])./.test(value)) {
      // A token that begins with a dash is a secret all the same.
      const shown = spec.kind === "token" ? spec.label : value;
      throw new UsageError(
        `${missing(spec, written)}; one that begins with "-" is written ${
          quote(`${written}=${shown}`)
        }`,
      );
    }
    next++;
    return value;
  }
}

/** Every spelling of every option, with its dashes. */
export function namesOfOptions(
  specs: readonly OptionSpec[],
): Map<string, OptionSpec> {
  const names = new Map<string, OptionSpec>();
  for (const spec of specs) {
    names.set(`--${spec.long}`, spec);
    for (const alias of spec.aliases ?? []) names.set(`--${alias}`, spec);
    if (spec.short !== undefined) names.set(`-${spec.short}`, spec);
  }
  return names;
}

function missing(spec: OptionSpec, written: string): string {
  return `${written} needs a value (${spec.label ?? spec.kind})`;
}
