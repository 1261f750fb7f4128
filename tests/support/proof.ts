/**
 * What the tests have really done, in numbers: each notes how many cases, kills or
 * frames it went through, when it is through them and nothing was wrong. Notes go
 * to the file that LOCKSTEP_PROOF names, one line each; without it, nowhere.
 */
import type { GoalId } from "../faults/goals.ts";

/** Counts by goal and unit. */
export type Proof = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface Note {
  readonly goal: string;
  readonly unit: string;
  readonly count: number;
  /** Of several such notes the greatest counts, not the sum. */
  readonly most?: true;
}

/** `count` more of `unit` were gone through. */
export function note(goal: GoalId, unit: string, count: number): void {
  append({ goal, unit, count });
}

/** `count` of `unit` were gone through at once, or measured. */
export function noteMost(goal: GoalId, unit: string, count: number): void {
  append({ goal, unit, count, most: true });
}

/** All notes in `text`, summed up. A line that was cut off is left out. */
export function readProof(text: string): Proof {
  const proof = new Map<string, Map<string, number>>();
  for (const { goal, unit, count, most } of notesIn(text)) {
    const units = proof.get(goal) ?? new Map<string, number>();
    proof.set(goal, units);
    const before = units.get(unit) ?? 0;
    units.set(unit, most ? Math.max(before, count) : before + count);
  }
  return proof;
}

function append(line: Note): void {
  const path = Deno.env.get("LOCKSTEP_PROOF");
  if (path === undefined) return;
  // One short write to a file that is only appended to is never mixed with others.
  Deno.writeTextFileSync(path, `${JSON.stringify(line)}\n`, { append: true });
}

function* notesIn(text: string): Generator<Note> {
  for (const line of text.split("\n")) {
    try {
      if (line !== "") yield JSON.parse(line);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
}
