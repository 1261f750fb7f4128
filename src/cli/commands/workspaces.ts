/** `lockstep workspace …`: what the daemon is asked for, and what it answers. */
import { resolve } from "@std/path";
import { sleep } from "../../core/sleep.ts";
import type { FlushResult } from "../../daemon/worker_message.ts";
import type { WorkspaceStatus } from "../../daemon/workspace.ts";
import type { OptionTexts } from "../../daemon/workspace_config.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { Command, OptionsOf } from "../args.ts";
import type { DaemonEvent } from "../daemon_report.ts";
import { EXIT, type ExitCode, worstOf } from "../exit_code.ts";
import { WORKSPACE_COMMANDS } from "../workspace_commands.ts";
import { hubOf } from "../client/hub_address.ts";
import type { CommandContext } from "./context.ts";
import { DaemonClient } from "./daemon_client.ts";
import { hubKeyOf } from "./hub_client.ts";
import { tokenOf } from "./token.ts";

type WorkspaceCommand = Extract<Command, { kind: `workspace ${string}` }>;

const LIST_EVERY_MS = 500;

/** Their values are paths: here they mean something, to the daemon nothing. */
const PATHS: ReadonlySet<string> = new Set([
  "ca-file",
  "exclude-from",
  "token-file",
  "trash",
]);

/** Runs the command. @throws {SyncError} */
export async function runWorkspaceCommand(
  command: WorkspaceCommand,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const tell = (event: DaemonEvent): void =>
    reporter.report({ kind: "daemon", event });
  const changed = (
    action: (DaemonEvent & { kind: "changed" })["action"],
    workspace: string,
    remote?: string,
  ): ExitCode => {
    tell({ kind: "changed", action, workspace, remote });
    return EXIT.done;
  };
  using client = new DaemonClient(signal);
  switch (command.kind) {
    case "workspace add": {
      const { name, path } = command.options;
      const { name: _, path: __, ...specs } =
        WORKSPACE_COMMANDS["workspace add"].options;
      const options = textsOf(command.options, specs);
      const body = { name, path: resolve(path), options };
      await client.ask("POST", "workspaces", body);
      return changed("added", name);
    }
    case "workspace remove": {
      const { name } = command.options;
      await client.ask("DELETE", placeOf(name));
      return changed("removed", name);
    }
    case "workspace list":
      return await list(command.options, client, signal, tell);
    case "workspace info": {
      const { name } = command.options;
      const workspaces = name === undefined
        ? await listOf(client)
        : [await client.ask("GET", placeOf(name)) as WorkspaceStatus];
      for (const workspace of workspaces) tell({ kind: "info", workspace });
      return EXIT.done;
    }
    case "workspace attach": {
      const { workspace, remote } = command.options;
      const body = attachment(command.options);
      await client.ask("POST", `${placeOf(workspace)}/remotes`, body);
      return changed("attached", workspace, remote);
    }
    case "workspace detach": {
      const { workspace, remote } = command.options;
      const place = `${placeOf(workspace)}/remotes/${
        encodeURIComponent(remote)
      }`;
      await client.ask("DELETE", place);
      return changed("detached", workspace, remote);
    }
    case "workspace pause":
    case "workspace resume": {
      const { workspace, remote } = command.options;
      const isPause = command.kind === "workspace pause";
      const action = isPause ? "pause" : "resume";
      await client.ask("POST", `${placeOf(workspace)}/${action}`, { remote });
      return changed(isPause ? "paused" : "resumed", workspace, remote);
    }
    case "workspace flush": {
      const { workspace, remote, timeout } = command.options;
      const body = { remote, timeoutMs: timeout };
      const place = `${placeOf(workspace)}/flush`;
      const { remotes } = await client.ask("POST", place, body) as {
        readonly remotes: readonly FlushResult[];
      };
      tell({ kind: "flushed", workspace, results: remotes });
      return worstOf(remotes.map(({ exit }) => exit as ExitCode));
    }
    default:
      return command satisfies never;
  }
}

async function list(
  { watch }: OptionsOf<"workspace list">,
  client: DaemonClient,
  signal: AbortSignal,
  tell: (event: DaemonEvent) => void,
): Promise<ExitCode> {
  for (;;) {
    const workspaces = await listOf(client);
    tell({ kind: "list", workspaces, isLive: watch });
    if (!watch) return EXIT.done;
    await sleep(LIST_EVERY_MS, systemClock, signal);
    if (signal.aborted) return EXIT.done;
  }
}

async function listOf(
  client: DaemonClient,
): Promise<readonly WorkspaceStatus[]> {
  const { workspaces } = await client.ask("GET", "workspaces") as {
    readonly workspaces: readonly WorkspaceStatus[];
  };
  return workspaces;
}

function attachment(
  options: OptionsOf<"workspace attach">,
): Readonly<Record<string, unknown>> {
  const { workspace: _, remote: __, to: ___, token: ____, ...specs } =
    WORKSPACE_COMMANDS["workspace attach"].options;
  const { remote, to, token, tokenFile } = options;
  // The daemon reads the file by itself, whenever it connects.
  const shown = to.kind === "directory" || tokenFile !== undefined
    ? token
    : hubOf(to.url) === undefined
    ? tokenOf({ token, tokenFile })
    : hubKeyOf({ apiKey: token, apiKeyFile: undefined });
  return {
    name: remote,
    to: to.kind === "url" ? to.url : resolve(to.path),
    options: textsOf(options, specs),
    token: shown,
  };
}

function placeOf(workspace: string): string {
  return `workspaces/${encodeURIComponent(workspace)}`;
}

/** What was given of the options in `specs`, by their long names. */
function textsOf(
  options: Readonly<Record<string, unknown>>,
  specs: Readonly<Record<string, { readonly long: string }>>,
): OptionTexts {
  const texts: Record<string, true | string | readonly string[]> = {};
  for (const [property, { long }] of Object.entries(specs)) {
    const value = options[property];
    const place = (text: string): string =>
      PATHS.has(long) ? resolve(text) : text;
    if (long === "json" || value === undefined || value === false) continue;
    if (value === true) texts[long] = true;
    else if (typeof value === "string") texts[long] = place(value);
    else {
      const list = value as readonly string[];
      if (list.length > 0) texts[long] = list.map(place);
    }
  }
  return texts;
}
