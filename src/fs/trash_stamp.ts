/**
 * Stamps: the names of the folders in a trash. A stamp is the time at which the
 * folder was begun, in a form that every file system takes for a name, and a
 * number from 2 on where that is taken: `2026-11-21T00-51-07.123Z`, `…123Z-2`.
 */
import type { Name } from "../core/path.ts";

declare const checked: unique symbol;

/** The name of a folder, made by {@link stampOf} or {@link parseStamp}. */
export type Stamp = Name & { readonly [checked]: "Stamp" };

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z)(?:-([1-9]\d{0,8}))?$/;

/** The stamp of a folder begun at `time`, the `number`th of its kind, from 1. */
export function stampOf(time: Date, number: number): Stamp {
  const text = time.toISOString().replaceAll(":", "-");
  return (number === 1 ? text : `${text}-${number}`) as Stamp;
}

/** `text` as a stamp, or undefined if it is none. */
export function parseStamp(text: string): Stamp | undefined {
  return STAMP.test(text) ? text as Stamp : undefined;
}

/** Order of stamps: the newest first. */
export function compareStamps(a: Stamp, b: Stamp): number {
  const [, timeOfA = "", numberOfA = "1"] = STAMP.exec(a) ?? [];
  const [, timeOfB = "", numberOfB = "1"] = STAMP.exec(b) ?? [];
  if (timeOfA !== timeOfB) return timeOfA < timeOfB ? 1 : -1;
  return Number(numberOfB) - Number(numberOfA);
}
