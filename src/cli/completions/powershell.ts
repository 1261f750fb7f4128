/** Completions for PowerShell. */
import {
  allCommandWords,
  type CommandWords,
  firstWords,
  secondWords,
} from "./words.ts";

/**
 * To be loaded from the profile. Words stand in lists, each before its meaning: in
 * a table -v and -V would be one key. Where the block answers nothing, PowerShell
 * offers files by itself.
 */
export function powershellScript(): string {
  const commands = allCommandWords();
  return `# Completions of lockstep for PowerShell
Register-ArgumentCompleter -Native -CommandName lockstep -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)

  $firsts = ${list(firstWords())}
  $seconds = @{
${[...secondWords()].map(([group, words]) => entry(group, words)).join("\n")}
  }
  $options = @{
${commands.map((it) => entry(it.name, optionPairs(it))).join("\n")}
  }
  $values = @{
${commands.flatMap(valueEntries).join("\n")}
  }

  # The words before the one that is completed.
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { $_.Extent.Text })
  $command = ''
  $skip = 0
  if ($words.Count -gt 0 -and -not $words[0].StartsWith('-')) {
    $command = $words[0]
    $skip = 1
    if ($seconds.ContainsKey($command) -and $words.Count -gt 1) {
      $command = "$command $($words[1])"
      $skip = 2
    }
  }
  $last = if ($words.Count -gt $skip) { $words[-1] } else { '' }

  $found = @()
  if ($values.ContainsKey("$command $last")) {
    $found = $values["$command $last"]
  } elseif ($words.Count -eq 0 -and -not $wordToComplete.StartsWith('-')) {
    $found = $firsts
  } elseif ($seconds.ContainsKey($command)) {
    $found = $seconds[$command]
  } elseif ($wordToComplete.StartsWith('-') -and $options.ContainsKey($command)) {
    $found = $options[$command]
  }
  $found | ForEach-Object {
    $word, $meaning = $_ -split ' ', 2
    if ($word.StartsWith($wordToComplete, [StringComparison]::Ordinal)) {
      [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $meaning)
    }
  }
}
`;
}

function optionPairs(
  { options }: CommandWords,
): (readonly [string, string])[] {
  return options.flatMap(({ spellings, help }) =>
    spellings.map((spelling) => [spelling, help] as const)
  );
}

/** Values that are one of a few words, by the words before them. */
function valueEntries({ name, options, argument }: CommandWords): string[] {
  const taken = options.flatMap(({ spellings, values }) =>
    spellings.map((spelling) => [`${name} ${spelling}`, values] as const)
  );
  return [...taken, [`${name} `, argument] as const].flatMap(
    ([words, values]) =>
      values?.kind === "words"
        ? [entry(words, values.words.map((word) => [word, word] as const))]
        : [],
  );
}

function entry(
  key: string,
  words: readonly (readonly [string, string])[],
): string {
  return `    ${quote(key)} = ${list(words)}`;
}

function list(words: readonly (readonly [string, string])[]): string {
  const items = words.map(([word, text]) => quote(`${word} ${text}`));
  return `@(\n      ${items.join(",\n      ")}\n    )`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\u2018\u2019]/g, "$&$&")}'`;
}
