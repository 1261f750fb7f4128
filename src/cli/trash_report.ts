/** What the commands on a trash tell, in words and for programs. */
import { displayPath } from "../core/path.ts";
import type { NodeKind } from "../fs/file_system.ts";
import type { TrashFolderInfo } from "../fs/trash_contents.ts";
import { formatBytes, formatCount, formatNumberOf } from "./format.ts";

/** Something happened in a trash. */
export type TrashEvent =
  /** What follows is in this folder. */
  | { readonly kind: "folder"; readonly folder: TrashFolderInfo }
  /** An entry in it. */
  | {
    readonly kind: "entry";
    readonly folder: TrashFolderInfo;
    readonly path: string;
    readonly node: NodeKind;
    /** In bytes; 0 for what is not a file. */
    readonly size: number;
  }
  /** All was listed. */
  | {
    readonly kind: "listed";
    readonly entries: number;
    readonly bytes: number;
  }
  | {
    readonly kind: "restored";
    readonly folder: TrashFolderInfo;
    readonly path: string;
    readonly node: NodeKind;
    /** The directory below which it is now. */
    readonly to: string;
  }
  /** Something stays where it is. */
  | {
    readonly kind: "left-out";
    readonly path: string;
    readonly message: string;
  }
  /** A folder was removed for good. */
  | { readonly kind: "removed"; readonly folder: TrashFolderInfo }
  /** `restore` or `empty` is through. */
  | {
    readonly kind: "restore-done" | "empty-done";
    /** Entries that were put back, or folders that were removed. */
    readonly count: number;
    readonly leftOut: number;
  };

/** What people read of an event, if anything. */
export interface TrashLine {
  readonly text: string;
  readonly isProblem: boolean;
}

/** The event in a line. */
export function trashLine(event: TrashEvent): TrashLine {
  return { text: textOf(event), isProblem: event.kind === "left-out" };
}

function textOf(event: TrashEvent): string {
  switch (event.kind) {
    case "folder": {
      const { stamp, root } = event.folder;
      return `${stamp}, from ${displayPath(root)}:`;
    }
    case "entry": {
      const size = event.node === "file" ? formatBytes(event.size) : "";
      const columns = `${event.node.padEnd(9)} ${size.padStart(8)}`;
      return `  ${columns}  ${displayPath(event.path)}`;
    }
    case "listed": {
      const { entries, bytes } = event;
      if (entries === 0) return "There is nothing in the trash";
      const count = formatNumberOf(entries, "entry", "entries");
      return `${count}, ${formatBytes(bytes)}`;
    }
    case "restored":
      return `Restored ${displayPath(event.path)} in ${displayPath(event.to)}`;
    case "left-out": {
      const { path, message } = event;
      return `Left out: ${displayPath(path)}: ${message}`;
    }
    case "removed": {
      const { stamp, root } = event.folder;
      return `Removed ${stamp}, from ${displayPath(root)}`;
    }
    case "restore-done":
      return `${formatCount(event.count)} restored${leftOut(event.leftOut)}`;
    case "empty-done": {
      const count = formatNumberOf(event.count, "folder");
      return `${count} removed${leftOut(event.leftOut)}`;
    }
    default:
      return event satisfies never;
  }
}

function leftOut(count: number): string {
  return count === 0 ? "" : `, ${formatCount(count)} left out`;
}

/** The name and the fields of an event for programs; undefined: it says nothing. */
export function trashFields(
  event: TrashEvent,
):
  | readonly [name: string, fields: Readonly<Record<string, unknown>>]
  | undefined {
  switch (event.kind) {
    case "folder":
      return undefined;
    case "entry": {
      const { folder, path, node, size } = event;
      return ["trashed", { path, kind: node, size, ...originFields(folder) }];
    }
    case "listed": {
      const { entries, bytes } = event;
      return ["listed", { entries, bytes }];
    }
    case "restored": {
      const { folder, path, node, to } = event;
      return ["restored", { path, kind: node, to, stamp: folder.stamp }];
    }
    case "left-out": {
      const { path, message } = event;
      return ["left-out", { path, message }];
    }
    case "removed":
      return ["removed", originFields(event.folder)];
    case "restore-done":
      return ["restore-done", counts(event)];
    case "empty-done":
      return ["empty-done", counts(event)];
    default:
      return event satisfies never;
  }
}

function originFields(
  { stamp, time, root }: TrashFolderInfo,
): Readonly<Record<string, unknown>> {
  return { stamp, since: time.toISOString(), root };
}

function counts(
  { count, leftOut }: { readonly count: number; readonly leftOut: number },
): Readonly<Record<string, unknown>> {
  return { count, leftOut };
}
