/**
 * A saved plan, line by line; each line is one JSON object in UTF-8.
 *
 * | line     | fields                                                         |
 * | -------- | -------------------------------------------------------------- |
 * | first    | format "lockstep-plan", version 1, software, created (ISO      |
 * |          | 8601), from (real path), to ({kind: "url", url} or {kind:      |
 * |          | "directory", path}), options (see {@link ComparedOptions}),    |
 * |          | source and target (digests of their roots; target is null      |
 * |          | where it did not exist)                                        |
 * | between  | one action each: path ("" is the root), action, reason, and    |
 * |          | old and new: null or {kind, mtime, and what the kind has of    |
 * |          | size, mode, digest, target}                                    |
 * | last     | actions: the number of lines between                           |
 */
import type { Owner, TrackedEntry } from "../../core/entry.ts";
import {
  isWithin,
  parseRelPath,
  type RelPath,
  RESERVED_NAME,
} from "../../core/path.ts";
import type { Action, Reason } from "../../core/plan.ts";
import {
  type Fields,
  isCount,
  isDigest,
  isObject,
  isTime,
  require,
} from "../json_checks.ts";
import type { Target } from "../values.ts";
import { COMPARED_OPTIONS, type ComparedOptions } from "./compared_options.ts";

const FORMAT = "lockstep-plan";
const VERSION = 1;

/** A longer line is no line of a plan. */
const MAX_LINE_LENGTH = 1_048_576;

/** About which sides a plan is, and how they were compared. */
export interface PlanHeader {
  readonly software: string;
  /** ISO 8601. */
  readonly created: string;
  readonly from: string;
  readonly to: Target;
  readonly options: ComparedOptions;
  /** Digests of the roots; undefined: there was no target. */
  readonly source: string;
  readonly target: string | undefined;
}

/** What a plan says about one path, as text that is equal if it says the same. */
export type PlannedStep = string;

/** What a {@link PlannedStep} says. */
export interface StepFacts {
  readonly action: Action["action"];
  readonly reason: Reason;
  readonly old: Fingerprint | null;
  readonly new: Fingerprint | null;
}

/** By what an entry is known again. */
export interface Fingerprint {
  readonly kind: TrackedEntry["kind"];
  readonly mtime: number;
  readonly size?: number;
  readonly mode?: number;
  readonly digest?: string;
  readonly target?: string;
  readonly owner?: Owner;
}

/** A line of a plan, once it is read. */
export type PlanLine =
  | { readonly kind: "action"; readonly path: RelPath; readonly step: string }
  | { readonly kind: "end"; readonly actions: number };

export function formatHeader(header: PlanHeader): string {
  const { software, created, from, to, options, source, target } = header;
  return JSON.stringify({
    format: FORMAT,
    version: VERSION,
    software,
    created,
    from,
    to,
    options,
    source,
    target: target ?? null,
  });
}

export function formatLine(action: Action): string {
  return JSON.stringify({ path: action.path, ...factsOf(action) });
}

export function formatEnd(actions: number): string {
  return JSON.stringify({ actions });
}

/** What is done at the action's path. */
export function stepOf(action: Action): PlannedStep {
  return JSON.stringify(factsOf(action));
}

export function parseStep(step: PlannedStep): StepFacts {
  return JSON.parse(step);
}

/** @throws {Error} If `text` is no first line of a plan; the message says why. */
export function parseHeader(text: string): PlanHeader {
  const fields = parseObject(text);
  require(fields.format === FORMAT, "this is no plan");
  require(
    fields.version === VERSION,
    `plans of version ${VERSION} can be read, this is ${
      JSON.stringify(fields.version)
    }`,
  );
  const { software, created, from, to, options, source, target } = fields;
  require(typeof software === "string", '"software" is damaged');
  require(
    typeof created === "string" && !Number.isNaN(Date.parse(created)),
    '"created" is damaged',
  );
  require(isPath(from), '"from" is damaged');
  require(isTarget(to), '"to" is damaged');
  require(isDigest(source), '"source" is damaged');
  require(target === null || isDigest(target), '"target" is damaged');
  return {
    software,
    created,
    from,
    to,
    options: parseOptions(options),
    source,
    target: target ?? undefined,
  };
}

/** @throws {Error} If `text` is no later line of a plan; the message says why. */
export function parseLine(text: string): PlanLine {
  const fields = parseObject(text);
  if (fields.path === undefined) {
    require(isCount(fields.actions), '"path" is missing');
    return { kind: "end", actions: fields.actions };
  }
  require(typeof fields.path === "string", '"path" is damaged');
  const path = parseRelPath(fields.path);
  require(
    !isWithin(path, RESERVED_NAME as string as RelPath),
    `the name ${RESERVED_NAME} is reserved`,
  );
  const { action } = fields;
  const reason = parseReason(fields.reason);
  const old = parseFingerprint(fields.old, "old");
  const wanted = parseFingerprint(fields.new, "new");
  const isFit = action === "create"
    ? old === null && wanted !== null
    : action === "delete"
    ? old !== null && wanted === null
    : action === "replace" || action === "touch"
    ? old !== null && wanted !== null
    : false;
  require(isFit, '"action", "old" and "new" do not fit each other');
  const facts: StepFacts = { action, reason, old, new: wanted };
  return { kind: "action", path, step: JSON.stringify(facts) };
}

