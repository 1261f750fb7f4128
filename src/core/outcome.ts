/** How a conversation ended, told to the other side. */
export interface Outcome {
  readonly kind: "done" | "partial" | "halted" | "interrupted" | "failed";
  /** For people. */
  readonly message: string;
}
