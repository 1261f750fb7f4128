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
  /** The line so far, its last word without what is asked for. */
  readonly line: string;
}

/** `$1` is the script, `$2` and on are the words as bash cuts them. */
const BASH = `
  source "$1"; shift
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
  registered=$(complete -p lockstep)
  registered=\${registered#complete -F }
  \${registered% lockstep}
  printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** `$1` is the script, `$2` the line. */
const FISH = 'source $argv[1]; complete -C "$argv[2]"';

/**
 * A zsh on a terminal of its own, in which a key lists what would be offered:
 * all that is added goes through a compadd that remembers it. `$1` is the script,
 * `$2` the line, `$3` a directory for its own files.
 */
const ZSH = `
  zmodload zsh/zpty
  cat > $3/inner <<'INNER'
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
  zpty -w shell "SCRIPT=\${(q)1} PLACE=\${(q)3}; source \${(q)3}/inner; print RE''ADY"
  while zpty -r shell said; do [[ $said == *READY* ]] && break; done
  zpty -w -n shell $2$'\\C-t'
  while [[ ! -e $3/offered ]]; do zpty -r -t shell said; command sleep 0.02; done
  zpty -d shell
  cat $3/offered
`;

/** What `shell` offers, without descriptions, in no order. */
export async function offered(
  shell: AskedShell,
  question: Question,
): Promise<string[]> {
  const words = question.line.split(/ |(?==)|(?<==)/);
  const place = await Deno.makeTempDir();
  const lines: Record<AskedShell, string[]> = {
    bash: ["-c", BASH, "bash", question.script, ...words],
    zsh: ["-f", "-c", ZSH, "zsh", question.script, question.line, place],
    fish: ["--no-config", "-c", FISH, question.script, question.line],
  };
  try {
    const { code, stdout, stderr } = await command(shell, lines[shell], {
      cwd: question.directory,
    });
    if (code !== 0) throw new Error(`${shell}: exit ${code}: ${stderr}`);
    const found = stdout.split("\n").map((line) =>
      line.split("\t")[0]!.replace(/^--[\w-]+=/, "").replace(/\/$/, "")
    );
    return [...new Set(found.filter((word) => word !== ""))].sort();
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}
