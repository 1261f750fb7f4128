/** The log of what a sync has done. A log that fails never stops the sync. */
import { displayPath } from "../../core/path.ts";
import { messageOf } from "../../errors.ts";
import {
  formatGap,
  formatLogLine,
  type LogEntry,
  type RotationRule,
} from "./log_line.ts";
import { LogFile } from "./log_file.ts";

/** Writes operations down; its owner disposes of it. */
export class OperationLog implements Disposable {
  readonly #file: LogFile;
  readonly #path: string;
  readonly #warn: (message: string) => void;
  #missing = 0;
  #hasFailed = false;

  private constructor(
    file: LogFile,
    path: string,
    warn: (message: string) => void,
  ) {
    this.#file = file;
    this.#path = path;
    this.#warn = warn;
  }

  /**
   * Opens the log at `path`, which is absolute and free of links.
   * @param warn Must not throw.
   * @throws {FileSystemError} If it can't be written to.
   */
  static open(
    path: string,
    rule: RotationRule,
    warn: (message: string) => void,
  ): OperationLog {
    const now = (): number => performance.now();
    const file = LogFile.open(path, { rule, now, onUnrotated: warn });
    return new OperationLog(file, path, warn);
  }

  /** Whether any operation is missing in it. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Never throws; warns of the first operation that could not be written. */
  record(entry: LogEntry): void {
    try {
      if (this.#missing > 0) {
        this.#file.append(formatGap(entry.time, this.#missing));
        this.#missing = 0;
      }
      this.#file.append(formatLogLine(entry));
    } catch (error) {
      this.#missing++;
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#warn(
        `The log ${
          displayPath(this.#path)
        } is incomplete from now on; the sync goes on: ${messageOf(error)}`,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
