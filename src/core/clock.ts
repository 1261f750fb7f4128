/** Time as an argument, so that tests can run on a clock of their own. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `fn` once, `ms` milliseconds from now; the answer cancels that. */
  after(ms: number, fn: () => void): () => void;
  /**
   * The same where it has to be exact, for a millisecond or so: a timer may come 2 ms
   * late. Where it is missing, `after` is as good.
   */
  afterMoment?(ms: number, fn: () => void): () => void;
}
