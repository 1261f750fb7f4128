/**
 * Patterns that have a slash: one glob for each name on the way from the
 * directory of the rule to the entry, and `LEVELS` for any number of names.
 */
import type { ByteText } from "./byte_text.ts";
import { compileGlob, type Glob, type NameToken } from "./glob.ts";
import { type Token, tokenize } from "./glob_tokens.ts";

/** Any number of names, also none. */
export const LEVELS = "levels";

/** What one name, or any number of them, has to be. */
export type PathPart = Glob | typeof LEVELS;

/** What a path has to be, name by name. */
export type PathGlob = readonly PathPart[];

/**
 * Compiles `pattern`, which has lost the slash that it may begin with. An entry
 * matches if one of the answer does: mostly it is one, and none if the pattern is
 * invalid.
 */
export function compilePath(pattern: ByteText): PathGlob[] {
  const tokens = tokenize(pattern, "path");
  return tokens === undefined ? [] : assemble(tokens, [], []);
}

/** Goes on with `tokens` after the whole `parts`, and the start of a `name`. */
function assemble(
  tokens: readonly Token[],
  parts: PathPart[],
  name: NameToken[],
): PathGlob[] {
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    switch (token) {
      case "slash":
        parts.push(compileGlob(name));
        name = [];
        break;
      case "levels": {
        if (name.length === 0) {
          // Several of them in a row are one.
          if (parts.at(-1) !== LEVELS) parts.push(LEVELS);
          break;
        }
        // It begins within a name: it is nothing, or what the name ends with.
        const rest = tokens.slice(at + 1);
        const ended: PathPart[] = [
          ...parts,
          compileGlob([...name, "star"]),
          LEVELS,
        ];
        return [...assemble(rest, ended, []), ...assemble(rest, parts, name)];
      }
      case "rest":
        parts.push(compileGlob([...name, "star"]), LEVELS);
        if (at === tokens.length - 1) return [parts];
        // The slash that follows ends the last of these names.
        name = [];
        at++;
        break;
      default:
        name.push(token);
    }
  }
  // Behind a slash, this is a name without bytes: there is none.
  return [[...parts, compileGlob(name)]];
}
