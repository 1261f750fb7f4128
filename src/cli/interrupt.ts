/** Ctrl-C and its relatives: the first asks for an orderly stop, the second stops. */
import { EXIT, type ExitCode } from "./exit_code.ts";

/** An orderly stop takes no longer than this. */
const STOP_WITHIN_MS = 1_900;

const EXIT_CODES: Partial<Record<Deno.Signal, ExitCode>> =
  Deno.build.os === "windows"
    ? { SIGINT: EXIT.interrupted, SIGBREAK: EXIT.terminated }
    : {
      SIGINT: EXIT.interrupted,
      SIGTERM: EXIT.terminated,
      SIGHUP: EXIT.hangup,
    };

/** A process was asked to stop. */
export class Interruption extends Error {
  override name = "Interruption";
  readonly exit: ExitCode;

  constructor(signal: Deno.Signal, exit: ExitCode) {
    super(`Stopped by ${signal}`);
    this.exit = exit;
  }
}

/** Listens for signals until it is disposed of. */
export class InterruptListener implements Disposable {
  readonly #controller = new AbortController();
  readonly #handlers = new Map<Deno.Signal, () => void>();

  constructor() {
    for (const [name, exit] of Object.entries(EXIT_CODES)) {
      const signal = name as Deno.Signal;
      const handler = (): void => this.#onSignal(signal, exit);
      this.#handlers.set(signal, handler);
      Deno.addSignalListener(signal, handler);
    }
  }

  /** Aborted by the first signal; the reason is an {@link Interruption}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What interrupted, or undefined. */
  get interruption(): Interruption | undefined {
    return this.signal.aborted ? this.signal.reason : undefined;
  }

  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) {
      Deno.removeSignalListener(signal, handler);
    }
    this.#handlers.clear();
  }

  #onSignal(signal: Deno.Signal, exit: ExitCode): void {
    if (this.signal.aborted) Deno.exit(exit);
    // Whatever hangs then: nothing half-written is visible, and what is staged is kept.
    Deno.unrefTimer(setTimeout(() => Deno.exit(exit), STOP_WITHIN_MS));
    this.#controller.abort(new Interruption(signal, exit));
  }
}
