/** Saves a plan while it is being told. */
import type { Action } from "../../core/plan.ts";
import { displayPath } from "../../core/path.ts";
import { messageOf, SyncError } from "../../errors.ts";
import { AtomicFile } from "../state/atomic_file.ts";
import {
  formatEnd,
  formatHeader,
  formatLine,
  type PlanHeader,
} from "./plan_format.ts";

/** So many characters are written at one go. */
const BATCH_LENGTH = 65_536;

/** Writes one plan; its owner disposes of it: without {@link finish} there is none. */
export class PlanWriter implements Disposable {
  readonly #path: string;
  readonly #file: AtomicFile;
  #batch = "";
  #actions = 0;

  /** @throws {SyncError} If there can be no file at `path`. */
  constructor(path: string) {
    this.#path = path;
    this.#file = this.#do(() => new AtomicFile(path));
  }

  begin(header: PlanHeader): void {
    this.#line(formatHeader(header));
  }

  add(action: Action): void {
    this.#actions++;
    this.#line(formatLine(action));
  }

  /** Ends the plan, which is there now, and lasts. */
  finish(): void {
    this.#line(formatEnd(this.#actions));
    this.#do(() => {
      this.#file.write(this.#batch);
      this.#file.commit();
    });
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #line(text: string): void {
    this.#batch += `${text}\n`;
    if (this.#batch.length < BATCH_LENGTH) return;
    this.#do(() => this.#file.write(this.#batch));
    this.#batch = "";
  }

  #do<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      const path = displayPath(this.#path);
      const message = `Cannot write the plan ${path}: ${messageOf(error)}`;
      throw new SyncError("failed", message, { cause: error });
    }
  }
}
