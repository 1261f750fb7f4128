/** The records of completed rounds, as files in the state directory. */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { messageOf } from "../../errors.ts";
import type { RoundRecord, RoundRecords } from "../../session/round_record.ts";
import { AtomicFile } from "./atomic_file.ts";
import { formatRecord, type Pair, parseRecord } from "./record_codec.ts";
import { unusable } from "./state_directory.ts";

/**
 * The record of one source and target. A source that is reached through links is
 * known by the path it goes by as well: if that leads elsewhere one day, this is
 * how it shows.
 */
export class RoundFiles implements RoundRecords {
  readonly #directory: string;
  readonly #pairs: readonly Pair[];
  readonly #warn: (message: string) => void;

  /**
   * @param sources Names of the source, the most telling first.
   * @param warn Hears what is wrong with a record, and what that means.
   */
  constructor(
    directory: string,
    sources: readonly string[],
    target: string,
    warn: (message: string) => void,
  ) {
    this.#directory = directory;
    this.#pairs = [...new Set(sources)].map((source) => ({ source, target }));
    this.#warn = warn;
  }

  /** @throws {SyncError} If a record is there and can't be read. */
  read(): Promise<RoundRecord | undefined> {
    try {
      for (const pair of this.#pairs) {
        const record = this.#readFile(pair);
        if (record !== undefined) return Promise.resolve(record);
      }
      return Promise.resolve(undefined);
    } catch (error) {
      return Promise.reject(unusable(this.#directory, error));
    }
  }

  /** What can't be written is told, and stops nothing: the round is done. */
  write(record: RoundRecord): Promise<void> {
    for (const pair of this.#pairs) {
      const path = this.#pathOf(pair);
      try {
        using file = new AtomicFile(path);
        file.write(formatRecord(pair, record));
        file.commit();
      } catch (error) {
        this.#warn(
          `Cannot remember this run in ${displayPath(path)}, so the next one ` +
            `is not guarded by it: ${messageOf(error)}`,
        );
      }
    }
    return Promise.resolve();
  }

  #readFile(pair: Pair): RoundRecord | undefined {
    const path = this.#pathOf(pair);
    let text: string;
    try {
      text = Deno.readTextFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    try {
      return parseRecord(text, pair);
    } catch (error) {
      this.#warn(
        `The record of the last run, ${displayPath(path)}, is damaged (${
          messageOf(error)
        }): it guards this run against nothing, as if it were a first one`,
      );
      return undefined;
    }
  }

  #pathOf(pair: Pair): string {
    return pathForPair(this.#directory, pair, "json");
  }
}

/** The path of the file of this kind that is about `pair`. */
export function pathForPair(
  directory: string,
  { source, target }: Pair,
  kind: string,
): string {
  const hash = createHash("sha256").update(`${source}\0${target}`);
  return join(directory, `${hash.digest("hex").slice(0, 32)}.${kind}`);
}
