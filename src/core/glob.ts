/**
 * Globs over one name: no slash in them. Matching never goes back further than to
 * the last star, so it takes at most as many steps as there are bytes in the name,
 * times bytes in the glob (and a glob that asks for more bytes than there are
 * takes none).
 */
import type { ByteSet } from "./byte_set.ts";
import type { ByteText } from "./byte_text.ts";
import type { Token } from "./glob_tokens.ts";

/** A token that has a place in a name. */
export type NameToken = Extract<Token, number | ByteSet | "any" | "star">;

/** A compiled glob. */
export interface Glob {
  readonly tokens: readonly NameToken[];
  /** Bytes that a name has at least. */
  readonly least: number;
  /** The only name that it matches, where it has no wildcard. */
  readonly literal: ByteText | undefined;
  /** What a name has to end with, where all the rest is one star at the start. */
  readonly suffix: ByteText | undefined;
}

/** Compiles `tokens`; neighbouring stars are one. */
export function compileGlob(tokens: readonly NameToken[]): Glob {
  const kept = tokens.filter((token, i) =>
    token !== "star" || tokens[i - 1] !== "star"
  );
  return {
    tokens: kept,
    least: kept.filter((token) => token !== "star").length,
    literal: textOf(kept),
    suffix: kept[0] === "star" ? textOf(kept.slice(1)) : undefined,
  };
}

/** Whether `glob` matches the whole of `name`. */
export function matchesGlob(glob: Glob, name: ByteText): boolean {
  const { tokens, least, literal, suffix } = glob;
  if (literal !== undefined) return name === literal;
  if (suffix !== undefined) return name.endsWith(suffix);
  if (name.length < least) return false;
  let token = 0;
  let at = 0;
  // Behind the last star, and the byte that it is to take next if the rest fails.
  let resume = -1;
  let taken = 0;
  while (at < name.length) {
    const wanted = tokens[token];
    if (wanted === "star") {
      resume = ++token;
      taken = at;
    } else if (accepts(wanted, name.charCodeAt(at))) {
      token++;
      at++;
    } else if (resume >= 0) {
      token = resume;
      at = ++taken;
    } else return false;
  }
  if (tokens[token] === "star") token++;
  return token === tokens.length;
}

function accepts(
  token: Exclude<NameToken, "star"> | undefined,
  byte: number,
): boolean {
  if (typeof token === "number") return token === byte;
  if (token === undefined) return false;
  return token === "any" || token[byte] === 1;
}

function textOf(tokens: readonly NameToken[]): ByteText | undefined {
  const isText = tokens.every((token) => typeof token === "number");
  return isText ? String.fromCharCode(...tokens) : undefined;
}
