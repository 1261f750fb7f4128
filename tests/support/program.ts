/**
 * The program under test, as a process: `deno run -A main.ts`, or the executable
 * that LOCKSTEP_BIN names.
 */
import { fromFileUrl } from "@std/path";
import { TextLineStream } from "@std/streams";
import { StateHome } from "./temp.ts";
import { until } from "./until.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const BINARY = Deno.env.get("LOCKSTEP_BIN");

/** The words that start the program. */
export const PROGRAM: readonly string[] = BINARY === undefined
  ? [Deno.execPath(), "run", "-A", MAIN]
  : [BINARY];

/** One line of `--json` output. */
export interface JsonEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly JsonEvent[];
}

/** How {@link Program} is started. */
export interface ProgramOptions {
  /** An executable that is started in place of {@link PROGRAM}. */
  readonly executable?: string;
  /** Words before the program: a tool that runs it. */
  readonly under?: readonly string[];
  /** Without XDG_STATE_HOME in it, what the process remembers goes with it. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Mask of permission bits that the process does not give to new files. */
  readonly umask?: number;
}

/** A running program; its owner disposes of it, which kills it. */
export class Program implements AsyncDisposable {
  /** The lines of its standard output that are JSON objects, so far. */
  readonly events: JsonEvent[] = [];
  /** Resolves when the process is gone and all its output was read. */
  readonly ended: Promise<Ended>;
  readonly #child: Deno.ChildProcess;
  readonly #state = new StateHome();
  readonly #lines: string[] = [];
  readonly #errors: string[] = [];
  #gone = false;

  constructor(args: readonly string[], options: ProgramOptions = {}) {
    const { under = [], umask, executable } = options;
    const program = executable === undefined ? PROGRAM : [executable];
    const masked = umask === undefined ? [] : underMask(umask);
    const [name, ...words] = [...under, ...masked, ...program, ...args];
    this.#child = new Deno.Command(name!, {
      args: words,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { XDG_STATE_HOME: this.#state.path, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
    this.ended = this.#collect();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it has written so far. */
  get stdout(): string {
    return this.#lines.join("\n");
  }

  get stderr(): string {
    return this.#errors.join("\n");
  }

  /** Waits for the first event of this name that has these fields. */
  async event(
    name: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<JsonEvent> {
    return await until(`the event ${name} of ${this.#said()}`, () => {
      const found = this.events.find((event) =>
        event.event === name &&
        Object.entries(fields).every(([key, value]) => event[key] === value)
      );
      if (found === undefined && this.#gone) {
        throw new Error(`It ended without the event ${name}: ${this.#said()}`);
      }
      return found;
    });
  }

  /** Sends a signal; a process that is gone takes none. */
  kill(signal: Deno.Signal): void {
    if (!this.#gone) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // It ended this moment.
    }
    await this.ended;
    await this.#state[Symbol.asyncDispose]();
  }

  async #collect(): Promise<Ended> {
    const [, , status] = await Promise.all([
      eachLine(this.#child.stdout, (line) => this.#take(line)),
      eachLine(this.#child.stderr, (line) => this.#errors.push(line)),
      this.#child.status,
    ]);
    this.#gone = true;
    return {
      code: status.code,
      signal: status.signal,
      stdout: this.stdout,
      stderr: this.stderr,
      events: this.events,
    };
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (!line.startsWith("{")) return;
    try {
      this.events.push(JSON.parse(line));
    } catch {
      // Not an event; tests of the output look at the lines themselves.
    }
  }

  #said(): string {
    return `process ${this.pid}, which said: ${this.#lines.slice(-5)} ${
      this.#errors.slice(-5)
    }`;
  }
}

/** A receiver that is ready. */
export interface Receiver extends Program {
  readonly port: number;
  readonly url: string;
}

/** Runs the program to its end. */
export async function run(
  args: readonly string[],
  options?: ProgramOptions,
): Promise<Ended> {
  await using program = new Program(args, options);
  return await program.ended;
}

/** Starts `listen` and waits until it listens, on a free port. */
export async function listen(
  directory: string,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Promise<Receiver> {
  const port = args.includes("--port") ? [] : ["--port", "0"];
  const program = new Program(
    ["listen", ...port, "--output-dir", directory, "--json", ...args],
    options,
  );
  try {
    const event = await program.event("listening");
    return Object.assign(program, {
      port: event.port as number,
      url: `ws://127.0.0.1:${event.port}`,
    });
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts `sync --json`. */
export function startSync(
  source: string,
  target: string,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Program {
  return new Program(
    ["sync", "--from", source, "--to", target, "--json", ...args],
    options,
  );
}

/** Runs `sync --json` to its end. */
export async function sync(
  source: string,
  target: string,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Promise<Ended> {
  await using program = startSync(source, target, args, options);
  return await program.ended;
}

/** Words before a program: the mask of this process is that of other tests, too. */
function underMask(mask: number): string[] {
  return ["sh", "-c", `umask ${mask.toString(8)} && exec "$@"`, "sh"];
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (line: string) => void,
): Promise<void> {
  const lines = stream
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) take(line);
}
