/** The one live line of a transfer, made to fit a width. */
import { displayPath } from "../core/path.ts";
import {
  formatBytes,
  formatCount,
  formatEstimate,
  formatRate,
} from "./format.ts";
import type { Progress } from "./progress.ts";

/** Below this the path says nothing. */
const MIN_PATH_COLUMNS = 12;
const GAP = "  ";

/**
 * `progress` in at most `columns - 1` columns (a full line makes some terminals
 * wrap): as many of the parts as fit, in order of importance, and the path, cut
 * at its front, in what is left.
 */
export function progressLine(progress: Progress, columns: number): string {
  const room = columns - 1;
  const { files, filesTotal, bytes, bytesTotal } = progress;
  const parts = [
    percentage(progress),
    `${formatCount(files)}/${formatCount(filesTotal)} files`,
    `${formatBytes(bytes)}/${formatBytes(bytesTotal)}`,
    formatRate(progress.bytesPerSecond),
    ...(progress.remainingMs === undefined
      ? []
      : [`ETA ${formatEstimate(progress.remainingMs)}`]),
  ];
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}${GAP}${part}`;
    if (longer.length > room) return line;
    line = longer;
  }
  const left = room - line.length - GAP.length;
  if (progress.path === undefined || left < MIN_PATH_COLUMNS) return line;
  return `${line}${GAP}${shorten(displayPath(progress.path), left)}`;
}

/** `text`, cut at its front to at most `columns`. */
export function shorten(text: string, columns: number): string {
  const characters = [...text];
  let width = 0;
  let from = characters.length;
  while (from > 0) {
    width += widthOf(characters[from - 1]!);
    if (width > columns) break;
    from--;
  }
  if (from === 0) return text;
  // One column more goes to the mark of the cut.
  width -= widthOf(characters[from - 1]!);
  while (width + 1 > columns) width -= widthOf(characters[from++]!);
  return `…${characters.slice(from).join("")}`;
}

/** `text`, cut at its end to at most `columns`. */
export function truncate(text: string, columns: number): string {
  const kept: string[] = [];
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) return `${kept.slice(0, -1).join("")}…`;
    kept.push(character);
  }
  return text;
}

/**
 * Columns of a character, never too few: beyond the European alphabets all count
 * as wide. Tables of the real widths would cost more time than all of start-up.
 */
function widthOf(character: string): number {
  const code = character.codePointAt(0)!;
  return code < 0x1100 || (code >= 0x2010 && code <= 0x2027) ? 1 : 2;
}

function percentage(progress: Progress): string {
  const { files, filesTotal, bytes, bytesTotal } = progress;
  const part = bytesTotal > 0
    ? bytes / bytesTotal
    : filesTotal > 0
    ? files / filesTotal
    : 1;
  return `${Math.min(100, Math.floor(part * 100))}%`.padStart(4);
}
