/**
 * The only way to the terminal. Control characters and bidirectional overrides
 * are escaped here, whatever the text is made of: no file name and no peer can
 * write anything but text.
 */

/** Where output goes. */
export interface Output {
  /** Prints a result. */
  result(line: string): void;
  /** Prints a message. */
  message(line: string): void;
  /**
   * Shows `text` as the one live line below all messages, in place of what was
   * there; "" takes it away. Without a terminal nothing happens.
   */
  live(text: string): void;
  /**
   * Prints results in the place of those that the last call has printed, if nothing
   * was printed since. Without a terminal, only where they are others.
   */
  screen(lines: readonly string[]): void;
  /** Columns of the terminal, or undefined where no live line can be shown. */
  readonly columns: number | undefined;
}

/** A stream that text is written to. */
export interface TextSink {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

const FALLBACK_COLUMNS = 80;
const encoder = new TextEncoder();

/** Controls, invisible format characters and line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** `text` on one line, with all that is no text escaped as `\u001b`. */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  return character.split("").map((unit) =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
  ).join("");
}

/** Output to the process's own stdout and stderr. */
export class ProcessOutput implements Output {
  readonly #stdout: TextSink;
  readonly #stderr: TextSink;
  readonly #canRedraw: boolean;
  /** Columns that the live line takes; 0 while there is none. */
  #shown = 0;
  /** What was printed last, where that can be replaced. */
  #screen: readonly string[] = [];

  constructor(
    stdout: TextSink = Deno.stdout,
    stderr: TextSink = Deno.stderr,
    environment: { get(name: string): string | undefined } = Deno.env,
  ) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#canRedraw = stderr.isTerminal() &&
      environment.get("TERM") !== "dumb" &&
      (environment.get("NO_COLOR") ?? "") === "";
  }

  get columns(): number | undefined {
    if (!this.#canRedraw) return undefined;
    try {
      return Deno.consoleSize().columns || FALLBACK_COLUMNS;
    } catch {
      return FALLBACK_COLUMNS;
    }
  }

  result(line: string): void {
    this.#clear();
    this.#screen = [];
    write(this.#stdout, `${printable(line)}\n`);
  }

  message(line: string): void {
    this.#clear();
    this.#screen = [];
    write(this.#stderr, `${printable(line)}\n`);
  }

  live(text: string): void {
    if (!this.#canRedraw) return;
    if (text === "") return this.#clear();
    write(this.#stderr, `\r${printable(text)}\x1b[K`);
    this.#shown = text.length;
  }

  screen(lines: readonly string[]): void {
    const before = this.#screen;
    if (this.#canRedraw && this.#stdout.isTerminal()) {
      const columns = this.columns ?? FALLBACK_COLUMNS;
      const up = before.length === 0 ? "" : `\x1b[${before.length}A`;
      const shown = lines.map((line) =>
        `${printable(line).slice(0, columns - 1)}\x1b[K\n`
      );
      write(this.#stdout, `${up}${shown.join("")}\x1b[J`);
    } else if (lines.join("\n") !== before.join("\n")) {
      for (const line of lines) this.result(line);
    }
    this.#screen = lines;
  }

  #clear(): void {
    if (this.#shown === 0) return;
    write(this.#stderr, "\r\x1b[K");
    this.#shown = 0;
  }
}

/** A reader that went away, or a full disk behind stdout, must not stop a sync. */
function write(sink: TextSink, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += sink.writeSync(bytes.subarray(at));
    }
  } catch {
    // There is nobody left to tell.
  }
}
