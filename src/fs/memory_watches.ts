/** The watches on the directories of a {@link MemoryFileSystem}. */
import { type Name, type RelPath, ROOT } from "../core/path.ts";
import type {
  Watch,
  WatchEvent,
  WatchListener,
  WatchReach,
} from "./file_system.ts";
import type { DirectoryNode } from "./memory_tree.ts";

interface ActiveWatch {
  readonly node: DirectoryNode;
  readonly listener: WatchListener;
}

/** All watches of one file system. Events come during the call that changes something. */
export class MemoryWatches {
  readonly #reach: WatchReach;
  readonly #active = new Set<ActiveWatch>();
  /** How many there can be at a time; more end with the reason "limit". */
  limit: number = Infinity;
  /** Asked for each event before it is told; what it turns down is lost. */
  passes: (event: WatchEvent) => boolean = () => true;

  /** No watches yet, each of which will see as far as `reach` says. */
  constructor(reach: WatchReach) {
    this.#reach = reach;
  }

  /** How many watches are open. */
  get active(): number {
    return this.#active.size;
  }

  /** Tells all watches that events were lost. */
  overflow(): void {
    for (const watch of [...this.#active]) this.#tell(watch, UNKNOWN);
  }

  /** Ends all watches. */
  end(ended: Omit<WatchEvent & { kind: "ended" }, "kind">): void {
    for (const watch of [...this.#active]) {
      this.#end(watch, { kind: "ended", ...ended });
    }
  }

  /** Begins to watch `node`. */
  add(node: DirectoryNode, listener: WatchListener): Watch {
    if (this.#reach === "none") {
      return this.refuse(listener, "this file system watches nothing");
    }
    if (this.#active.size >= this.limit) {
      return this.refuse(listener, "no more watches are allowed", "limit");
    }
    const watch = { node, listener };
    this.#active.add(watch);
    return {
      settled: () => Promise.resolve(),
      close: () => void this.#active.delete(watch),
    };
  }

  /** A watch that has ended before it began. */
  refuse(
    listener: WatchListener,
    message: string,
    reason: "limit" | "unsupported" | "failed" = "failed",
  ): Watch {
    listener({ kind: "ended", reason, message });
    return { settled: () => Promise.resolve(), close(): void {} };
  }

  /** The entry `name` of `directory`, or without a name itself, has changed. */
  changed(directory: DirectoryNode, name: string | undefined): void {
    if (this.#active.size === 0) return;
    for (const watch of [...this.#active]) {
      const path = this.#pathFrom(watch.node, directory, name);
      if (path !== undefined) this.#tell(watch, { kind: "changed", path });
    }
  }

  /** `directory` was removed: its own watches have nothing to see any more. */
  removed(directory: DirectoryNode): void {
    for (const watch of [...this.#active]) {
      if (watch.node !== directory) continue;
      const message = "the directory is gone";
      this.#end(watch, { kind: "ended", reason: "gone", message });
    }
  }

  /** The path below `top`, if a watch on `top` sees it. */
  #pathFrom(
    top: DirectoryNode,
    directory: DirectoryNode,
    name: string | undefined,
  ): RelPath | undefined {
    const names = name === undefined ? [] : [name];
    let here = directory;
    while (here !== top) {
      const { parent } = here;
      if (parent === undefined) return undefined;
      for (const [childName, child] of parent.children) {
        if (child === here) names.unshift(childName);
      }
      here = parent;
    }
    if (this.#reach === "children" && names.length > 1) return undefined;
    return names.length === 0 ? ROOT : names.join("/") as RelPath & Name;
  }

  #tell(watch: ActiveWatch, event: WatchEvent): void {
    if (this.#active.has(watch) && this.passes(event)) watch.listener(event);
  }

  #end(watch: ActiveWatch, event: WatchEvent): void {
    if (this.#active.delete(watch)) watch.listener(event);
  }
}

const UNKNOWN: WatchEvent = { kind: "unknown" };
