/** Which token a command uses: that of an option, else that of the environment. */
import { UsageError } from "../../errors.ts";
import { isLoopback } from "../../net/host.ts";
import { isToken, TOKEN_RULE } from "../../net/token.ts";
import { readTokenFile } from "./token_file.ts";

/** The variable that holds a token. */
const TOKEN_VARIABLE = "LOCKSTEP_TOKEN";

/** The options that name a token; at most one of them is given. */
export interface TokenOptions {
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
}

/** The options of a receiver. */
export interface ReceiverTokenOptions extends TokenOptions {
  readonly host: string;
  readonly noAuth: boolean;
}

/**
 * The token that senders have to show; undefined: none.
 * @throws {UsageError} If there is none and other machines could connect, unless
 *   that was asked for in so many words.
 */
export function tokenToAskFor(
  options: ReceiverTokenOptions,
): string | undefined {
  if (options.noAuth) return undefined;
  const token = tokenOf(options);
  if (token !== undefined || isLoopback(options.host)) return token;
  throw new UsageError(
    `Other machines can reach --host ${options.host}: protect it by ` +
      "--token-file FILE (or LOCKSTEP_TOKEN), or say --no-auth",
  );
}

/**
 * The token to use; undefined: none. An empty variable is refused: more likely
 * than "none", it means that whatever was to fill it has failed.
 * @throws {UsageError}
 */
export function tokenOf(
  { token, tokenFile }: TokenOptions,
  environment: { get(name: string): string | undefined } = Deno.env,
): string | undefined {
  if (token !== undefined) return token;
  if (tokenFile !== undefined) return readTokenFile(tokenFile);
  const text = environment.get(TOKEN_VARIABLE);
  if (text === undefined || isToken(text)) return text;
  throw new UsageError(
    text === ""
      ? `${TOKEN_VARIABLE} is empty: set it to a token, or unset it`
      : `${TOKEN_VARIABLE} holds no token: ${TOKEN_RULE}`,
  );
}
