/** Completions for zsh. */
import {
  allCommandWords,
  type CommandWords,
  firstWords,
  type OptionWords,
  secondWords,
  type Values,
} from "./words.ts";

/** A file `_lockstep` for a directory of `fpath`, or to be sourced after compinit. */
export function zshScript(): string {
  const groups = [...secondWords()];
  return `#compdef lockstep
# Completions of lockstep for zsh

_lockstep() {
  local command=
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    local -a commands=(
${describe(firstWords(), 6)}
    )
    _describe command commands
    return
  fi
  case $words[2] in
${groups.map(groupCase).join("\n")}
    -*) ;;
    *)
      command=$words[2]
      shift words
      (( CURRENT-- ))
      ;;
  esac
  case $command in
${allCommandWords().map(commandCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _lockstep ]]; then
  _lockstep "$@"
else
  compdef _lockstep lockstep
fi
`;
}

function groupCase(
  [group, words]: readonly [string, readonly (readonly [string, string])[]],
): string {
  return `    ${group})
      if (( CURRENT == 3 )); then
        local -a commands=(
${describe(words, 10)}
        )
        _describe command commands
        return
      fi
      command="$words[2] $words[3]"
      shift 2 words
      (( CURRENT -= 2 ))
      ;;`;
}

function describe(
  words: readonly (readonly [string, string])[],
  indent: number,
): string {
  return words.map(([word, text]) =>
    `${" ".repeat(indent)}${quote(`${word}:${text}`)}`
  ).join("\n");
}

function commandCase({ name, options, argument }: CommandWords): string {
  const specs = [
    ...options.flatMap(optionSpecs),
    ...(argument === undefined ? [] : [`*:argument:${actionOf(argument)}`]),
  ];
  return `    '${name}')
      _arguments -s -S \\
        ${specs.map(quote).join(" \\\n        ")}
      ;;`;
}

/** One for each spelling; that it was given is no reason to hide the others. */
function optionSpecs({ spellings, help, values }: OptionWords): string[] {
  const text = help.replaceAll(/[\\[\]:]/g, "\\$&");
  return spellings.map((spelling) => {
    if (values === undefined) return `*${spelling}[${text}]`;
    const joint = spelling.startsWith("--") ? "=" : "+";
    return `*${spelling}${joint}[${text}]:value:${actionOf(values)}`;
  });
}

function actionOf(values: Values): string {
  switch (values.kind) {
    case "directories":
      return "_files -/";
    case "files":
      return "_files";
    case "words":
      return `(${values.words.join(" ")})`;
    case "unknown":
      return " ";
    default:
      return values satisfies never;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
