/** What is asked of the fields of a JSON object that was read from a file. */
import { MAX_TIME_MS } from "../protocol/limits.ts";

// deno-lint-ignore no-explicit-any -- each field is looked at before it is used
export type Fields = Record<string, any>;

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A whole number from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

/** Milliseconds since 1970, as an entry may have them. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) &&
    Math.abs(value as number) <= MAX_TIME_MS;
}

/** A SHA-256 in lower case. */
export function isDigest(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

/** @throws {Error} With the message `fault`, unless the `condition` is met. */
export function require(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new Error(fault);
}
