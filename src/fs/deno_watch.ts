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

/**
 * Where events are heard. Deno has one watcher for the whole process and drops
 * what does not lie in the real path that was asked for: a new link that leads
 * out of the tree makes no event. Who also listens at the top hears it.
 */
const TOP = Deno.build.os === "linux" ? "/" : undefined;

/** Watches the directory at `path`, which is absolute and free of links. */
export function watchDirectory(path: string, listener: WatchListener): Watch {
  const watchers: Deno.FsWatcher[] = [];
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const watcher of watchers) watcher.close();
  };
  const end = (error: unknown): void => {
    if (!isOpen) return;
    close();
    listener(endedBy(error));
  };
  try {
    watchers.push(Deno.watchFs(path, { recursive: true }));
    if (TOP !== undefined && path !== TOP) {
      watchers.push(Deno.watchFs(TOP, { recursive: false }));
    }
  } catch (error) {
    end(error);
    return { settled, close };
  }
  const prefix = path.endsWith("/") ? path : `${path}/`;
  // Nobody reads the other one: what it has no room for it drops.
  void follow(watchers.at(-1)!);
  return { settled, close };

  /**
   * The watcher of Deno tells of a new directory first, and watches it then. It
   * does one thing after the other: once it has begun to watch something else for
   * us, it has done so.
   */
  // deno-lint-ignore require-await -- an async function rejects where it would throw
  async function settled(): Promise<void> {
    if (!isOpen || TOP === undefined) return;
    try {
      Deno.watchFs(TOP, { recursive: false }).close();
    } catch (error) {
      end(error);
    }
  }

  async function follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) {
        if (!isOpen) return;
        tell(event);
      }
      // It ends by itself only where it can't go on.
      end(new Error("The watcher has stopped"));
    } catch (error) {
      end(error);
    }
  }

  function tell(event: Deno.FsEvent): void {
    if (event.flag === "rescan" || event.paths.length === 0) {
      listener({ kind: "unknown" });
    }
    // Here, what happens in a directory comes under its own name.
    const isOwn = TOP !== undefined && event.kind === "modify";
    for (const changed of event.paths) {
      if (changed.startsWith(prefix)) {
        const below = changed.slice(prefix.length);
        listener({ kind: "changed", path: toRelPath(below), isOwn });
      } else if (changed === path) {
        listener({ kind: "changed", path: ROOT, isOwn });
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
