/** Trees with ignore files, made up by seed, to be looked at by git and by us. */
import type { Random } from "./random.ts";

/** Few names, so that patterns meet them; some hold what patterns are made of. */
const NAMES = [
  ...["a", "b", "ab", "ba", "aab", "abc", "A", "c.a", "c.b", "c.a.b", ".a"],
  ...["a b", " a", "a ", "a  ", "#a", "!a", "!", "#", "a]", "[a]", "a-b", "^"],
  ...["a*", "*", "**", "?", "\\", "a\\", "\\a", "-", "ä", "é", "äb", "日本"],
  ...["\t", "\u0001", "\r", "a\r", "\u000b", "~", "a~", "0", "_", "Z9"],
] as const;

/** What patterns are put together from. */
const ATOMS = [
  ...["a", "a", "a", "b", "b", "c", ".", "A", " ", "#", "!", "-", "ä", "\\"],
  ...["*", "*", "*", "*", "**", "**", "***", "?", "?", "\\*", "\\a", "\\ "],
  ...["/", "/", "/", "/", "**/", "/**", "/**/", "**\\/", "\\/"],
  ...["[ab]", "[!a]", "[^a]", "[a-c]", "[]a]", "[]-a]", "[a-]", "[!]a]"],
  ...["[[:alpha:]]", "[[:space:]]", "[[:punct:]]", "[[:nope:]]", "[[:]"],
  ...["[[:upper:][:digit:]]", "[^[:alnum:]]", "[\\a-c]", "[a-\\c]", "[/a]"],
  ...[
    "[[:cntrl:]]",
    "[[:print:]]",
    "[a-b-c]",
    "[[:digit:]-c]",
    "[\u0080-\u00ff]",
    "[c-a]",
    "[-a]",
    "[a",
  ],
  ...["[[:graph:]]", "[[:blank:]]", "[[:xdigit:]]", "[[:a]", "[a[:b:]"],
] as const;

/** One tree: directories end with a slash, and come before what they hold. */
export interface World {
  readonly paths: readonly string[];
  /** Content of ignore files, by the path of their directory ("" or "a/b/"). */
  readonly ignoreFiles: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Makes up a tree with ignore files in some of its directories. */
export function makeWorld(random: Random): World {
  const paths: string[] = [];
  const ignoreFiles = new Map<string, Uint8Array<ArrayBuffer>>();
  grow("", 0);
  return { paths, ignoreFiles };

  function grow(directory: string, depth: number): void {
    if (depth === 0 || random.below(3) === 0) {
      ignoreFiles.set(directory, makeIgnoreFile(random, paths));
    }
    const names = new Set<string>();
    for (let i = random.between(2, 7); i > 0; i--) {
      names.add(random.pick(NAMES));
    }
    for (const name of names) {
      const path = directory + name;
      if (depth < 4 && random.below(5) < 3) {
        paths.push(`${path}/`);
        grow(`${path}/`, depth + 1);
      } else paths.push(path);
    }
  }
}

/** Lines as people and programs write them, and some that nobody would. */
function makeIgnoreFile(
  random: Random,
  paths: readonly string[] = [],
): Uint8Array<ArrayBuffer> {
  const lines: string[] = [];
  for (let i = random.between(1, 6); i > 0; i--) {
    lines.push(makeLine(random, paths));
  }
  const mark = random.below(12) === 0 ? "\ufeff" : "";
  const end = random.below(4) === 0 ? "" : "\n";
  const bytes = new TextEncoder().encode(mark + lines.join("\n") + end);
  // Now and then a byte that is not UTF-8.
  if (random.below(10) === 0) bytes[random.below(bytes.length)] = 0xe4;
  return bytes;
}

function makeLine(random: Random, paths: readonly string[]): string {
  const prefix = random.pick(["", "", "", "", "!", "!", "/", "!/", "#", "\\"]);
  const suffix = random.pick(
    ["", "", "", "", "/", "/", " ", "\\ ", "  ", "\\  ", "\r", "\\", "\0a"],
  );
  return prefix + makePattern(random, paths) + suffix;
}

function makePattern(random: Random, paths: readonly string[]): string {
  switch (random.below(4)) {
    case 0:
      return random.pick(NAMES);
    case 1:
      if (paths.length > 0) return mutated(random, random.pick(paths));
      break;
  }
  let pattern = "";
  for (let i = random.between(1, 6); i > 0; i--) pattern += random.pick(ATOMS);
  return pattern;
}

/** A path of the tree, in part replaced by wildcards. */
function mutated(random: Random, path: string): string {
  const names = path.split("/").slice(random.below(2)).map((name) =>
    random.pick([name, name, name, "*", "**", `${name.slice(0, 1)}*`, "?*"])
  );
  return names.join("/").replaceAll("[", "\\[");
}
