/** Asks real shells what they complete a line to. */
import { command } from "./command.ts";

/** The shells that can be asked. */
export type AskedShell = "bash" | "zsh" | "fish";

/** What to ask. */
export interface Question {
  /** The completion script, a file. */
  readonly script: string;
  /** Where the shell is. */
  readonly directory: string;
  /** Lines so far: what can the last word of each become? */
  readonly lines: readonly string[];
}

/** Ends the answer to one line. */
const END = "=";

/** `$1` is the script; of the others each is a line, cut into words by unit separators. */
const BASH = `
  source "$1"; shift
  registered=$(complete -p lockstep)
  registered=\${registered#complete -F }
  for line; do
    IFS=$'\\x1f' read -ra COMP_WORDS <<< "$line"$'\\x1f.'
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 2))
    unset "COMP_WORDS[$((COMP_CWORD + 1))]"
    \${registered% lockstep}
    printf '%s\\n' "\${COMPREPLY[@]}" ${END}
  done
`;

/** The first argument is the script, the others are the lines. */
const FISH = `
  source $argv[1]
  for line in $argv[2..-1]
    complete -C "$line"; echo ${END}
  end
`;

/**
 * A zsh on a terminal of its own, in which a key lists what would be offered:
 * all that is added goes through a compadd that remembers it. `$1` is the script,
 * `$2` a directory for its own files, the others are the lines.
 */
const ZSH = `
  zmodload zsh/zpty
  script=$1 place=$2; shift 2
  cat > $place/inner <<'INNER'
    unset zle_bracketed_paste; PROMPT=
    autoload -U compinit && compinit -u -D
    source $SCRIPT
    compadd() {
      if (( ! \${argv[(I)-[OAD]]} )); then
        local -a matching
        builtin compadd -O matching "$@"
        offered+=($matching)
      fi
      builtin compadd "$@"
    }
    list-offered() {
      offered=()
      _main_complete
      print -rl -- $offered > $PLACE/new
      command mv $PLACE/new $PLACE/offered
    }
    zle -C list-offered list-choices list-offered
    bindkey '^T' list-offered
INNER
  zpty shell 'zsh -f -i'
  zpty -w shell "SCRIPT=\${(q)script} PLACE=\${(q)place}; source \${(q)place}/inner; print RE''ADY"
  while zpty -r shell said; do [[ $said == *READY* ]] && break; done
  for line; do
    zpty -w -n shell $'\\C-u'$line$'\\C-t'
    while [[ ! -e $place/offered ]]; do zpty -r -t shell said; command sleep 0.02; done
    cat $place/offered; print -r -- ${END}
    command rm $place/offered
  done
  zpty -d shell
`;

/** What `shell` offers for each line, without descriptions, in order. */
export async function offered(
  shell: AskedShell,
  { script, directory, lines }: Question,
): Promise<string[][]> {
  const cut = lines.map((line) => line.split(/ |(?==)|(?<==)/).join("\x1f"));
  const place = await Deno.makeTempDir();
  const words: Record<AskedShell, string[]> = {
    bash: ["-c", BASH, "bash", script, ...cut],
    zsh: ["-f", "-c", ZSH, "zsh", script, place, ...lines],
    fish: ["--no-config", "-c", FISH, script, ...lines],
  };
  try {
    const { code, stdout, stderr } = await command(shell, words[shell], {
      cwd: directory,
    });
    if (code !== 0) throw new Error(`${shell}: exit ${code}: ${stderr}`);
    const answers = stdout.split(`${END}\n`).slice(0, -1);
    return answers.map((answer) => {
      const found = answer.split("\n").map((line) =>
        line.split("\t")[0]!.replace(/^--[\w-]+=/, "").replace(/\/$/, "")
      );
      return [...new Set(found.filter((word) => word !== ""))].sort();
    });
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}
