/**
 * Bracket expressions of a pattern, `[a-z]`, as the set of bytes that they match.
 * The rules are git's: `!` or `^` first negates; `]` first and `-` first or last
 * stand for themselves; `\` takes the next byte as it is; `[:class:]` names a
 * class of ASCII. An expression that does not end, or names no known class, makes
 * the whole pattern invalid.
 */
import type { ByteText } from "./byte_text.ts";

/** One byte for each byte value; 1 is in the set. */
export type ByteSet = Uint8Array;

/** POSIX classes, as regular expressions over one byte. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  // deno-lint-ignore no-control-regex -- that is what it is about
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  // As git has it: without vertical tab and form feed.
  space: /[ \t\n\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

const DASH = 0x2d;

/**
 * Reads the bracket expression whose `[` stands at `start`: its bytes, and where
 * the pattern goes on; undefined if it is invalid.
 */
export function readByteSet(
  pattern: ByteText,
  start: number,
): { readonly set: ByteSet; readonly end: number } | undefined {
  const set = new Uint8Array(256);
  let at = start + 1;
  const negated = pattern[at] === "!" || pattern[at] === "^";
  if (negated) at++;
  const first = at;
  // The byte before, where a range may begin with it.
  let previous = 0;
  for (; at === first || pattern[at] !== "]"; at++) {
    if (at >= pattern.length) return undefined;
    if (pattern.startsWith("[:", at)) {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) return undefined;
      // Without ":]" the "[" is one byte of the set, and the ":" comes next.
      if (end > at + 2 && pattern[end - 1] === ":") {
        if (!addClass(set, pattern.slice(at + 2, end - 1))) return undefined;
        previous = 0;
        at = end;
        continue;
      }
    }
    const isRange = pattern.charCodeAt(at) === DASH && previous !== 0 &&
      at + 1 < pattern.length && pattern[at + 1] !== "]";
    if (isRange) at++;
    if (pattern[at] === "\\") at++;
    if (at >= pattern.length) return undefined;
    const byte = pattern.charCodeAt(at);
    if (isRange) set.fill(1, previous, byte + 1);
    else set[byte] = 1;
    previous = isRange ? 0 : byte;
  }
  return { set: negated ? set.map((is) => 1 - is) : set, end: at + 1 };
}

function addClass(set: ByteSet, name: string): boolean {
  const bytes = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (bytes === undefined) return false;
  for (let byte = 0; byte < 128; byte++) {
    if (bytes.test(String.fromCharCode(byte))) set[byte] = 1;
  }
  return true;
}
