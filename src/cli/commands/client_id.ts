/** Tells one run of Lockstep from all others, so that it is known when it comes back. */
export function newClientId(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}
