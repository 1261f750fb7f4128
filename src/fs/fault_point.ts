/**
 * Places where a fault can be had on request, to prove that the program survives
 * it: every call to the file system of this machine passes one. The environment
 * variable `LOCKSTEP_FAULT` orders one fault, as `CALLS:N:WHAT`:
 *
 * - `CALLS`: `change` (calls that write), `read` (calls that read a file), or
 *   `list` (listings);
 * - `N`: which of them, from 1;
 * - `WHAT`: `kill`, or the code of an error as the system gives it (`ENOSPC`).
 *
 * Without the variable a fault point costs one comparison.
 */

/** The calls that are counted together. */
export type FaultKind = "change" | "read" | "list";

interface Fault {
  readonly kind: FaultKind;
  /** How many more calls go well. */
  left: number;
  readonly what: string;
}

const fault = orderedFault();

/** Counts one call, and fails it if its turn has come; to be called just before it. */
export function faultPoint(kind: FaultKind): void {
  if (fault === undefined || fault.kind !== kind || --fault.left !== 0) return;
  if (fault.what === "kill") Deno.kill(Deno.pid, "SIGKILL");
  throw Object.assign(new Error(`Ordered fault: ${fault.what}`), {
    code: fault.what,
  });
}

function orderedFault(): Fault | undefined {
  const [kind, number, what] = order()?.split(":") ?? [];
  if (kind !== "change" && kind !== "read" && kind !== "list") return undefined;
  return { kind, left: Number(number), what: what ?? "kill" };
}

function order(): string | undefined {
  try {
    return Deno.env.get("LOCKSTEP_FAULT");
  } catch {
    // Whoever has no permission to read the environment orders no faults.
    return undefined;
  }
}
