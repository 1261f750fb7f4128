/** How a conversation ended, told to the other side. */
export interface Outcome {
  /** In a word. */
  readonly kind:
    | "done"
    | "partial"
    | "halted"
    | "interrupted"
    | "failed"
    /** The asking side only looked at what it would do. */
    | "planned";
  /** For people. */
  readonly message: string;
}
