/** What the daemon and the commands for it tell, in words and for programs. */
import { displayPath } from "../core/path.ts";
import type { DaemonStatus } from "../daemon/control.ts";
import type { FlushResult } from "../daemon/worker_message.ts";
import type { WorkspaceStatus } from "../daemon/workspace.ts";
import { formatBytes, formatDuration, formatNumberOf } from "./format.ts";

/** Something to tell. */
export type DaemonEvent =
  /** The daemon is there. */
  | {
    readonly kind: "running";
    /** False if it was running before. */
    readonly isNew: boolean;
    readonly pid: number;
    readonly socket: string;
    readonly config: string;
  }
  | { readonly kind: "stopped" }
  | { readonly kind: "status"; readonly status: DaemonStatus }
  /** All workspaces, `isLive`: in place of those told before. */
  | {
    readonly kind: "list";
    readonly workspaces: readonly WorkspaceStatus[];
    readonly isLive: boolean;
  }
  | { readonly kind: "info"; readonly workspace: WorkspaceStatus }
  /** What was wanted of a workspace, or a remote of it, was done. */
  | {
    readonly kind: "changed";
    readonly action:
      | "added"
      | "removed"
      | "attached"
      | "detached"
      | "paused"
      | "resumed";
    readonly workspace: string;
    readonly remote: string | undefined;
  }
  | {
    readonly kind: "flushed";
    readonly workspace: string;
    readonly results: readonly FlushResult[];
  }
  | { readonly kind: "log"; readonly line: string }
  | {
    readonly kind: "installed" | "uninstalled";
    readonly path: string;
    /** The command with which it takes effect. */
    readonly command: string;
  };

/** What people read of an event. */
export interface DaemonText {
  readonly lines: readonly string[];
  /** Whether the lines take the place of those before. */
  readonly isLive: boolean;
}

const COLUMNS = [
  "WORKSPACE",
  "REMOTE",
  "STATE",
  "LAG",
  "SYNCED",
  "FILES",
  "SIZE",
];

/** The event in words; `now` is the time of day in milliseconds. */
export function daemonText(event: DaemonEvent, now: number): DaemonText {
  const isLive = event.kind === "list" && event.isLive;
  return { lines: linesOf(event, now), isLive };
}

function linesOf(event: DaemonEvent, now: number): string[] {
  switch (event.kind) {
    case "running":
      return [
        event.isNew
          ? `The daemon runs as process ${event.pid}`
          : `The daemon is running already, as process ${event.pid}`,
      ];
    case "stopped":
      return ["The daemon has stopped"];
    case "status": {
      const { pid, since, workspaces, failed, config, socket, logs } =
        event.status;
      const failures = failed === 0 ? "" : `, ${failed} failed`;
      return [
        `The daemon runs as process ${pid} since ${since.slice(0, 19)}Z`,
        `  workspaces  ${workspaces}${failures}`,
        `  remembered  ${displayPath(config)}`,
        `  control     ${displayPath(socket)}`,
        `  logs        ${displayPath(logs)}`,
      ];
    }
    case "list":
      return tableOf(event.workspaces, now);
    case "info":
      return infoOf(event.workspace, now);
    case "changed": {
      const { action, workspace, remote } = event;
      const of = remote === undefined ? "" : `${displayPath(remote)} of `;
      return [`${of}${displayPath(workspace)}: ${action}`];
    }
    case "flushed":
      return event.results.length === 0
        ? [
          `${displayPath(event.workspace)} has no remote that could be reached`,
        ]
        : event.results.map(({ remote, error }) =>
          `${displayPath(remote)}: ${error ?? "all is in place"}`
        );
    case "log":
      return [event.line];
    case "installed":
      return [
        `Written: ${displayPath(event.path)}`,
        `Enable it with: ${event.command}`,
      ];
    case "uninstalled":
      return [
        `Removed: ${displayPath(event.path)}`,
        `If it still runs: ${event.command}`,
      ];
    default:
      return event satisfies never;
  }
}

