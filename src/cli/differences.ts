/** What `verify` finds, in words and numbers. */
import type { Action } from "../core/plan.ts";

/** How often each kind of difference was found. */
export interface Differences {
  /** Paths that the target lacks. */
  readonly missing: number;
  /** Paths at which both sides have something, but not the same. */
  readonly differs: number;
  /** Paths that only the target has. */
  readonly extra: number;
}

/** What it says of the two sides that `action` would make them equal. */
export function differenceOf({ action }: Action): keyof Differences {
  switch (action) {
    case "create":
      return "missing";
    case "delete":
      return "extra";
    case "replace":
    case "touch":
      return "differs";
    default:
      return action satisfies never;
  }
}
