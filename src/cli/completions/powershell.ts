/** Completions for PowerShell. */
import {
  allCommandWords,
  type CommandWords,
  firstWords,
  secondWords,
} from "./words.ts";

/**
 * To be dot-sourced from the profile. Where the block answers nothing, PowerShell
 * offers files by itself.
 */
export function powershellScript(): string {
  const firsts = [
    ...firstWords(),
    ["help", "Print the help of a command"] as const,
  ];
  const groups = [...secondWords()];
  return `# Completions of lockstep for PowerShell
Register-ArgumentCompleter -Native -CommandName lockstep -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)

  $firsts = [ordered]@{
${pairs(firsts, 4)}
  }
  $seconds = @{
${
    groups.map(([group, words]) =>
      `    ${quote(group)} = [ordered]@{\n${pairs(words, 6)}\n    }`
    ).join("\n")
  }
  }
  $options = @{
${
    allCommandWords().map((command) =>
      `    ${quote(command.name)} = [ordered]@{\n${
        pairs(optionPairs(command), 6)
      }\n    }`
    ).join("\n")
  }
  }
  $values = @{
${
    allCommandWords().flatMap(valueLines).map((line) => `    ${line}`).join(
      "\n",
    )
  }
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

  $found = @{}
  if ($values.ContainsKey("$command $last")) {
    $found = $values["$command $last"]
  } elseif ($words.Count -eq 0 -and -not $wordToComplete.StartsWith('-')) {
    $found = $firsts
  } elseif ($seconds.ContainsKey($command)) {
    $found = $seconds[$command]
  } elseif ($wordToComplete.StartsWith('-') -and $options.ContainsKey($command)) {
    $found = $options[$command]
  }
  $found.Keys | Where-Object { $_.StartsWith($wordToComplete) } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $found[$_])
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
function valueLines({ name, options, argument }: CommandWords): string[] {
  const taken = options.flatMap(({ spellings, values }) =>
    spellings.map((spelling) => [`${name} ${spelling}`, values] as const)
  );
  return [...taken, [`${name} `, argument] as const].flatMap(
    ([words, values]) =>
      values?.kind === "words"
        ? [
          `${quote(words)} = [ordered]@{ ${
            values.words.map((word) => `${quote(word)} = ${quote(word)}`)
              .join("; ")
          } }`,
        ]
        : [],
  );
}

function pairs(
  words: readonly (readonly [string, string])[],
  indent: number,
): string {
  return words.map(([word, text]) =>
    `${" ".repeat(indent)}${quote(word)} = ${quote(text)}`
  ).join("\n");
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\u2018\u2019]/g, "$&$&")}'`;
}