function factsOf({ action, reason, old, new: wanted }: Action): StepFacts {
  return { action, reason, old: fingerprint(old), new: fingerprint(wanted) };
}

/** The order of fields is that of {@link parseFingerprint}. */
function fingerprint(entry: TrackedEntry | undefined): Fingerprint | null {
  if (entry === undefined) return null;
  const { kind, mtime } = entry;
  const owner = entry.owner && { owner: entry.owner };
  switch (entry.kind) {
    case "directory":
      return { kind, mtime, mode: entry.mode, ...owner };
    case "file": {
      const { size, mode, digest } = entry;
      return { kind, mtime, size, mode, ...(digest && { digest }), ...owner };
    }
    case "symlink":
      return { kind, mtime, target: entry.target, ...owner };
    default:
      return entry satisfies never;
  }
}

function parseFingerprint(value: unknown, name: string): Fingerprint | null {
  if (value === null) return null;
  require(isObject(value), `"${name}" is damaged`);
  const { kind, mtime, size, mode, digest, target } = value;
  const owner = parseOwner(value.owner, name);
  require(isTime(mtime), `the time in "${name}" is damaged`);
  switch (kind) {
    case "directory":
      require(isMode(mode), `the mode in "${name}" is damaged`);
      return { kind, mtime, mode, ...owner };
    case "file":
      require(isCount(size), `the size in "${name}" is damaged`);
      require(isMode(mode), `the mode in "${name}" is damaged`);
      require(
        digest === undefined || isDigest(digest),
        `the digest in "${name}" is damaged`,
      );
      return { kind, mtime, size, mode, ...(digest && { digest }), ...owner };
    case "symlink":
      require(typeof target === "string", `the link in "${name}" is damaged`);
      return { kind, mtime, target, ...owner };
    default:
      throw new Error(`the kind in "${name}" is unknown`);
  }
}

function parseOwner(
  value: unknown,
  name: string,
): { readonly owner: Owner } | undefined {
  if (value === undefined) return undefined;
  require(isOwner(value), `the owner in "${name}" is damaged`);
  const { uid, gid } = value;
  return { owner: { uid, gid } };
}

const KINDS: readonly unknown[] = ["directory", "file", "symlink"];

function parseReason(value: unknown): Reason {
  require(isObject(value), '"reason" is damaged');
  const { kind, from, to } = value;
  switch (kind) {
    case "new":
    case "extra":
    case "content":
      return { kind };
    case "kind":
      require(
        KINDS.includes(from) && KINDS.includes(to),
        '"reason" is damaged',
      );
      return { kind, from, to };
    case "target":
      require(
        typeof from === "string" && typeof to === "string",
        '"reason" is damaged',
      );
      return { kind, from, to };
    case "size":
    case "mode":
      require(isCount(from) && isCount(to), '"reason" is damaged');
      return { kind, from, to };
    case "owner":
      require(isOwner(from) && isOwner(to), '"reason" is damaged');
      return { kind, from, to };
    case "newer":
    case "older":
    case "time":
      require(isTime(from) && isTime(to), '"reason" is damaged');
      return { kind, from, to };
    default:
      throw new Error('"reason" is unknown');
  }
}

function parseOptions(value: unknown): ComparedOptions {
  require(isObject(value), '"options" is damaged');
  const options: Record<string, unknown> = {};
  for (const [name, isValid] of Object.entries(COMPARED_OPTIONS)) {
    require(isValid(value[name]), `"options" has no valid "${name}"`);
    options[name] = value[name];
  }
  const unknown = Object.keys(value).find((name) => !(name in options));
  require(unknown === undefined, `"options" has an unknown "${unknown}"`);
  return options as unknown as ComparedOptions;
}

function parseObject(text: string): Fields {
  require(
    text.length <= MAX_LINE_LENGTH,
    `a line of ${text.length} characters is no line of a plan`,
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("this is no JSON");
  }
  require(isObject(value), "this is no JSON object");
  return value;
}

function isOwner(value: unknown): value is Owner {
  return isObject(value) && isCount(value.uid) && isCount(value.gid);
}

function isTarget(value: unknown): value is Target {
  if (!isObject(value)) return false;
  if (value.kind === "directory") return isPath(value.path);
  return value.kind === "url" && typeof value.url === "string" &&
    /^wss?:/i.test(value.url) && URL.canParse(value.url);
}

function isPath(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0");
}

function isMode(value: unknown): value is number {
  return isCount(value) && value <= 0o777;
}
