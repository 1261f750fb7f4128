/**
 * How much one list or tree may make this side remember. What a record takes in
 * memory has little to do with its bytes on the wire: an entry of 15 bytes takes
 * hundreds here, and a path of 64 Ki characters that shares all but the last one
 * with the path before it comes in five bytes.
 */
import type { Entry } from "../core/entry.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_RECORDED_TEXT, MAX_RECORDS } from "./limits.ts";

/** What is left of it, while the records of one list or tree come in. */
export class Quota {
  readonly #what: string;
  #records: number;
  #text: number;

  /**
   * @param what The records, for messages: "changes", "problems" …
   * @param text UTF-16 units in all records together.
   */
  constructor(what: string, records = MAX_RECORDS, text = MAX_RECORDED_TEXT) {
    this.#what = what;
    this.#records = records;
    this.#text = text;
  }

  /**
   * One more record, with `text` UTF-16 units in its paths, names and so on.
   * @throws {ProtocolError} If it is one too many, or the text is too much.
   */
  take(text: number): void {
    if (this.#records === 0) {
      throw new ProtocolError(`There are too many ${this.#what}`);
    }
    if (text > this.#text) {
      throw new ProtocolError(`There is too much text in the ${this.#what}`);
    }
    this.#records--;
    this.#text -= text;
  }

  /** One more entry, called `name`. @throws {ProtocolError} As {@link take}. */
  takeEntry(name: string, entry: Entry): void {
    const text = entry.kind === "symlink"
      ? entry.target
      : entry.kind === "problem"
      ? entry.message
      : "";
    this.take(name.length + text.length);
  }
}
