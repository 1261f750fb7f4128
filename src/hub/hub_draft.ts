/** What a sync changes in a tree, as the changes of paths that a hub accepts. */
import {
  type Change,
  countFiles,
  isTouch,
  needsContent,
} from "../core/change.ts";
import { entriesBelow, type Entry, type TrackedEntry } from "../core/entry.ts";
import {
  displayPath,
  isWithin,
  type RelPath,
  RESERVED_NAME,
} from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import type { HubStage } from "./hub_stage.ts";
import type { HubStore, NewState, ProposedChange } from "./store.ts";

/** Changes of a tree, as changes of paths. */
export class HubDraft {
  readonly proposed: ProposedChange[] = [];
  /** For each proposed change the number of the change that it belongs to. */
  readonly owners: number[] = [];
  /** Changes of which a part is left out. */
  readonly incomplete = new Set<number>();
  readonly problems: Problem[] = [];
  readonly #revision: number;
  readonly #stage: HubStage;
  /** Proposed files that keep the content which is there. */
  readonly #touched: number[] = [];
  #nextFile = 0;

  constructor(revision: number, stage: HubStage) {
    this.#revision = revision;
    this.#stage = stage;
  }

  add(i: number, change: Change, there: Entry | undefined): void {
    const { path, new: wanted } = change;
    if (isWithin(path, RESERVED_NAME as string as RelPath)) {
      const message = `${displayPath(path)} is a reserved name`;
      this.problems.push({ path, code: "failed", message });
      this.incomplete.add(i);
      // Its files are numbered all the same.
      if (needsContent(change)) this.#nextFile += countFiles(change.new);
      return;
    }
    if (wanted === undefined) {
      return this.#propose(i, path, { kind: "deleted" });
    }
    if (isTouch(change)) {
      if (wanted.kind === "file") this.#touched.push(this.proposed.length);
      // A file's content is filled in later.
      return this.#propose(i, path, stateOfEntry(wanted, there));
    }
    if (wanted.kind === "file") return this.#proposeFile(i, path, wanted);
    this.#propose(i, path, stateOfEntry(wanted, there));
    for (const [at, entry] of entriesBelow(path, wanted)) {
      if (entry.kind === "file") this.#proposeFile(i, at, entry);
      else if (entry.kind === "directory" || entry.kind === "symlink") {
        this.#propose(i, at, stateOfEntry(entry, undefined));
      }
    }
  }

  /** Says which content a file has of which only mode and time change. */
  async fillTouches(store: HubStore): Promise<void> {
    for (const at of this.#touched) {
      const change = this.proposed[at]!;
      const latest = await store.latest(change.path);
      const { state } = change;
      if (state.kind !== "file" || latest?.kind !== "file") continue;
      const { digest, size } = latest;
      this.proposed[at] = {
        ...change,
        state: { ...state, digest: digest!, size },
      };
    }
  }

  #proposeFile(
    i: number,
    path: RelPath,
    entry: Entry & { kind: "file" },
  ): void {
    const content = this.#stage.contentOf(this.#nextFile++);
    if (content === undefined) {
      this.incomplete.add(i);
      return;
    }
    const { mtime, mode } = entry;
    this.#propose(i, path, { kind: "file", mtime, mode, ...content });
  }

  #propose(i: number, path: RelPath, state: NewState): void {
    const expected = { kind: "seen", revision: this.#revision } as const;
    this.owners.push(i);
    this.proposed.push({ path, state, expected, subtree: true });
  }
}

function stateOfEntry(entry: TrackedEntry, there: Entry | undefined): NewState {
  const { kind, mtime } = entry;
  switch (kind) {
    case "directory":
      return { kind, mtime, mode: entry.mode };
    case "symlink":
      return { kind, mtime, target: entry.target };
    case "file": {
      const digest = (there?.kind === "file" ? there.digest : undefined) ?? "";
      return { kind, mtime, mode: entry.mode, size: entry.size, digest };
    }
    default:
      return kind satisfies never;
  }
}
