/**
 * A record of a completed round as a JSON file:
 *
 * | field   | value                                                     |
 * | ------- | --------------------------------------------------------- |
 * | format  | "lockstep-round"                                          |
 * | version | 1                                                         |
 * | source  | text: the path or name that the source went by            |
 * | target  | text: the path or address of the target                   |
 * | root    | {path: text, device, inode: whole numbers from 0, born:   |
 * |         | milliseconds since 1970, or null where that is not known} |
 * | entries | whole number from 0                                       |
 * | digest  | 64 hexadecimal digits, lower case                         |
 */
import type { RoundRecord } from "../../session/round_record.ts";
import {
  isCount,
  isDigest,
  isObject,
  isTime,
  require,
} from "../json_checks.ts";

/** Which two places a record is about. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

const FORMAT = "lockstep-round";
const VERSION = 1;

export function formatRecord(pair: Pair, record: RoundRecord): string {
  const { source, target } = pair;
  const { root, entries, digest } = record;
  const { path, device, inode, born = null } = root;
  const fields = {
    format: FORMAT,
    version: VERSION,
    source,
    target,
    root: { path, device, inode, born },
    entries,
    digest,
  };
  return `${JSON.stringify(fields, undefined, 2)}\n`;
}

/** @throws {Error} If `text` is not what {@link formatRecord} makes for `pair`. */
export function parseRecord(text: string, pair: Pair): RoundRecord {
  const fields = JSON.parse(text);
  require(isObject(fields), "it is no object");
  require(fields.format === FORMAT, "it is something else");
  require(
    fields.version === VERSION,
    `its version is not ${VERSION}`,
  );
  require(
    fields.source === pair.source && fields.target === pair.target,
    "it is about other places",
  );
  const { root, entries, digest } = fields;
  require(isObject(root) && typeof root.path === "string", "it has no root");
  const { path, device, inode, born } = root;
  require(
    isCount(device) && isCount(inode) && (born === null || isTime(born)),
    "its root is damaged",
  );
  require(isCount(entries), "its number of entries is damaged");
  require(isDigest(digest), "its digest is damaged");
  return {
    root: { path, device, inode, born: born ?? undefined },
    entries,
    digest,
  };
}
