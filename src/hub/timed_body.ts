/** The body of a request, within limits of size and time. */
import type { Clock } from "../core/clock.ts";
import { HttpProblem } from "./problem.ts";

/** What a body has to keep to. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** The longest pause between two parts, in milliseconds. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/** Slower than this, in bytes a second, nobody sends who means to. */
const LEAST_RATE = 256;

/** The rate counts from then on, in milliseconds. */
const RATE_FROM_MS = 60_000;

/** The parts of `body`. @throws {HttpProblem} 408, 413 */
export async function* timedBody(
  body: ReadableStream<Uint8Array> | null,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const { clock, maxBytes } = limits;
  const began = clock.now();
  const reader = body.getReader();
  let bytes = 0;
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), limits);
      if (done) {
        isWhole = true;
        return;
      }
      bytes += value.length;
      if (bytes > maxBytes) {
        throw new HttpProblem(
          413,
          "too-large",
          `The body may have ${maxBytes} bytes`,
        );
      }
      const elapsedMs = clock.now() - began;
      if (elapsedMs > RATE_FROM_MS && bytes < LEAST_RATE * elapsedMs / 1000) {
        throw tooSlow();
      }
      yield value;
    }
  } finally {
    if (!isWhole) reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

/** The whole of a body, as text. @throws {HttpProblem} 400, 408, 413 */
export async function textOf(
  body: ReadableStream<Uint8Array> | null,
  limits: BodyLimits,
): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  try {
    for await (const part of timedBody(body, limits)) {
      text += decoder.decode(part, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(
      400,
      "bad-body",
      "The body is not whole, or no UTF-8",
    );
  }
}

async function inTime<T>(work: Promise<T>, limits: BodyLimits): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = limits.clock.after(limits.idleMs, () => reject(tooSlow()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

function tooSlow(): HttpProblem {
  return new HttpProblem(408, "too-slow", "The body came too slowly", {}, {
    connection: "close",
  });
}
