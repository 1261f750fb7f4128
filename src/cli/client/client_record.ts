/**
 * What a running client says of itself, for `lockstep status`: a JSON file that is
 * replaced as a whole. It decides nothing.
 */
import { AtomicFile } from "../state/atomic_file.ts";

/** How a client is doing. */
export interface ClientRecord {
  readonly pid: number;
  /** "offline": it tries to reach the hub. */
  readonly state: "connecting" | "connected" | "offline" | "halted" | "stopped";
  /** When both sides were equal last, but for `problems` and `conflicts`; ISO 8601. */
  readonly lastSync: string | undefined;
  /** Why it is offline or halted, or has failed. */
  readonly message: string | undefined;
  /** Paths that the last round left out. */
  readonly problems: number;
  /** Conflicts that the last round left as they are. */
  readonly open: number;
}

/** What is there before the first word. */
const NO_RECORD: ClientRecord = {
  pid: 0,
  state: "stopped",
  lastSync: undefined,
  message: undefined,
  problems: 0,
  open: 0,
};

/** So often at the most it is written, in milliseconds. */
const INTERVAL_MS = 500;

/** Writes the record of one client. Its owner disposes of it. */
export class ClientRecordWriter implements Disposable {
  readonly #path: string;
  #record: ClientRecord;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#record = { ...readClientRecord(path), pid: Deno.pid };
  }

  /** Changes what is said; it is written soon. */
  tell(change: Partial<ClientRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.#timer ??= setTimeout(() => this.#write(), INTERVAL_MS);
  }

  /** Writes the last word. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#write();
  }

  #write(): void {
    this.#timer = undefined;
    try {
      using file = new AtomicFile(this.#path);
      file.write(`${JSON.stringify(this.#record)}\n`);
      file.commit();
    } catch {
      // Whoever asks sees an older record; the sync itself goes on.
    }
  }
}

/** What the last client at `path` has said; what can't be read says nothing. */
export function readClientRecord(path: string): ClientRecord {
  try {
    return { ...NO_RECORD, ...JSON.parse(Deno.readTextFileSync(path)) };
  } catch {
    return NO_RECORD;
  }
}
