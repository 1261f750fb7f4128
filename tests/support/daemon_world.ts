/** A daemon as a process, with places of its own, and ways to talk to it. */
import { assertEquals } from "@std/assert";
import type { WorkspaceStatus } from "../../src/daemon/workspace.ts";
import { assertSameTree } from "./oracle.ts";
import { type Ended, Program, run } from "./program.ts";
import { TempDir } from "./temp.ts";
import { until } from "./until.ts";

/** What the control interface answers. */
export interface Answer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- tests look at what they expect
  readonly body: any;
}

/** Places of one user, and the daemon there; its owner disposes of it. */
export class DaemonWorld implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly runtime = this.temp.directory("run");
  readonly config = this.temp.at("config", "workspaces.json");
  readonly socket = this.temp.at("run", "lockstep.sock");
  /** The variables that lead there. */
  readonly env: Record<string, string> = {
    ...denoDirectory(),
    HOME: this.temp.directory("home"),
    XDG_RUNTIME_DIR: this.runtime,
    XDG_STATE_HOME: this.temp.directory("state"),
    XDG_CONFIG_HOME: this.temp.directory("home/config"),
    LOCKSTEP_CONFIG: this.config,
  };
  readonly #programs: Program[] = [];

  constructor() {
    Deno.chmodSync(this.runtime, 0o700);
  }

  /** Starts `daemon run`, and waits until it is ready. */
  async start(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Program> {
    const daemon = this.program(["daemon", "run", ...args], env);
    await daemon.event("running");
    return daemon;
  }

  /** Starts the program with `--json`; it is ended with this world. */
  program(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Program {
    const options = { env: { ...this.env, ...env } };
    const program = new Program([...args, "--json"], options);
    this.#programs.push(program);
    return program;
  }

  /** Runs a command to its end, as people do. */
  run(...args: readonly string[]): Promise<Ended> {
    return run(args, { env: this.env, cwd: this.temp.path });
  }

  /** Asks the daemon. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const proxy = { transport: "unix", path: this.socket } as const;
    using client = Deno.createHttpClient({ proxy });
    const response = await fetch(`http://localhost/v1/${path}`, {
      method,
      client,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    } as RequestInit);
    return { status: response.status, body: await response.json() };
  }

  /** Makes the directory `name` with a file in it a workspace. */
  async add(name: string): Promise<string> {
    const path = this.temp.directory(name);
    Deno.writeTextFileSync(`${path}/file`, name);
    const added = await this.ask("POST", "workspaces", { name, path });
    assertEquals(added.status, 201, JSON.stringify(added.body));
    return path;
  }

  /** As {@link add}, mirrored to the directory `disk`, where it is in place by now. */
  async mirrored(name: string): Promise<string> {
    const path = await this.add(name);
    await this.attach(name, "disk", this.temp.at("disk"));
    await this.flush(name);
    return path;
  }

  async attach(
    workspace: string,
    remote: string,
    to: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const body = { name: remote, to, options };
    const path = `workspaces/${workspace}/remotes`;
    const attached = await this.ask("POST", path, body);
    assertEquals(attached.status, 201, JSON.stringify(attached.body));
  }

  async info(workspace: string): Promise<WorkspaceStatus> {
    return (await this.ask("GET", `workspaces/${workspace}`)).body;
  }

  /** Waits until the workspace is as `probe` wants it. */
  async when(
    what: string,
    workspace: string,
    probe: (info: WorkspaceStatus) => boolean,
  ): Promise<WorkspaceStatus> {
    let last: WorkspaceStatus | undefined;
    return await until(what, async () => {
      last = await this.info(workspace);
      return probe(last) ? last : undefined;
    }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last)}`);
    });
  }

  /** Waits until all remotes are in place; answers them. */
  async flush(workspace: string): Promise<void> {
    const { body } = await this.ask("POST", `workspaces/${workspace}/flush`);
    for (const { remote, exit, error } of body.remotes) {
      assertEquals([remote, exit, error], [remote, 0, undefined]);
    }
  }

  /** Waits until both trees are equal. */
  async same(source: string, target: string): Promise<void> {
    let last: unknown;
    await until(`${source} and ${target} to be equal`, async () => {
      try {
        await assertSameTree(source, target);
        return true;
      } catch (error) {
        last = error;
        return false;
      }
    }).catch((error) => {
      throw new Error(`${error.message}\n${last}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    await this.run("daemon", "stop");
    await this.temp[Symbol.asyncDispose]();
  }
}

/** Another home is not to be another cache of what Deno has loaded. */
function denoDirectory(): Record<string, string> {
  const named = Deno.env.get("DENO_DIR");
  const home = Deno.env.get("HOME");
  const usual = Deno.build.os === "linux" && home !== undefined
    ? `${home}/.cache/deno`
    : undefined;
  const path = named ?? usual;
  return path === undefined ? {} : { DENO_DIR: path };
}

/** Whether there is such a process, which is not only waiting to be forgotten. */
export function isAlive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}
