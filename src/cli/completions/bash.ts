/** Completions for bash, from version 3.2 on, as macOS has it. */
import {
  allCommandWords,
  type CommandWords,
  firstWords,
  secondWords,
  type Values,
} from "./words.ts";

/**
 * bash cuts words at "=", so `--from=x` comes as three; a value is asked for by
 * the word before it, and "=" looked over.
 */
export function bashScript(): string {
  const commands = allCommandWords();
  const groups = [...secondWords()];
  return `# Completions of lockstep for bash
_lockstep() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]} option=''
  local before=\${COMP_WORDS[COMP_CWORD - 1]} first='' second='' command=''
  COMPREPLY=()
  if [[ $current == '=' ]]; then
    current=''
    option=$before
  elif [[ $before == '=' ]]; then
    option=\${COMP_WORDS[COMP_CWORD - 2]}
  else
    option=$before
  fi

  # Which command it is, of the words before this one.
  ((COMP_CWORD > 1)) && first=\${COMP_WORDS[1]}
  ((COMP_CWORD > 2)) && second=\${COMP_WORDS[2]}
  case $first in
    ${groups.map(([group]) => group).join("|")})
      if ((COMP_CWORD == 2)); then
        case $first in
${
    groups.map(([group, words]) =>
      `          ${group}) _lockstep_words ${listed(words.map(([w]) => w))} ;;`
    ).join("\n")
  }
        esac
        return
      fi
      command="$first $second"
      ;;
    -*) ;;
    *) command=$first ;;
  esac
  if ((COMP_CWORD == 1)) && [[ $current != -* ]]; then
    _lockstep_words ${listed(firstWords().map(([word]) => word))}
    return
  fi

  case "$command $option" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case $command in
${commands.map(commandCase).join("\n")}
  esac
}

_lockstep_words() {
  COMPREPLY=($(compgen -W "$*" -- "$current"))
}

_lockstep_files() {
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$current"))
}

_lockstep_directories() {
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -d -- "$current"))
}

complete -F _lockstep lockstep
`;
}

/** What follows an option that takes a value. */
function valueCases({ name, options }: CommandWords): string[] {
  return options.flatMap(({ spellings, values }) => {
    if (values === undefined) return [];
    const patterns = spellings.map((option) => `'${name} ${option}'`);
    return [`    ${patterns.join("|")}) ${call(values)}return ;;`];
  });
}

/** What else a command takes. */
function commandCase({ name, options, argument }: CommandWords): string {
  const words = options.flatMap(({ spellings }) => spellings);
  const otherwise = call(argument ?? { kind: "unknown" });
  return `    '${name}')
      if [[ $current == -* ]]; then
        _lockstep_words ${listed(words)}
      else
        ${otherwise}return
      fi
      ;;`;
}

function call(values: Values): string {
  switch (values.kind) {
    case "directories":
      return "_lockstep_directories; ";
    case "files":
      return "_lockstep_files; ";
    case "words":
      return `_lockstep_words ${listed(values.words)}; `;
    case "unknown":
      return "";
    default:
      return values satisfies never;
  }
}

/** Words of letters and dashes need no quotes. */
function listed(words: readonly string[]): string {
  return words.join(" ");
}
