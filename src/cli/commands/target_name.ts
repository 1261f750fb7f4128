/** One name for a target, however it is spelled. */
import type { Target } from "../values.ts";
import { realPlaceOf } from "./overlap.ts";

/** What the command line says of it. */
export function textOfTarget(to: Target): string {
  return to.kind === "url" ? to.url : to.path;
}

/** The address in its canonical form, or the path without links. */
export function nameOfTarget(to: Target): string {
  return to.kind === "url" ? new URL(to.url).href : realPlaceOf(to.path);
}
