/**
 * A watch by `Deno.watchFs`, which sees all below a directory.
 *
 * What it loses without a word: events that overflow the queue of the kernel
 * (16,384 on Linux), changes through memory mappings, hard links elsewhere and
 * network file systems, and everything once its directory was moved. What it
 * tells: that its own queue of 1,024 was full (since Deno 2.9), as `rescan`.
 */
import { type RelPath, ROOT } from "../core/path.ts";
import { messageOf } from "../errors.ts";
import type {
  Watch,
  WatchEnd,
  WatchEvent,
  WatchListener,
} from "./file_system.ts";

/** What raises the number of watches that a user may have. */
const RAISE_WATCHES = "sudo sysctl fs.inotify.max_user_watches=1048576";

/** The same for watchers: each takes one instance. */
const RAISE_INSTANCES = "sudo sysctl fs.inotify.max_user_instances=1024";

/** Watches the directory at `path`, which is absolute and free of links. */
export function watchDirectory(path: string, listener: WatchListener): Watch {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(path, { recursive: true });
  } catch (error) {
    listener(endedBy(error));
    return { close(): void {} };
  }
  let isOpen = true;
  void follow();
  return {
    close(): void {
      if (!isOpen) return;
      isOpen = false;
      watcher.close();
    },
  };

  async function follow(): Promise<void> {
    const prefix = path.endsWith("/") ? path : `${path}/`;
    try {
      for await (const event of watcher) {
        if (!isOpen) return;
        tell(event, prefix);
      }
      // It ends by itself only where it can't go on.
      if (isOpen) end(new Error("The watcher has stopped"));
    } catch (error) {
      if (isOpen) end(error);
    }
  }

  function end(error: unknown): void {
    isOpen = false;
    watcher.close();
    listener(endedBy(error));
  }

  function tell(event: Deno.FsEvent, prefix: string): void {
    if (event.flag === "rescan" || event.paths.length === 0) {
      listener({ kind: "unknown" });
    }
    for (const changed of event.paths) {
      if (changed.startsWith(prefix)) {
        const below = changed.slice(prefix.length);
        listener({ kind: "changed", path: toRelPath(below) });
      } else if (changed === path) {
        listener({ kind: "changed", path: ROOT });
      } else {
        listener({ kind: "unknown" });
      }
    }
  }
}

function toRelPath(below: string): RelPath {
  return (Deno.build.os === "windows"
    ? below.replaceAll("\\", "/")
    : below) as RelPath;
}

/** Deno passes on what the kernel says, as text. */
function endedBy(error: unknown): WatchEvent {
  const message = messageOf(error);
  const remedy = /os error 28\b|watch limit/i.test(message)
    ? RAISE_WATCHES
    : /os error 24\b|too many open files/i.test(message)
    ? RAISE_INSTANCES
    : undefined;
  const reason: WatchEnd = remedy !== undefined
    ? "limit"
    : error instanceof Deno.errors.NotFound
    ? "gone"
    : "failed";
  return {
    kind: "ended",
    reason,
    message,
    ...(remedy !== undefined && { remedy }),
  };
}
