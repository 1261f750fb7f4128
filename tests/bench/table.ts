/** The tables that benches print. */

/** One line of the table. */
export interface Row {
  readonly work: string;
  readonly unit: "s" | "B" | "MB";
  readonly lockstep: number;
  /** Undefined where rsync is not measured. */
  readonly rsync: number | undefined;
  /** Most that `value` may be. */
  readonly goal: number;
  /** Whether `value` is a ratio also where it is not of times. */
  readonly isRatio?: true;
  /** What is compared with the goal: the ratio of times, or an amount. */
  readonly value: number;
  readonly samples: {
    readonly lockstep: readonly number[];
    readonly rsync: readonly number[];
  };
}

const WIDTHS = [44, 12, 12, 8, 10];
/** What stands above the rows. */
export const HEADER: string = columns([
  "work",
  "lockstep",
  "rsync",
  "ratio",
  "goal",
  "",
]);

/** With little data the start of the processes is all: there is no verdict. */
export function lineOf(row: Row, quick: boolean): string {
  const { work, unit, lockstep, rsync, goal, value } = row;
  return columns([
    work,
    shown(lockstep, unit),
    rsync === undefined ? "" : shown(rsync, unit),
    rsync === undefined ? "" : (lockstep / rsync).toFixed(2),
    row.isRatio || unit === "s"
      ? `≤ ${goal.toFixed(2)}`
      : `≤ ${shown(goal, unit)}`,
    quick ? "" : value <= goal ? "ok" : "miss",
  ]);
}

function columns(cells: readonly string[]): string {
  const [first, ...rest] = cells;
  const padded = rest.map((cell, i) => cell.padStart(WIDTHS[i + 1] ?? 6));
  return [first!.padEnd(WIDTHS[0]!), ...padded].join("");
}

function shown(value: number, unit: Row["unit"]): string {
  if (unit === "s") return `${value.toFixed(3)} s`;
  if (unit === "MB") return `${(value / 1e6).toFixed(0)} MB`;
  return `${value.toLocaleString("en")} B`;
}
