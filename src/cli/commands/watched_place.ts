/** Directories that are watched, and stay the same ones. */
import { isSameRoot } from "../../core/guard.ts";
import type { LocalEndpoint } from "../../session/local_endpoint.ts";
import { systemClock } from "../../session/system_clock.ts";
import {
  WatchedEndpoint,
  type WatchedEndpointOptions,
} from "../../session/watched_endpoint.ts";
import type { SourcePlace } from "../../session/watched_root.ts";
import type { Reporter } from "../events.ts";
import { identityOf } from "../state/root_identity.ts";

/** Time between two scans of a whole tree that is watched, unless --rescan says so. */
export const USUAL_RESCAN_MS = 5 * 60_000;

/**
 * Where the directory `opened` is: at `path`, which may come to lead elsewhere.
 * @param open Opens what is there then.
 */
export function placeOf(
  opened: string,
  path: string,
  open: SourcePlace["open"],
): SourcePlace {
  const identity = identityOf(opened);
  return {
    isThere(): boolean {
      try {
        return isSameRoot(identity, identityOf(path));
      } catch {
        return false;
      }
    },
    open,
  };
}

/** `local` as one side of a two-way sync, which tells of changes if it is asked to. */
export function watched(
  local: LocalEndpoint,
  options:
    & { readonly reporter: Reporter; readonly rescanMs?: number | undefined }
    & { readonly path: string; readonly open: SourcePlace["open"] },
): WatchedEndpoint {
  const { reporter, rescanMs = USUAL_RESCAN_MS, path, open } = options;
  const onEvent: WatchedEndpointOptions["onEvent"] = (event) =>
    reporter.report(event);
  return new WatchedEndpoint(local, {
    place: placeOf(local.name, path, open),
    clock: systemClock,
    rescanMs,
    onEvent,
  });
}
