/** One name for a target, however it is spelled. */
import type { Target } from "../values.ts";
import { realPlaceOf } from "./overlap.ts";

/** The address in its canonical form, or the path without links. */
export function nameOfTarget(to: Target): string {
  return to.kind === "url" ? new URL(to.url).href : realPlaceOf(to.path);
}
