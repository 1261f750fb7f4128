/** The form of a command and of its options: types only; `command_table.ts` has them all. */

/** What a value must look like; `values.ts` checks it. */
export type ValueKind =
  | "path"
  | "host"
  | "port"
  | "duration"
  | "rate"
  | "interval"
  | "target"
  | "remote"
  | "limit"
  | "allowance"
  | "choice"
  | "age"
  | "stamp"
  | "pattern"
  | "token"
  | "size"
  | "count"
  | "moment"
  | "hub"
  | "shell";

/** One option. */
export interface OptionSpec {
  /** The name after `--`. */
  readonly long: string;
  /** The letter after `-`. */
  readonly short?: string;
  /** Other names after `--`. */
  readonly aliases?: readonly string[];
  /** A flag takes no value. */
  readonly kind: "flag" | ValueKind;
  /** How help calls the value. */
  readonly label?: string;
  /** What a value may be, for kind "choice". */
  readonly choices?: readonly string[];
  /** The largest value, for kind "count". */
  readonly max?: number;
  /** Taken as if it had been written. */
  readonly default?: string;
  /** Given exactly once. */
  readonly required?: true;
  /** The long name of an option that says it as well; undefined then. */
  readonly unless?: string;
  /** May be given any number of times; its value is a list. */
  readonly many?: true;
  /** May be left out, and is undefined then. */
  readonly optional?: true;
  readonly help: string;
  /** A planned option: known, but refused with this reason and not in the help. */
  readonly refused?: string;
}

/** One command. */
export interface CommandSpec {
  readonly summary: string;
  /** What help says below the usage line. */
  readonly description: string;
  /** Options (long names) that imply this command where none is named. */
  readonly impliedBy: readonly string[];
  /**
   * The one argument that is no option; it has to be there, unless it is `optional`.
   * With `many`, a list.
   */
  readonly positional?: {
    /** Its name among the parsed options; its kind is "path". */
    readonly property: string;
    readonly label: string;
    /** What it may be; anything unless said. */
    readonly choices?: readonly string[];
    readonly help: string;
    readonly many?: true;
    readonly optional?: true;
  };
  readonly options: { readonly [property: string]: OptionSpec };
  readonly examples: readonly {
    readonly line: string;
    readonly meaning: string;
  }[];
}
