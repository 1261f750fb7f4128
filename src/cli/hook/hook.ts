/**
 * `--on-change CMD`: a command that hears of changes after they were made. It runs
 * one at a time; what changes meanwhile is told to the next one, as one set.
 */
import type { Clock } from "../../core/clock.ts";
import type { Operation } from "../../core/operation.ts";
import { type ChangeSet, Manifest } from "./manifest.ts";
import { runHook } from "./run_hook.ts";

/** When this program is told to stop, a hook that runs has so long to end by itself. */
const GRACE_MS = 500;

/** How a {@link ChangeHook} works. */
export interface HookOptions {
  readonly command: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Hears each line that it prints; must not throw. */
  readonly onOutput: (line: string) => void;
  /** Hears what goes wrong with it; must not throw. */
  readonly onFault: (message: string) => void;
}

/** Its owner closes it. */
export class ChangeHook {
  readonly #options: HookOptions;
  readonly #stop = new AbortController();
  /** What the next run is told. */
  #next: Manifest | undefined;
  #running: Promise<void> | undefined;
  #isHurried = false;

  constructor(options: HookOptions) {
    this.#options = options;
  }

  /** Tells of one set; returns at once. */
  changed(set: ChangeSet, operations: Iterable<Operation>): void {
    this.#next ??= new Manifest();
    this.#next.add(set, operations);
    this.#start();
  }

  /**
   * Resolves when all is told, and the last run is over. Once `signal` is aborted,
   * nothing new is begun, and a run that does not end soon is stopped.
   */
  async close(signal: AbortSignal): Promise<void> {
    let cancel = (): void => {};
    const hurry = (): void => {
      this.#isHurried = true;
      const { clock } = this.#options;
      cancel = clock.after(GRACE_MS, () => this.#stop.abort());
    };
    if (signal.aborted) hurry();
    else signal.addEventListener("abort", hurry);
    try {
      while (this.#running !== undefined) await this.#running;
    } finally {
      signal.removeEventListener("abort", hurry);
      cancel();
    }
    if (this.#next === undefined) return;
    this.#options.onFault("The last changes were not told to the hook");
  }

  #start(): void {
    const manifest = this.#next;
    if (manifest === undefined || this.#running || this.#isHurried) return;
    this.#next = undefined;
    this.#running = this.#run(manifest).finally(() => {
      this.#running = undefined;
      this.#start();
    });
  }

  async #run(manifest: Manifest): Promise<void> {
    const { command, timeoutMs, clock, onOutput, onFault } = this.#options;
    const fault = await runHook({
      command,
      input: manifest.parts(),
      env: { LOCKSTEP_ROOT: manifest.root },
      timeoutMs,
      clock,
      signal: this.#stop.signal,
      onOutput,
    });
    if (fault !== undefined) onFault(`The hook failed: ${fault}`);
  }
}
