/** What all who listen to a hub have in common: who hears of what, and in which words. */
import { isWithin, type RelPath } from "../core/path.ts";
import type { ApiOptions } from "./context.ts";
import type { HubNotice } from "./fan_out.ts";
import type { KeyInfo } from "./keys.ts";
import { HttpProblem } from "./problem.ts";
import { toWireRecord } from "./schemas.ts";

/**
 * So many notices wait for a listener; then it is dropped. They are shared by all
 * who wait for them, and one sync may bring many at once.
 */
export const MAX_WAITING = 100_000;

/** So many listen at a time. */
const MAX_LISTENERS = 1_000;

/** How often a listener's key is looked at again, in milliseconds. */
export const CHECK_MS = 2_000;

/** @throws {HttpProblem} If too many listen. */
export function refuseCrowd({ hub }: ApiOptions): void {
  if (hub.fanOut.listeners < MAX_LISTENERS) return;
  throw new HttpProblem(503, "too-many", "Too many listen", {}, {
    "retry-after": "5",
  });
}

/** Whether the holder of `key` may hear of `notice`. */
export function isFor(key: KeyInfo, notice: HubNotice): boolean {
  const path = pathOf(notice);
  // Who sees a part only does not hear who else there is.
  return path === undefined ? key.path === "" : isWithin(path, key.path);
}

function pathOf(notice: HubNotice): RelPath | undefined {
  if ("record" in notice) return notice.record.path;
  return "path" in notice ? notice.path : undefined;
}

/** What a listener is told of `notice`. */
export function toWireNotice(notice: HubNotice): Record<string, unknown> {
  switch (notice.kind) {
    case "file_changed":
    case "file_deleted":
      return toWireRecord(notice.record);
    case "conflict":
      return { id: notice.id, path: notice.path, client: notice.client };
    case "client_joined":
    case "client_left":
      return { client: notice.client, name: notice.name };
    default:
      return notice satisfies never;
  }
}
