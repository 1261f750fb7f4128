/** The logs of the daemon: one of its own, one for each workspace, none too large. */
import { dirname } from "@std/path";
import { messageOf } from "../../errors.ts";
import {
  daemonLogOf,
  type DaemonPlaces,
  workspaceLogOf,
} from "../../daemon/control_address.ts";
import { LogFile } from "../log/log_file.ts";
import type { RotationRule } from "../log/log_line.ts";
import { printable } from "../output.ts";

const RULE: RotationRule = { maxSize: 1024 * 1024, keep: 3 };

/** Open logs; their owner disposes of them. */
export class DaemonLogs implements Disposable {
  readonly #places: DaemonPlaces;
  readonly #warn: (message: string) => void;
  readonly #files = new Map<string, LogFile>();
  #hasFailed = false;

  /** @param warn Hears once if a log can't be written; that stops nothing. */
  constructor(places: DaemonPlaces, warn: (message: string) => void) {
    this.#places = places;
    this.#warn = warn;
  }

  ofDaemon(line: string): void {
    this.#append(daemonLogOf(this.#places), line);
  }

  ofWorkspace(name: string, line: string): void {
    this.#append(workspaceLogOf(this.#places, name), line);
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
  }

  #append(path: string, line: string): void {
    const time = new Date().toISOString();
    try {
      this.#open(path).append(`${time} ${printable(line)}`);
    } catch (error) {
      if (!this.#hasFailed) this.#warn(messageOf(error));
      this.#hasFailed = true;
    }
  }

  #open(path: string): LogFile {
    const open = this.#files.get(path);
    if (open !== undefined) return open;
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = LogFile.open(path, {
      rule: RULE,
      now: () => performance.now(),
      onUnrotated: this.#warn,
    });
    this.#files.set(path, file);
    return file;
  }
}
