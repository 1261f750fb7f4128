/** The manual page, made from the table of commands; in the macros of man(7). */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";
import {
  type CommandName,
  commandNames,
  COMMANDS,
  COMMON_OPTIONS,
  ENVIRONMENT,
} from "./command_table.ts";
import { EXIT_CODE_MEANINGS } from "./exit_code.ts";
import { argumentOf, notesOf, wrap } from "./help.ts";
import { VERSION } from "./version.ts";

/** Short enough to stay below 80 with what is escaped. */
const MAX_SOURCE_COLUMNS = 66;

/** The page `lockstep.1`, in roff; ends with a line break. */
export function manPage(): string {
  return [
    `.TH LOCKSTEP 1 "" "lockstep ${VERSION}" "User Commands"`,
    ".SH NAME",
    text("lockstep - keep directories equal, over plain WebSocket"),
    ".SH SYNOPSIS",
    ".B lockstep",
    text("COMMAND [OPTION…]"),
    ".SH DESCRIPTION",
    text(
      "Lockstep keeps directories equal, on one machine or across two, in one " +
        "direction or in both. One side listens, the other one syncs; what " +
        "differs is received beside the tree, verified, and put in place by " +
        "renames at the end.",
    ),
    ".PP",
    text(
      "The command may be left out where its options tell it: --port and " +
        "--output-dir mean listen, --from and --to mean sync.",
    ),
    ...Object.values(COMMON_OPTIONS).flatMap(optionLines),
    ".SH COMMANDS",
    ...commandNames().flatMap(commandLines),
    ".SH EXIT STATUS",
    ...EXIT_CODE_MEANINGS.flatMap(([code, meaning]) =>
      item(bold(code), meaning)
    ),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(({ name, help }) => item(bold(name), help)),
    ".SH SEE ALSO",
    ".BR rsync (1)",
    "",
  ].join("\n");
}

function commandLines(name: CommandName): string[] {
  const { description, options, positional, examples }: CommandSpec =
    COMMANDS[name];
  const shown = Object.values(options).filter(({ refused }) =>
    refused === undefined
  );
  const argument = positional === undefined ? "" : ` ${argumentOf(positional)}`;
  return [
    `.SS ${escape(`lockstep ${name}${argument} [OPTION…]`)}`,
    ...paragraphs(description),
    ...(positional === undefined
      ? []
      : item(italic(positional.label), positional.help)),
    ...shown.flatMap(optionLines),
    ...examples.flatMap(({ line, meaning }) => [
      ".PP",
      text(`Example, ${meaning}:`),
      ".PP",
      ".RS 4",
      ".nf",
      asWritten(line),
      ".fi",
      ".RE",
    ]),
  ];
}

/** Lines that are indented are left as they are, between others that are filled. */
function paragraphs(description: string): string[] {
  let isKept = false;
  const lines = description.split("\n").flatMap((line) => {
    const keeps = line.startsWith(" ");
    const change = keeps === isKept ? [] : [keeps ? ".nf" : ".fi"];
    isKept = keeps;
    return [...change, keeps ? asWritten(line) : text(line)];
  });
  return isKept ? [...lines, ".fi"] : lines;
}

function optionLines(spec: OptionSpec): string[] {
  const spellings = [
    ...(spec.short === undefined ? [] : [`-${spec.short}`]),
    `--${spec.long}`,
  ];
  const label = spec.label === undefined ? "" : ` ${italic(spec.label)}`;
  return item(
    `${spellings.map(bold).join(", ")}${label}`,
    `${spec.help}${notesOf(spec)}`,
  );
}

/** A tagged paragraph; `tag` is roff already. */
function item(tag: string, body: string): string[] {
  return [".TP", tag, text(body)];
}

function bold(words: string): string {
  return `\\fB${escape(words)}\\fR`;
}

function italic(words: string): string {
  return `\\fI${escape(words)}\\fR`;
}

/** Text that is filled: its own lines mean nothing. */
function text(words: string): string {
  return wrap(words, MAX_SOURCE_COLUMNS).map(asWritten).join("\n");
}

/** A line of text: one that begins with a dot or a quote is no request. */
function asWritten(line: string): string {
  return escape(line).replace(/^[.']/, "\\&$&");
}

/** A dash is to be a minus, so that it can be copied to a command line. */
function escape(words: string): string {
  return words.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll("…", "\\&...").replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha").replaceAll("`", "\\(ga");
}
