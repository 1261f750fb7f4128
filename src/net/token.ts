/**
 * The token that a sender shows when it connects, as the `Authorization` header
 * of the upgrade request: `Bearer TOKEN`.
 */
import { createHash } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

/** A token has at most this many characters. */
export const MAX_TOKEN_CHARACTERS = 1024;

/** What a token is, in words. */
export const TOKEN_RULE =
  `1 to ${MAX_TOKEN_CHARACTERS} printable ASCII characters, no blanks`;

/** Whether `text` can be a token, see {@link TOKEN_RULE}. */
export function isToken(text: string): boolean {
  return text.length <= MAX_TOKEN_CHARACTERS && /^[\x21-\x7e]+$/.test(text);
}

/** The value of the `Authorization` header that shows `token`. */
export function bearer(token: string): string {
  return `Bearer ${token}`;
}

/** What a request showed. */
export type TokenVerdict = "right" | "missing" | "wrong";

/** Knows the digest of the right token, and not the token itself. */
export class TokenCheck {
  readonly #digest: Uint8Array;

  /** @throws {TypeError} If `token` is none. */
  constructor(token: string) {
    if (!isToken(token)) throw new TypeError(`A token has ${TOKEN_RULE}`);
    this.#digest = digestOf(token);
  }

  /**
   * Judges the value of an `Authorization` header, null where there is none.
   * Digests of one length are compared, in a time that does not depend on how
   * many bytes agree.
   */
  judge(header: string | null): TokenVerdict {
    if (header === null || header === "") return "missing";
    const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(header) ?? [];
    if (token === undefined || !isToken(token)) return "wrong";
    return timingSafeEqual(digestOf(token), this.#digest) ? "right" : "wrong";
  }
}

function digestOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
