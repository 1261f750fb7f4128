/** Time as an argument, so that tests can run on a clock of their own. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `fn` once, `ms` milliseconds from now; the answer cancels that. */
  after(ms: number, fn: () => void): () => void;
}
