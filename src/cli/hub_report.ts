/** What a hub and the commands for one tell, in words and for programs. */
import { displayPath } from "../core/path.ts";
import { type ClientEvent, clientText } from "./client_report.ts";
import { formatBytes, formatCount, formatNumberOf } from "./format.ts";

/** A change at a hub, as its answers tell it. */
export interface WireRecord {
  readonly revision: number;
  readonly path: string;
  readonly kind: string;
  /** In bytes. */
  readonly size: number;
  /** Permission bits, octal. */
  readonly mode: string;
  readonly digest?: string | undefined;
  /** ISO 8601. */
  readonly time: string;
  readonly client: string;
  /** Of a client that has registered. */
  readonly client_name?: string;
  readonly operation: string;
}

/** A key, without its secret. */
export interface ListedKey {
  readonly name: string;
  readonly role: string;
  readonly path: string;
  /** Times in ISO 8601. */
  readonly created: string;
  readonly expires: string | undefined;
  readonly revoked: string | undefined;
}

/** A deletion that waits, or waited, for a person, as a hub's answers tell it. */
export interface WireApproval {
  readonly id: number;
  readonly client: string;
  readonly client_name?: string;
  readonly state: string;
  /** ISO 8601. */
  readonly time: string;
  /** Files that would go, and files that there were. */
  readonly files: number;
  readonly total: number;
  /** Some of what would go. */
  readonly paths: readonly string[];
}

/** Something to tell. */
export type HubEvent =
  /** The hub is ready. */
  | {
    readonly kind: "serving";
    readonly host: string;
    readonly port: number;
    readonly url: string;
    readonly dir: string;
  }
  /** A key was made: told this once. */
  | {
    readonly kind: "key-created";
    readonly name: string;
    readonly role: string;
    readonly key: string;
    /** Whether it is the one of a first start. */
    readonly isFirst: boolean;
  }
  | { readonly kind: "key"; readonly key: ListedKey }
  | { readonly kind: "key-revoked"; readonly name: string }
  | {
    readonly kind: "collected";
    readonly versions: number;
    readonly bytes: number;
  }
  /** One change, of a list or brought about just now. */
  | { readonly kind: "change"; readonly record: WireRecord }
  | {
    readonly kind: "left-out";
    readonly path: string;
    readonly message: string;
  }
  /** The directory of `--mirror` and the hub were made equal. */
  | {
    readonly kind: "mirrored";
    /** What was changed in the directory, and at the hub. */
    readonly toDirectory: number;
    readonly toHub: number;
    readonly conflicts: number;
    /** Conflicts that are left to people. */
    readonly open: number;
  }
  | { readonly kind: "approval"; readonly approval: WireApproval }
  /** What clients leave out: the rules as they are now. */
  | { readonly kind: "policy"; readonly rules: readonly string[] }
  /** All was brought back. */
  | {
    readonly kind: "restore-done";
    readonly count: number;
    readonly leftOut: number;
  }
  | ClientEvent
  | { readonly kind: "stopped" };

/** What people read of an event. */
export interface HubText {
  readonly text: string;
  readonly isProblem: boolean;
  /** Whether it is what the command was run for, so that it is printed in any case. */
  readonly isAsked: boolean;
}

/** What the command was run for. */
const ASKED: ReadonlySet<HubEvent["kind"]> = new Set([
  "key-created",
  "client-status",
  "hub-conflict",
]);

/** The event in words. */
export function hubText(event: HubEvent): HubText {
  return {
    text: textOf(event),
    isProblem: event.kind === "left-out",
    isAsked: ASKED.has(event.kind),
  };
}

function textOf(event: HubEvent): string {
  switch (event.kind) {
    case "serving":
      return `Serving ${displayPath(event.dir)} at ${event.url}`;
    case "key-created":
      return event.isFirst
        ? `Key of the administrator, shown this once: ${event.key}`
        : event.key;
    case "key":
      return textOfKey(event.key);
    case "key-revoked":
      return `The key ${displayPath(event.name)} opens nothing any more`;
    case "collected": {
      const versions = formatNumberOf(event.versions, "version");
      return `${versions} removed, ${formatBytes(event.bytes)} freed`;
    }
    case "change": {
      const { revision, time, kind, size, path } = event.record;
      const client = displayPath(
        event.record.client_name ?? event.record.client,
      );
      const size_ = kind === "file" ? formatBytes(size) : "";
      const columns = [
        String(revision).padStart(7),
        time.slice(0, 19).replace("T", " "),
        kind.padEnd(9),
        size_.padStart(8),
      ].join("  ");
      return `${columns}  ${
        displayPath(path)
      }  (${client}, ${event.record.operation})`;
    }
    case "left-out":
      return `Left out: ${displayPath(event.path)}: ${event.message}`;
    case "policy":
      return event.rules.length === 0
        ? "No rules"
        : event.rules.map(displayPath).join("\n");
    case "approval": {
      const { id, state, time, files, total, paths } = event.approval;
      const client = displayPath(
        event.approval.client_name ?? event.approval.client,
      );
      const when = time.slice(0, 19).replace("T", " ");
      const shown = paths.map(displayPath).join(", ");
      return `${id}  ${state.padEnd(8)}  ${when}  ${client}: ${
        formatCount(files)
      } of ${formatNumberOf(total, "file")} (${shown})`;
    }
    case "mirrored": {
      const { toDirectory, toHub, conflicts } = event;
      const both = conflicts === 0
        ? ""
        : `, ${formatNumberOf(conflicts, "conflict")}`;
      return `Mirrored: ${formatNumberOf(toDirectory, "change")} to the ` +
        `directory, ${formatCount(toHub)} to the hub${both}`;
    }
    case "restore-done": {
      const { count, leftOut } = event;
      const left = leftOut === 0 ? "" : `, ${formatCount(leftOut)} left out`;
      return `${formatNumberOf(count, "change")}${left}`;
    }
    case "client-made":
    case "client-status":
    case "hub-conflict":
    case "conflict-resolved":
    case "conflicts-done":
      return clientText(event);
    case "stopped":
      return "The hub has stopped";
    default:
      return event satisfies never;
  }
}

function textOfKey(key: ListedKey): string {
  const state = key.revoked !== undefined
    ? `revoked ${key.revoked.slice(0, 10)}`
    : key.expires !== undefined
    ? `until ${key.expires.slice(0, 16).replace("T", " ")}`
    : "";
  const path = key.path === "" ? "everything" : displayPath(key.path);
  return `${key.name.padEnd(20)}  ${key.role.padEnd(5)}  ${path}  ${state}`
    .trimEnd();
}

/** The name and the fields of an event for programs. */
export function hubFields(
  event: HubEvent,
): readonly [name: string, fields: Readonly<Record<string, unknown>>] {
  switch (event.kind) {
    case "key":
      return ["key", { ...event.key }];
    case "change":
      return ["change", { ...event.record }];
    case "approval":
      return ["approval", { ...event.approval }];
    case "client-status":
      return ["status", { ...event.status }];
    case "hub-conflict":
      return ["hub-conflict", { ...event.conflict }];
    default: {
      const { kind, ...fields } = event;
      return [kind, fields];
    }
  }
}
