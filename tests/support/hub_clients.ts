/** A hub and some clients of it, as processes. */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { assertEquals } from "@std/assert";
import { formatClientConfig } from "../../src/cli/config/client_config.ts";
import type { ClientPolicy } from "../../src/cli/config/client_policy.ts";
import { writeTree } from "./disk_tree.ts";
import { type HubProgram, serve } from "./hub_program.ts";
import { assertSameTree, listTree } from "./oracle.ts";
import { type Ended, Program, type ProgramOptions, run } from "./program.ts";
import { TempDir } from "./temp.ts";

/** What is special about a client. */
export interface ClientShape {
  readonly policy?: ClientPolicy;
  readonly ignore?: readonly string[];
  /** Where it finds the hub; by default where that is. */
  readonly server?: string;
}

/** A client that goes on. */
export interface HeldClient extends Program {
  /** Interrupts it: how it ended. */
  end(): Promise<Ended>;
}

/** Its owner disposes of it. */
export class HubClients implements AsyncDisposable {
  readonly temp = new TempDir();
  readonly data = this.temp.at("data");
  /** Directories, by the names of clients. */
  readonly directories = new Map<string, string>();
  hub: HubProgram | undefined;
  #port = "0";

  /** A hub that runs, and clients that are configured. */
  static async begin(
    clients: Readonly<Record<string, ClientShape>>,
  ): Promise<HubClients> {
    const all = new HubClients();
    try {
      await all.serve();
      for (const [name, shape] of Object.entries(clients)) {
        all.configure(name, shape);
      }
      return all;
    } catch (error) {
      await all[Symbol.asyncDispose]();
      throw error;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the hub, at the same port as before. */
  async serve(): Promise<void> {
    this.hub = await serve(this.data, ["--no-auth", "--port", this.#port]);
    this.#port = String(this.hub.port);
  }

  /** Ends the hub, as the signal says. */
  async stopHub(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.hub!.kill(signal);
    await this.hub!.ended;
    await this.hub![Symbol.asyncDispose]();
    this.hub = undefined;
  }

  /** Writes what `init` would write, and makes the directory. */
  configure(
    name: string,
    { policy = "newest", ignore = [], server = this.url }: ClientShape = {},
  ): void {
    const directory = this.temp.directory(name);
    this.directories.set(name, directory);
    Deno.writeTextFileSync(
      this.config(name),
      formatClientConfig({
        clientName: name,
        syncDirectory: directory,
        server,
        ignorePatterns: ignore,
        apiKey: undefined,
        apiKeyFile: undefined,
        caFile: undefined,
        conflictPolicy: policy,
      }),
      { mode: 0o600 },
    );
  }

  config(name: string): string {
    return this.temp.at(`${name}.yaml`);
  }

  at(name: string, ...path: string[]): string {
    return join(this.directories.get(name)!, ...path);
  }

  write(name: string, path: string, text: string, mtime?: number): void {
    Deno.writeTextFileSync(this.at(name, path), text);
    if (mtime !== undefined) Deno.utimeSync(this.at(name, path), mtime, mtime);
  }

  fill(name: string, tree: Parameters<typeof writeTree>[1]): void {
    writeTree(this.at(name), tree);
  }

  read(name: string, path: string): string {
    return Deno.readTextFileSync(this.at(name, path));
  }

  /** What each client remembers is its own. */
  options(name: string, env: Record<string, string> = {}): ProgramOptions {
    return { env: { XDG_STATE_HOME: this.temp.at(`state-${name}`), ...env } };
  }

  /** Begins `lockstep start`. */
  start(
    name: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Program {
    return new Program(
      ["start", "--config", this.config(name), "--json", ...args],
      this.options(name, env),
    );
  }

  /** A client that goes on, and has done its first round. */
  async hold(
    name: string,
    args: readonly string[] = [],
  ): Promise<HeldClient> {
    const program = this.start(name, args);
    try {
      await program.event("synced");
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
    return Object.assign(program, {
      end: async () => {
        program.kill("SIGINT");
        return await program.ended;
      },
    });
  }

  /** `lockstep start --once`, to its end. */
  async once(
    name: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<Ended> {
    await using program = this.start(
      name,
      ["--once", "--retry-for", "10", ...args],
      env,
    );
    return await program.ended;
  }

  /** The same for each of `names`, in order; all of them go well. */
  async round(...names: readonly string[]): Promise<readonly Ended[]> {
    const all: Ended[] = [];
    for (const name of names) {
      const ended = await this.once(name);
      assertEquals(ended.code, 0, `${name}: ${ended.stdout}\n${ended.stderr}`);
      all.push(ended);
    }
    return all;
  }

  /** Another command of the client. */
  async command(
    name: string,
    words: readonly string[],
    args: readonly string[] = [],
  ): Promise<Ended> {
    const config = ["--config", this.config(name), "--json"];
    return await run([...words, ...config, ...args], this.options(name));
  }

  async assertEqual(): Promise<void> {
    const [first, ...others] = [...this.directories.values()];
    for (const other of others) await assertSameTree(first!, other);
  }

  /** The contents that the hub has, now or as an old version or a conflict. */
  async digestsAtHub(): Promise<Set<string>> {
    const digests = new Set<string>();
    const read = async (
      route: string,
      list: string,
      cursor: string,
    ): Promise<void> => {
      for (let next = "";;) {
        const response = await fetch(`${this.url}${route}limit=1000${next}`);
        const page = await response.json();
        for (const { digest } of page[list]) digests.add(digest);
        if (page.next === undefined) return;
        next = `&${cursor}=${page.next}`;
      }
    };
    await read("/history?", "records", "before");
    await read("/conflicts?all=true&", "conflicts", "after");
    return digests;
  }

  /** The digests of files of a client, by path, less what Lockstep keeps there itself. */
  digestsIn(name: string): Map<string, string> {
    const found = new Map<string, string>();
    const root = this.at(name);
    for (const [path, { kind }] of listTree(root)) {
      if (kind !== "file" || path.startsWith(".lockstep/")) continue;
      const bytes = Deno.readFileSync(join(root, path));
      found.set(path, createHash("sha256").update(bytes).digest("hex"));
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub?.[Symbol.asyncDispose]();
    await this.temp[Symbol.asyncDispose]();
  }
}
