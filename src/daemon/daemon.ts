/** The daemon: all workspaces, one process for each, and the interface to them. */
import type { Clock } from "../core/clock.ts";
import { displayPath } from "../core/path.ts";
import { sleep } from "../core/sleep.ts";
import { messageOf, SyncError } from "../errors.ts";
import type { Controlled, DaemonStatus } from "./control.ts";
import { type Registry, remoteOf } from "./registry.ts";
import { type FlushResult, HEARTBEAT_MS } from "./worker_message.ts";
import {
  type Surroundings,
  Workspace,
  type WorkspaceStatus,
} from "./workspace.ts";
import type { RemoteConfig, WorkspaceConfig } from "./workspace_config.ts";

/** A look that comes this late says that our own process was stopped. */
const LATE_MS = 2_000;

/** What a {@link Daemon} is given. */
export interface DaemonOptions {
  readonly registry: Registry;
  readonly around: Surroundings;
  readonly clock: Clock;
  /** What it says of itself, without what it counts. */
  readonly about: Omit<DaemonStatus, "workspaces" | "failed">;
  /** What is wrong with the places of the daemon, if something is. */
  readonly fault: () => string | undefined;
}

/** Supervises workspaces; whoever made it runs it, once. */
export class Daemon implements Controlled {
  readonly #options: DaemonOptions;
  readonly #workspaces = new Map<string, Workspace>();
  readonly #stop = new AbortController();

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /**
   * Works until it is stopped, or the signal aborts; then all processes are gone.
   * @throws {SyncError} If it can no longer be sure to be the only one.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { registry, clock, fault } = this.#options;
    const stop = AbortSignal.any([signal, this.#stop.signal]);
    try {
      for (const config of registry.all) this.#begin(config);
      let last = clock.now();
      while (!stop.aborted) {
        await sleep(HEARTBEAT_MS, clock, stop);
        const isLate = clock.now() - last > HEARTBEAT_MS + LATE_MS;
        last = clock.now();
        for (const workspace of this.#workspaces.values()) {
          workspace.check(isLate);
        }
        const reason = stop.aborted ? undefined : fault();
        if (reason !== undefined) {
          throw new SyncError("failed", `The daemon has to end: ${reason}`);
        }
      }
    } finally {
      const open = [...this.#workspaces.values()];
      await Promise.all(open.map((workspace) => workspace.close()));
    }
  }

  get status(): DaemonStatus {
    const workspaces = this.list();
    return {
      ...this.#options.about,
      workspaces: workspaces.length,
      failed: workspaces.filter(({ state }) => state === "failed").length,
    };
  }

  stop(): void {
    this.#stop.abort();
  }

  list(): readonly WorkspaceStatus[] {
    return this.#options.registry.all.map(({ name }) =>
      this.#workspaces.get(name)!.status
    );
  }

  info(name: string): WorkspaceStatus {
    return this.#get(name).status;
  }

  config(name: string): WorkspaceConfig {
    return this.#options.registry.get(name);
  }

  add(config: WorkspaceConfig): void {
    refusePath(config.path);
    this.#options.registry.add(config);
    this.#begin(config);
  }

  async remove(name: string): Promise<void> {
    const workspace = this.#get(name);
    const config = this.config(name);
    this.#options.registry.remove(name);
    this.#workspaces.delete(config.name);
    await workspace.close();
    workspace.forget();
  }

  attach(name: string, remote: RemoteConfig): void {
    const workspace = this.#get(name);
    refusePath(this.config(name).path);
    workspace.configure(this.#options.registry.attach(name, remote));
  }

  detach(name: string, remote: string): void {
    const workspace = this.#get(name);
    workspace.configure(this.#options.registry.detach(name, remote));
  }

  pause(name: string, remote: string | undefined, paused: boolean): void {
    const workspace = this.#get(name);
    const { registry } = this.#options;
    if (remote !== undefined) remoteOf(registry.get(name), remote);
    workspace.configure(registry.pause(name, remote, paused));
    if (!paused) workspace.retry(remote);
  }

  async flush(
    name: string,
    remotes: readonly string[],
    timeoutMs: number,
  ): Promise<readonly FlushResult[]> {
    return await this.#get(name).flush(remotes, timeoutMs);
  }

  #begin(config: WorkspaceConfig): void {
    const workspace = new Workspace(config, {
      ...this.#options.around,
      onRound: (name, remote) => this.#answered(name, remote),
    });
    this.#workspaces.set(config.name, workspace);
    workspace.start();
  }

  /** What was allowed for the first complete round of a remote holds no more. */
  #answered(name: string, remote: string): void {
    const { registry, around } = this.#options;
    try {
      const config = registry.answered(name, remote);
      if (config !== undefined) this.#workspaces.get(name)?.configure(config);
    } catch (error) {
      const message = messageOf(error);
      around.log(name, `${remote}: what was allowed once still is: ${message}`);
    }
  }

  #get(name: string): Workspace {
    return this.#workspaces.get(this.config(name).name)!;
  }
}

/** @throws {SyncError} If there is no directory. */
function refusePath(path: string): void {
  let isDirectory = false;
  try {
    isDirectory = Deno.statSync(path).isDirectory;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new SyncError("not-found", `${displayPath(path)} is not there`);
  }
  if (isDirectory) return;
  throw new SyncError(
    "not-a-directory",
    `${displayPath(path)} is no directory`,
  );
}
