/** All workspaces as they are to be; each change is on the disk before it counts. */
import { displayPath, quote } from "../core/path.ts";
import { SyncError, UsageError } from "../errors.ts";
import {
  formatWorkspaces,
  isSameName,
  laterOptions,
  MAX_REMOTES,
  MAX_WORKSPACES,
  parseWorkspaces,
  type RemoteConfig,
  unusableConfig,
  type WorkspaceConfig,
} from "./workspace_config.ts";

/** Where workspaces are remembered. */
export interface ConfigStore {
  /** How people know it. */
  readonly name: string;
  /** What is there; undefined: nothing. @throws {SyncError} */
  read(): string | undefined;
  /** Replaces it in one step. @throws {SyncError} Then it is what it was. */
  write(text: string): void;
}

/** What only whoever knows all options can tell. */
export interface ConfigChecks {
  /** @throws {UsageError} If there is something wrong with an option. */
  checkOptions(workspace: WorkspaceConfig): void;
  /**
   * @param others All workspaces but this one.
   * @throws {UsageError} If `workspace` can't be worked with.
   */
  check(workspace: WorkspaceConfig, others: readonly WorkspaceConfig[]): void;
}

/** All workspaces, by name. */
export class Registry {
  readonly #store: ConfigStore;
  readonly #checks: ConfigChecks;
  /** What is on the disk, as far as we know. */
  #text: string | undefined;
  #workspaces: readonly WorkspaceConfig[];

  /** @throws {SyncError} If what is remembered is damaged; it is left as it is. */
  constructor(store: ConfigStore, checks: ConfigChecks) {
    this.#store = store;
    this.#checks = checks;
    this.#text = store.read();
    try {
      this.#workspaces = this.#text === undefined
        ? []
        : parseWorkspaces(this.#text);
      for (const workspace of this.#workspaces) checks.checkOptions(workspace);
    } catch (error) {
      throw unusableConfig(displayPath(store.name), error);
    }
  }

  get all(): readonly WorkspaceConfig[] {
    return this.#workspaces;
  }

  /** @throws {SyncError} `not-found` */
  get(name: string): WorkspaceConfig {
    const found = this.#workspaces.find((one) => isSameName(one.name, name));
    if (found !== undefined) return found;
    throw new SyncError(
      "not-found",
      `There is no workspace ${quote(name)}`,
    );
  }

  /** @throws {SyncError} `exists`, `usage`, or what the disk says. */
  add(workspace: WorkspaceConfig): void {
    const { name } = workspace;
    if (this.#workspaces.some((one) => isSameName(one.name, name))) {
      throw new SyncError(
        "exists",
        `There is a workspace ${quote(name)} already`,
      );
    }
    if (this.#workspaces.length >= MAX_WORKSPACES) {
      throw new UsageError(`There are ${MAX_WORKSPACES} workspaces already`);
    }
    this.#checks.check(workspace, this.#workspaces);
    this.#commit([...this.#workspaces, workspace]);
  }

  /** @throws {SyncError} `not-found`, or what the disk says. */
  remove(name: string): void {
    const gone = this.get(name);
    this.#commit(this.#workspaces.filter((one) => one !== gone));
  }

  /** @throws {SyncError} `not-found`, `exists`, `usage`, or what the disk says. */
  attach(name: string, remote: RemoteConfig): WorkspaceConfig {
    const workspace = this.get(name);
    if (workspace.remotes.some((one) => isSameName(one.name, remote.name))) {
      throw new SyncError(
        "exists",
        `The workspace ${quote(name)} has a remote ${
          quote(remote.name)
        } already`,
      );
    }
    if (workspace.remotes.length >= MAX_REMOTES) {
      throw new UsageError(
        `The workspace ${quote(name)} has ${MAX_REMOTES} remotes already`,
      );
    }
    const wanted = { ...workspace, remotes: [...workspace.remotes, remote] };
    const others = this.#workspaces.filter((one) => one !== workspace);
    this.#checks.check(wanted, others);
    return this.#replace(workspace, wanted);
  }

  /** @throws {SyncError} `not-found`, or what the disk says. */
  detach(name: string, remoteName: string): WorkspaceConfig {
    const workspace = this.get(name);
    const gone = remoteOf(workspace, remoteName);
    const remotes = workspace.remotes.filter((one) => one !== gone);
    return this.#replace(workspace, { ...workspace, remotes });
  }

  /**
   * Pauses or resumes a workspace, or one remote of it.
   * @throws {SyncError} `not-found`, or what the disk says.
   */
  pause(
    name: string,
    remoteName: string | undefined,
    paused: boolean,
  ): WorkspaceConfig {
    const workspace = this.get(name);
    if (remoteName === undefined) {
      return this.#replace(workspace, { ...workspace, paused });
    }
    const remote = remoteOf(workspace, remoteName);
    const remotes = workspace.remotes.map((one) =>
      one === remote ? { ...one, paused } : one
    );
    return this.#replace(workspace, { ...workspace, remotes });
  }

  /**
   * The first round of a remote is complete: what was allowed for it holds no more.
   * @returns What is to be from now on; undefined where nothing is other than before.
   * @throws {SyncError} `not-found`, or what the disk says.
   */
  answered(name: string, remoteName: string): WorkspaceConfig | undefined {
    const workspace = this.get(name);
    const remote = remoteOf(workspace, remoteName);
    const options = laterOptions(remote.options);
    if (options === remote.options) return undefined;
    const remotes = workspace.remotes.map((one) =>
      one === remote ? { ...one, options } : one
    );
    return this.#replace(workspace, { ...workspace, remotes });
  }

  #replace(before: WorkspaceConfig, after: WorkspaceConfig): WorkspaceConfig {
    this.#commit(
      this.#workspaces.map((one) => one === before ? after : one),
    );
    return after;
  }

  #commit(workspaces: readonly WorkspaceConfig[]): void {
    const text = formatWorkspaces(workspaces);
    if (this.#store.read() !== this.#text) {
      throw new SyncError(
        "failed",
        `${
          displayPath(this.#store.name)
        } was changed by somebody else: nothing is written to it before the ` +
          "daemon was started anew",
      );
    }
    if (text !== this.#text) this.#store.write(text);
    this.#text = text;
    this.#workspaces = workspaces;
  }
}

/** @throws {SyncError} `not-found` */
export function remoteOf(
  workspace: WorkspaceConfig,
  name: string,
): RemoteConfig {
  const found = workspace.remotes.find((one) => isSameName(one.name, name));
  if (found !== undefined) return found;
  throw new SyncError(
    "not-found",
    `The workspace ${quote(workspace.name)} has no remote ${quote(name)}`,
  );
}