function tableOf(
  workspaces: readonly WorkspaceStatus[],
  now: number,
): string[] {
  if (workspaces.length === 0) return ["There are no workspaces"];
  const rows = workspaces.flatMap((workspace) => rowsOf(workspace, now));
  const widths = COLUMNS.map((title, i) =>
    Math.max(title.length, ...rows.map(({ cells }) => cells[i]!.length))
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd();
  return [
    line(COLUMNS),
    ...rows.flatMap(({ cells, error }) => [
      line(cells),
      ...(error === undefined ? [] : [`  ${error}`]),
    ]),
  ];
}

interface Row {
  readonly cells: readonly string[];
  readonly error: string | undefined;
}

function rowsOf(workspace: WorkspaceStatus, now: number): Row[] {
  const { name, state, source, error, remotes } = workspace;
  const isWell = state === "running" && source !== "lost";
  const own = source === "lost" ? "lost" : state;
  if (remotes.length === 0) {
    return [{ cells: [name, "", own, "", "", "", ""], error }];
  }
  return remotes.map((remote, i): Row => ({
    cells: [
      i === 0 ? name : "",
      remote.name,
      isWell ? remote.state : own,
      remote.lagMs === 0 ? "" : formatDuration(remote.lagMs),
      agoOf(remote.syncedAt, now),
      remote.syncedAt === undefined ? "" : String(remote.files),
      remote.syncedAt === undefined ? "" : formatBytes(remote.bytes),
    ],
    error: isWell ? remote.error : i === 0 ? error : undefined,
  }));
}

function infoOf(workspace: WorkspaceStatus, now: number): string[] {
  const { name, path, state, source, error, pid, failures, options, remotes } =
    workspace;
  const own = state === "running" && source === "lost" ? "lost" : state;
  const process = pid === undefined ? "" : `, process ${pid}`;
  const lately = failures === 0
    ? ""
    : `, ${formatNumberOf(failures, "failure")} lately`;
  return [
    `${name}: ${displayPath(path)}`,
    `  state    ${own}${process}${lately}`,
    ...(error === undefined ? [] : [`  error    ${error}`]),
    ...optionLines(options, "  "),
    ...remotes.flatMap((remote) => [
      `  ${remote.name}: ${displayPath(remote.to)}`,
      `    state    ${remote.state}${
        remote.lagMs === 0 ? "" : `, ${formatDuration(remote.lagMs)} behind`
      }`,
      ...(remote.error === undefined ? [] : [`    error    ${remote.error}`]),
      ...(remote.syncedAt === undefined ? [] : [
        `    synced   ${agoOf(remote.syncedAt, now)}, ${
          formatNumberOf(remote.files, "file")
        }, ${formatBytes(remote.bytes)}`,
        `    digest   ${remote.digest}`,
      ]),
      ...(remote.problems === 0
        ? []
        : [`    left out ${formatNumberOf(remote.problems, "path")}`]),
      ...optionLines(remote.options, "    "),
    ]),
    ...(workspace.log ?? []).map((line) => `  | ${line}`),
  ];
}

function optionLines(
  options: WorkspaceStatus["options"],
  indent: string,
): string[] {
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === true
      ? [`--${name}`]
      : [value].flat().map((text) => `--${name} ${displayPath(text)}`)
  );
  return words.length === 0 ? [] : [`${indent}options  ${words.join(" ")}`];
}

function agoOf(time: string | undefined, now: number): string {
  if (time === undefined) return "";
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1_000));
  return seconds === 0 ? "now" : `${formatDuration(seconds * 1_000)} ago`;
}

/** Names and fields of an event for programs; a list makes one for each. */
export function daemonFields(
  event: DaemonEvent,
): (readonly [name: string, fields: Readonly<Record<string, unknown>>])[] {
  switch (event.kind) {
    case "running": {
      const { pid, socket, config, isNew } = event;
      return [["running", { pid, socket, config, isNew }]];
    }
    case "stopped":
      return [["stopped", {}]];
    case "status":
      return [["daemon", { ...event.status }]];
    case "list":
      return event.workspaces.map((
        workspace,
      ) => ["workspace", { ...workspace }]);
    case "info":
      return [["workspace", { ...event.workspace }]];
    case "changed": {
      const { action, workspace, remote } = event;
      return [["changed", { action, workspace, remote }]];
    }
    case "flushed": {
      const { workspace, results } = event;
      return results.map((result) => ["flushed", { workspace, ...result }]);
    }
    case "log":
      return [["log", { line: event.line }]];
    case "installed":
    case "uninstalled": {
      const { kind, path, command } = event;
      return [[kind, { path, command }]];
    }
    default:
      return event satisfies never;
  }
}
