/**
 * A challenge in the hello of a server, which the first frame of the client has to
 * answer: so what was recorded of an earlier session says nothing in a new one.
 */

const CHALLENGE = /^challenge=([0-9a-f]{32})$/;

/** What a hello says whose sender wants `challenge` answered; nothing: no answer. */
export function challengeCapabilities(challenge: string | undefined): string[] {
  return challenge === undefined ? [] : [`challenge=${challenge}`];
}

/** What a hello with these capabilities wants answered, if anything. */
export function challengeOf(
  capabilities: ReadonlySet<string>,
): string | undefined {
  for (const capability of capabilities) {
    const digits = CHALLENGE.exec(capability)?.[1];
    if (digits !== undefined) return digits;
  }
  return undefined;
}
