/** `lockstep conflicts`: what both sides changed, and which version is taken. */
import { toByteText } from "../../core/byte_text.ts";
import { IgnoreScope } from "../../core/ignore.ts";
import { compileRule } from "../../core/ignore_rule.ts";
import { IgnoreTree } from "../../core/ignore_tree.ts";
import { parseRelPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import type { Command } from "../args.ts";
import { readConfigFile } from "../config/config_file.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { WireConflict } from "../client_report.ts";
import type { HubEvent } from "../hub_report.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";

type ConflictCommand = Extract<
  Command,
  { kind: "conflicts list" | "conflicts show" | "conflicts resolve" }
>;
type ResolveOptions = Extract<
  ConflictCommand,
  { kind: "conflicts resolve" }
>["options"];

/** Conflicts that are asked for at once. */
const PAGE = 500;

/** Runs the command. @throws {SyncError} */
export async function runConflictCommand(
  command: ConflictCommand,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  using hub = new HubClient(hubOf(command.options.config), signal);
  const tell = (event: HubEvent): void =>
    reporter.report({ kind: "hub", event });
  switch (command.kind) {
    case "conflicts list": {
      let count = 0;
      for await (const conflict of conflictsOf(hub, command.options.all)) {
        tell({ kind: "hub-conflict", conflict });
        count++;
      }
      tell({ kind: "conflicts-done", count });
      return EXIT.done;
    }
    case "conflicts show": {
      const conflict = await conflictAt(hub, command.options.id);
      tell({ kind: "hub-conflict", conflict });
      return EXIT.done;
    }
    case "conflicts resolve":
      await resolveConflicts(hub, command.options, tell);
      return EXIT.done;
    default:
      return command satisfies never;
  }
}

function hubOf(file: string): ConstructorParameters<typeof HubClient>[0] {
  const { server, apiKey, apiKeyFile, caFile } = readConfigFile(file);
  return { server, apiKey, apiKeyFile, caFile };
}

async function resolveConflicts(
  hub: HubClient,
  options: ResolveOptions,
  tell: (event: HubEvent) => void,
): Promise<void> {
  const { id, path: pattern, take } = options;
  if ((id === undefined) === (pattern === undefined)) {
    throw new UsageError("Write either an ID or --path PATTERN");
  }
  const chosen: WireConflict[] = [];
  if (id !== undefined) chosen.push(await conflictAt(hub, id));
  else {
    const origin = { file: "--path", line: undefined };
    const rule = compileRule(toByteText(pattern!), origin);
    const tree = new IgnoreTree(IgnoreScope.given([rule]), new Map());
    for await (const conflict of conflictsOf(hub, false)) {
      const path = parseRelPath(conflict.path);
      if (tree.decide(path, false).ignored) chosen.push(conflict);
    }
  }
  for (const conflict of chosen) {
    await resolveOne(hub, conflict, take);
    tell({
      kind: "conflict-resolved",
      id: conflict.id,
      path: conflict.path,
      take,
    });
  }
  tell({ kind: "conflicts-done", count: chosen.length });
}

async function resolveOne(
  hub: HubClient,
  conflict: WireConflict,
  take: string,
): Promise<void> {
  const { id, side } = conflict;
  if (take === "hub" || take === "client") {
    const keep = take === side ? "other" : "current";
    await hub.ask(`/conflicts/${id}/resolve`, { keep });
    return;
  }
  if (take !== "both") await putFile(hub, conflict, take);
  const keep = take === "both" ? "both" : "current";
  await hub.ask(`/conflicts/${id}/resolve`, { keep });
}

/** @throws {UsageError} If there is no such file. */
async function putFile(
  hub: HubClient,
  { path, current }: WireConflict,
  file: string,
): Promise<void> {
  let content: Deno.FsFile;
  try {
    content = await Deno.open(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError(
      "--take is hub, client, both or the name of a file; there is no such file",
      { cause: error },
    );
  }
  const { conflict } = await hub.upload(content.readable, {
    path,
    base: String(current),
  });
  if (conflict === undefined) return;
  // Nobody shall find a conflict that was never one.
  await hub.ask(`/conflicts/${conflict.id}/resolve`, { keep: "current" });
  throw new UsageError(
    "The file at the hub is another one by now: look at it, and try again",
  );
}

async function conflictAt(hub: HubClient, id: string): Promise<WireConflict> {
  if (!/^\d{1,15}$/.test(id)) {
    throw new UsageError(`"${id}" is not the number of a conflict`);
  }
  return await hub.ask(`/conflicts/${id}`) as WireConflict;
}

async function* conflictsOf(
  hub: HubClient,
  all: boolean,
): AsyncGenerator<WireConflict> {
  for (let after = 0;;) {
    const query = `limit=${PAGE}&after=${after}${all ? "&all=true" : ""}`;
    const page = await hub.ask(`/conflicts?${query}`) as {
      readonly conflicts: readonly WireConflict[];
      readonly next?: number;
    };
    yield* page.conflicts;
    if (page.next === undefined) return;
    after = page.next;
  }
}
