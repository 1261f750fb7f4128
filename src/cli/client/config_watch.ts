/** Notices that the configuration of a running client was changed: it counts at the next start. */
import type { Clock } from "../../core/clock.ts";
import { displayPath } from "../../core/path.ts";
import { messageOf } from "../../errors.ts";
import type { ClientConfig } from "../config/client_config.ts";
import { readConfigFile } from "../config/config_file.ts";

const INTERVAL_MS = 1_000;

/** Looks at the file now and then. Its owner disposes of it. */
export class ConfigWatch implements Disposable {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #warn: (message: string) => void;
  /** What the file said when it was looked at last, and when it was warned of. */
  #last: string;
  #known: string;
  #cancel: () => void = () => {};

  /**
   * @param config What holds.
   * @param warn Hears once of each other state of the file that lasts.
   */
  constructor(
    file: string,
    config: ClientConfig,
    clock: Clock,
    warn: (message: string) => void,
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#warn = warn;
    this.#last = this.#known = JSON.stringify(config);
    this.#plan();
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #plan(): void {
    this.#cancel = this.#clock.after(INTERVAL_MS, () => {
      this.#look();
      this.#plan();
    });
  }

  #look(): void {
    const now = this.#stateNow();
    // Whoever is saving it is not through yet.
    const isResting = now.text === this.#last;
    this.#last = now.text;
    if (!isResting || now.text === this.#known) return;
    this.#known = now.text;
    this.#warn(
      `${now.message}; until the next start what it said before counts`,
    );
  }

  #stateNow(): { readonly text: string; readonly message: string } {
    try {
      return {
        text: JSON.stringify(readConfigFile(this.#file)),
        message: `${displayPath(this.#file)} was changed`,
      };
    } catch (error) {
      const message = messageOf(error);
      return { text: message, message };
    }
  }
}
