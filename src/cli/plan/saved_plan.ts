/** Reads a saved plan. */
import { TextLineStream } from "@std/streams";
import { displayPath, type RelPath } from "../../core/path.ts";
import { messageOf, UsageError } from "../../errors.ts";
import {
  parseHeader,
  parseLine,
  type PlanHeader,
  type PlannedStep,
} from "./plan_format.ts";

/** A plan, as it was saved. */
export interface SavedPlan {
  /** The file, for messages. */
  readonly name: string;
  readonly header: PlanHeader;
  /** What is to be done at each path. */
  readonly steps: ReadonlyMap<RelPath, PlannedStep>;
}

/** @throws {UsageError} `FILE:LINE: reason`, if it is not a whole and valid plan. */
export async function readPlan(path: string): Promise<SavedPlan> {
  const name = displayPath(path);
  let line = 0;
  try {
    let header: PlanHeader | undefined;
    let isEnded = false;
    const steps = new Map<RelPath, PlannedStep>();
    for await (const text of linesOf(path)) {
      line++;
      if (isEnded) throw new Error("something comes after the end of the plan");
      if (header === undefined) header = parseHeader(text);
      else isEnded = takeLine(text, steps);
    }
    if (header !== undefined && isEnded) return { name, header, steps };
    line++;
    throw new Error("the plan ends too early");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const fault = `${name}:${Math.max(line, 1)}: ${messageOf(error)}`;
    throw new UsageError(fault, { cause: error });
  }
}

/** Adds what a line says to `steps`; answers whether it was the last one. */
function takeLine(text: string, steps: Map<RelPath, PlannedStep>): boolean {
  const line = parseLine(text);
  switch (line.kind) {
    case "end":
      if (line.actions === steps.size) return true;
      throw new Error(
        `the plan has ${steps.size} of its ${line.actions} actions`,
      );
    case "action":
      if (steps.has(line.path)) {
        throw new Error(`${displayPath(line.path)} comes twice`);
      }
      steps.set(line.path, line.step);
      return false;
    default:
      return line satisfies never;
  }
}

/** @throws {UsageError} If the file can't be opened. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw new UsageError(
      `Cannot read the plan ${displayPath(path)}: ${messageOf(error)}`,
      { cause: error },
    );
  }
  yield* file.readable
    .pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))
    .pipeThrough(new TextLineStream());
}
