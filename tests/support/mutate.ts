/**
 * Guards of a source file, taken out one by one: an `if` whose consequence throws,
 * or refuses by returning a fault, never holds; one that returns the good answer
 * before a `throw` always holds; a statement that only checks is left out.
 */

/** A file without one of its guards. */
export interface Mutant {
  /** From 1. */
  readonly line: number;
  /** The guard, on one line. */
  readonly guard: string;
  /** The whole file. */
  readonly text: string;
}

/** What refuses when it is returned. */
const REFUSING = /^return (?:undefined|false|["'`(])|^return;|^continue\b/;
const CHECK =
  /^ *(?:await )?(?:[\w.#!]+\.)?(?:check|refuse|require|end|throwIf)\w*\(/gm;

/** All mutants of the file `text`, from top to bottom. */
export function mutantsOf(text: string): Mutant[] {
  return [...withoutIfs(text), ...withoutChecks(text)]
    .sort((a, b) => a.line - b.line);
}

function* withoutIfs(text: string): Generator<Mutant> {
  for (const { index } of text.matchAll(/\bif \(/g)) {
    const open = index + 3;
    const close = closingOf(text, open);
    if (close === undefined || isComment(text, index)) continue;
    const consequence = statementAt(text, close + 1);
    const condition = text.slice(open + 1, close);
    const inner = consequence.replace(/^\{\s*/, "");
    const behind = text.slice(close + 1).trimStart().slice(consequence.length);
    const opposite = /^return\b/.test(inner) && /^\s*throw\b/.test(behind)
      ? "true || "
      : /\bthrow\b/.test(inner) || REFUSING.test(inner) ||
          /^[\w.#]*(?:fail|refuse|fault)\w*(?:\(| \?\?= | = )/i.test(inner)
      ? "false && "
      : undefined;
    if (opposite === undefined) continue;
    const changed = `(${opposite}(${condition}))`;
    yield mutant(text, index, open, close + 1, changed);
  }
}

function* withoutChecks(text: string): Generator<Mutant> {
  for (const match of text.matchAll(CHECK)) {
    const open = match.index + match[0].length - 1;
    const close = closingOf(text, open);
    // A call whose answer is used, or a method, is no statement.
    if (close === undefined || text[close + 1] !== ";") continue;
    yield mutant(text, match.index, match.index, close + 2, "");
  }
}

function mutant(
  text: string,
  at: number,
  from: number,
  to: number,
  by: string,
): Mutant {
  return {
    line: text.slice(0, at).split("\n").length +
      (/^\s*\n/.exec(text.slice(at)) ? 1 : 0),
    guard: text.slice(at, to).replaceAll(/\s+/g, " ").trim(),
    text: text.slice(0, from) + by + text.slice(to),
  };
}

/** Where the bracket that is open at `open` is closed; strings are passed over. */
function closingOf(text: string, open: number): number | undefined {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const character = text[i]!;
    if ("\"'`".includes(character)) {
      const end = text.indexOf(character, i + 1);
      if (end < 0) return undefined;
      i = end;
    } else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character) && --depth === 0) return i;
  }
  return undefined;
}

/** The statement or block that begins behind `at`. */
function statementAt(text: string, at: number): string {
  const rest = text.slice(at).trimStart();
  if (rest.startsWith("{")) {
    const close = closingOf(rest, 0);
    return close === undefined ? "" : rest.slice(0, close + 1);
  }
  const end = rest.indexOf(";");
  return rest.slice(0, end + 1);
}

function isComment(text: string, at: number): boolean {
  const begin = text.lastIndexOf("\n", at) + 1;
  return /^\s*(?:\/\/|\*|\/\*)/.test(text.slice(begin, at));
}
