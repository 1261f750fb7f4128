/** Running the program with a wall clock that is wrong. */
import { fromFileUrl } from "@std/path";
import { PROGRAM, type ProgramOptions } from "./program.ts";

const SCRIPT = fromFileUrl(new URL("./shifted_clock.ts", import.meta.url));

/** Whether the program is an executable: the clock of one can't be shifted. */
export const EXECUTABLE = PROGRAM.length === 1;

/** Shifts the clock by SHIFT, as `shifted_clock.ts` takes it. */
export function withClock(shift: string): ProgramOptions {
  return { under: [Deno.execPath(), "run", "-A", SCRIPT, shift] };
}
