/**
 * The larger files of a source as a JSON file:
 *
 * | field   | value                                                     |
 * | ------- | --------------------------------------------------------- |
 * | format  | "lockstep-files"                                          |
 * | version | 1                                                         |
 * | source  | text: the path of the source                              |
 * | target  | text: the path or address of the target                   |
 * | files   | an array for each: path, inode, generation, size (bytes), |
 * |         | mtime (milliseconds since 1970)                           |
 */
import type { KnownFile } from "../../core/origins.ts";
import { parseRelPath } from "../../core/path.ts";
import { isCount, isObject, isTime, require } from "../json_checks.ts";
import type { Pair } from "./record_codec.ts";

const FORMAT = "lockstep-files";
const VERSION = 1;

export function formatKnownFiles(
  { source, target }: Pair,
  known: readonly KnownFile[],
): string {
  const files = known.map(({ path, inode, generation, size, mtime }) =>
    [path, inode, generation, size, mtime] as const
  );
  const fields = { format: FORMAT, version: VERSION, source, target, files };
  return `${JSON.stringify(fields)}\n`;
}

/** @throws {Error} If `text` is not what {@link formatKnownFiles} makes for `pair`. */
export function parseKnownFiles(text: string, pair: Pair): KnownFile[] {
  const fields: unknown = JSON.parse(text);
  require(isObject(fields), "it is no object");
  require(
    fields.format === FORMAT && fields.version === VERSION,
    "it is something else",
  );
  require(
    fields.source === pair.source && fields.target === pair.target,
    "it is about other places",
  );
  require(Array.isArray(fields.files), "it has no files");
  return fields.files.map((file: unknown): KnownFile => {
    require(Array.isArray(file), "a file is no array");
    const [path, inode, generation, size, mtime]: unknown[] = file;
    require(typeof path === "string", "a file has no path");
    require(
      isCount(inode) && isCount(generation) && isCount(size) && isTime(mtime),
      "a file has no facts",
    );
    return { path: parseRelPath(path), inode, generation, size, mtime };
  });
}
