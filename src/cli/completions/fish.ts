/** Completions for fish. */
import {
  allCommandWords,
  type CommandWords,
  firstWords,
  type OptionWords,
  secondWords,
  type Values,
} from "./words.ts";

/** A file for `~/.config/fish/completions/lockstep.fish`. */
export function fishScript(): string {
  const groups = [...secondWords()];
  const lines = [
    ...firstWords().map(([word, text]) =>
      offer("__lockstep_is_first", word, text)
    ),
    ...groups.flatMap(([group, words]) =>
      words.map(([word, text]) =>
        offer(`__lockstep_is_second ${group}`, word, text)
      )
    ),
    ...allCommandWords().flatMap(commandLines),
  ];
  return `# Completions of lockstep for fish

# Whether the first word after lockstep is still to come.
function __lockstep_is_first
  test (count (commandline -opc)) -eq 1
end

# Whether the word after this first one is still to come.
function __lockstep_is_second
  set -l words (commandline -opc)
  test (count $words) -eq 2; and test "$words[2]" = "$argv[1]"
end

# Whether this is the command: none, one word or two.
function __lockstep_is
  set -l words (commandline -opc)
  set -l count (count $argv)
  if test $count -eq 0
    test (count $words) -eq 1; or string match -q -- '-*' $words[2]
    return
  end
  test (count $words) -gt $count; or return
  set -l last (math $count + 1)
  test "$words[2..$last]" = "$argv"
end

complete -c lockstep -f
${lines.join("\n")}
`;
}

function offer(condition: string, word: string, text: string): string {
  return `complete -c lockstep -n ${quote(condition)} -a ${word} -d ${
    quote(text)
  }`;
}

function commandLines({ name, options, argument }: CommandWords): string[] {
  const start = `complete -c lockstep -n ${
    quote(`__lockstep_is ${name}`.trim())
  }`;
  return [
    ...options.map((option) => `${start}${optionFlags(option)}`),
    ...(argument === undefined ? [] : [`${start}${valueFlags(argument)}`]),
  ];
}

function optionFlags({ spellings, help, values }: OptionWords): string {
  const names = spellings.map((spelling) =>
    spelling.startsWith("--")
      ? ` -l ${spelling.slice(2)}`
      : ` -s ${spelling.slice(1)}`
  );
  const value = values === undefined ? "" : ` -r${valueFlags(values)}`;
  return `${names.join("")}${value} -d ${quote(help)}`;
}

function valueFlags(values: Values): string {
  switch (values.kind) {
    case "directories":
      return " -f -a '(__fish_complete_directories)'";
    case "files":
      return " -F";
    case "words":
      return ` -f -a ${quote(values.words.join(" "))}`;
    case "unknown":
      return " -f";
    default:
      return values satisfies never;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
