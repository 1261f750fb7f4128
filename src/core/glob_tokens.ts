/**
 * A pattern cut into what it is made of. Patterns of paths know `**` beside `*`,
 * where it fills the space between two slashes or ends:
 *
 * | token       | written | matches                                    |
 * | ----------- | ------- | ------------------------------------------ |
 * | a number    | `a` `\*`| that byte                                  |
 * | a set       | `[a-z]` | one byte of it                             |
 * | `any`       | `?`     | one byte, no slash                         |
 * | `star`      | `*`     | any bytes, no slash; also none             |
 * | `slash`     | `/` `\/`| a slash                                    |
 * | `levels`    | `**` `/`| nothing, or any bytes and a slash          |
 * | `rest`      | `**`    | any bytes, also slashes; also none         |
 */
import { type ByteSet, readByteSet } from "./byte_set.ts";
import type { ByteText } from "./byte_text.ts";

/** One step of a pattern. */
export type Token =
  | number
  | ByteSet
  | "any"
  | "star"
  | "slash"
  | "levels"
  | "rest";

const SLASH = 0x2f;

/**
 * The tokens of a pattern for a `name` or a `path`, or undefined if it is invalid,
 * and so matches nothing. git matches the bytes before the first wildcard by
 * themselves, and what is left as a pattern of its own: so `a**` with a slash
 * behind it has `levels` as if they stood first.
 */
export function tokenize(
  pattern: ByteText,
  kind: "name" | "path",
): Token[] | undefined {
  const tokens: Token[] = [];
  const firstWildcard = pattern.search(/[*?[\\]/);
  for (let at = 0; at < pattern.length;) {
    const start = at++;
    switch (pattern[start]) {
      case "?":
        tokens.push("any");
        break;
      case "[": {
        const found = readByteSet(pattern, start);
        if (found === undefined) return undefined;
        tokens.push(found.set);
        at = found.end;
        break;
      }
      case "*": {
        while (pattern[at] === "*") at++;
        const isDeep = kind === "path" && at - start > 1 &&
          (start === firstWildcard || pattern[start - 1] === "/") &&
          (at === pattern.length || pattern.startsWith("/", at) ||
            pattern.startsWith("\\/", at));
        if (!isDeep) tokens.push("star");
        else if (pattern[at] === "/") {
          tokens.push("levels");
          at++;
        } else tokens.push("rest");
        break;
      }
      case "\\":
        if (at === pattern.length) return undefined;
        tokens.push(literal(pattern.charCodeAt(at++)));
        break;
      default:
        tokens.push(literal(pattern.charCodeAt(start)));
    }
  }
  return tokens;
}

function literal(byte: number): Token {
  return byte === SLASH ? "slash" : byte;
}
