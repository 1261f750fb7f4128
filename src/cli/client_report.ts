/** What the commands of a hub's clients tell, in words. */
import { displayPath } from "../core/path.ts";
import { formatBytes, formatNumberOf } from "./format.ts";

/** A conflict at a hub, as its answers tell it. */
export interface WireConflict {
  readonly id: number;
  readonly path: string;
  readonly kind: string;
  /** Whose version is kept beside the path. */
  readonly side: "client" | "hub";
  /** Where it lies in the tree. */
  readonly copy?: string;
  readonly current: number;
  /** In bytes. */
  readonly size: number;
  /** In milliseconds since 1970. */
  readonly mtime: number;
  readonly digest?: string;
  /** ISO 8601. */
  readonly time: string;
  readonly client: string;
  readonly client_name?: string;
  readonly resolution?: string;
}

/** How a client of a hub is doing. */
export interface ClientStatus {
  readonly client: string;
  readonly directory: string;
  readonly server: string;
  /** Whether the hub answers. */
  readonly connected: boolean;
  /** Whether a `lockstep start` keeps it in step, and how that is doing. */
  readonly running: boolean;
  readonly state: string;
  readonly message?: string;
  /** ISO 8601. */
  readonly last_sync?: string;
  /** Paths that differ; undefined where the hub can't be asked. */
  readonly pending?: number;
  /** Conflicts that nobody has decided; undefined where the hub can't be asked. */
  readonly conflicts?: number;
  readonly problems: number;
  /** Digests of both trees, by content. */
  readonly root_digest?: string;
  readonly hub_root_digest?: string;
}

/** Something to tell. */
export type ClientEvent =
  /** A client was configured. */
  | {
    readonly kind: "client-made";
    readonly config: string;
    readonly name: string;
    readonly dir: string;
    readonly server: string;
    /** Whether the hub knows of it; else it hears of it at the first start. */
    readonly registered: boolean;
  }
  | { readonly kind: "client-status"; readonly status: ClientStatus }
  | { readonly kind: "hub-conflict"; readonly conflict: WireConflict }
  | {
    readonly kind: "conflict-resolved";
    readonly id: number;
    readonly path: string;
    readonly take: string;
  }
  | { readonly kind: "conflicts-done"; readonly count: number };

/** The event in words; a status has several lines. */
export function clientText(event: ClientEvent): string {
  switch (event.kind) {
    case "client-made": {
      const { config, name, dir, server, registered } = event;
      const known = registered
        ? `${server} knows it`
        : `${server} can't be reached now, and hears of it at the first start`;
      return `Wrote ${displayPath(config)}: ${displayPath(name)} keeps ${
        displayPath(dir)
      } in step; ${known}`;
    }
    case "client-status":
      return textOfStatus(event.status);
    case "hub-conflict":
      return textOfConflict(event.conflict);
    case "conflict-resolved":
      return `Conflict ${event.id} is resolved: ${displayPath(event.path)}, ${
        displayPath(event.take)
      }`;
    case "conflicts-done":
      return formatNumberOf(event.count, "conflict");
    default:
      return event satisfies never;
  }
}

function textOfConflict(conflict: WireConflict): string {
  const { id, path, kind, side, copy, size, time, resolution } = conflict;
  const who = displayPath(conflict.client_name ?? conflict.client);
  const what = kind === "file" ? formatBytes(size) : kind;
  const whose = side === "client" ? `of ${who}` : "of the hub";
  const where = copy === undefined
    ? "at the hub, in no tree"
    : `as ${displayPath(copy)}`;
  const state = resolution === undefined ? "" : `  (resolved: ${resolution})`;
  return `${String(id).padStart(5)}  ${time.slice(0, 19).replace("T", " ")}  ${
    displayPath(path)
  }: the version ${whose} (${what}) is kept ${where}${state}`;
}

function textOfStatus(status: ClientStatus): string {
  const { connected, running, state, message, last_sync, pending } = status;
  const lines: [string, string][] = [
    ["client", displayPath(status.client)],
    ["directory", displayPath(status.directory)],
    ["hub", `${status.server} (${connected ? "connected" : "not connected"})`],
    [
      "start",
      running
        ? `running, ${state}${message === undefined ? "" : `: ${message}`}`
        : `not running${message === undefined ? "" : `; last: ${message}`}`,
    ],
    [
      "last sync",
      last_sync === undefined
        ? "never"
        : last_sync.slice(0, 19).replace("T", " "),
    ],
    [
      "pending",
      pending === undefined ? "not known" : formatNumberOf(pending, "path"),
    ],
    [
      "conflicts",
      status.conflicts === undefined ? "not known" : String(status.conflicts),
    ],
    ["problems", String(status.problems)],
    ["digest here", status.root_digest ?? "not known"],
    ["at the hub", status.hub_root_digest ?? "not known"],
  ];
  return lines.map(([name, value]) => `${name.padEnd(11)}  ${value}`).join(
    "\n",
  );
}
