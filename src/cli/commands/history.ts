/** `lockstep history`, `restore` and `undo`: what was at a hub. */
import { UsageError } from "../../errors.ts";
import type { Command } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { HubEvent, WireRecord } from "../hub_report.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";

type HistoryCommand = Extract<
  Command,
  { kind: "history" | "restore" | "undo" }
>;
type OptionsFor<K> = Extract<HistoryCommand, { kind: K }>["options"];

/** Changes that are asked for at once. */
const PAGE = 500;

/** Why the hub has left something out, in words. */
const REASONS: Readonly<Record<string, string>> = {
  "content-missing": "its content is gone by now",
  "changed-since": "somebody has changed it since",
  "blocked": "something else stands in its way",
};

interface Page {
  readonly records: readonly WireRecord[];
  readonly next?: number;
}

interface Restored {
  readonly records: readonly WireRecord[];
  readonly left_out: readonly {
    readonly path: string;
    readonly reason: string;
  }[];
}

/** Runs the command. @throws {SyncError} */
export async function runHistoryCommand(
  command: HistoryCommand,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  using hub = new HubClient(command.options, signal);
  const tell = (event: HubEvent): void =>
    reporter.report({ kind: "hub", event });
  switch (command.kind) {
    case "history":
      await history(hub, command.options, tell);
      return EXIT.done;
    case "restore":
      return tellOf(await restore(hub, command.options), tell);
    case "undo": {
      const { client } = command.options;
      return tellOf(await hub.ask("/undo", { client }) as Restored, tell);
    }
    default:
      return command satisfies never;
  }
}

async function history(
  hub: HubClient,
  { path, limit }: OptionsFor<"history">,
  tell: (event: HubEvent) => void,
): Promise<void> {
  let before: number | undefined;
  for (let left = limit; left > 0;) {
    const query = new URLSearchParams({ limit: String(Math.min(left, PAGE)) });
    if (path !== undefined) query.set("path", path);
    if (before !== undefined) query.set("before", String(before));
    const page = await hub.ask(`/history?${query}`) as Page;
    for (const record of page.records) tell({ kind: "change", record });
    left -= page.records.length;
    before = page.next;
    if (before === undefined) return;
  }
}

async function restore(
  hub: HubClient,
  { path, version, at }: OptionsFor<"restore">,
): Promise<Restored> {
  if (version !== undefined) {
    if (path === undefined) throw new UsageError("--version wants a PATH");
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    const record = await hub.ask(`/files/${encoded}/restore`, { version });
    return { records: [record as WireRecord], left_out: [] };
  }
  if (at === undefined) throw new UsageError("Say --version N, or --at TIME");
  const body = { at, ...(path !== undefined && { path }) };
  return await hub.ask("/restore", body) as Restored;
}

function tellOf(
  { records, left_out }: Restored,
  tell: (event: HubEvent) => void,
): ExitCode {
  for (const record of records) tell({ kind: "change", record });
  for (const { path, reason } of left_out) {
    tell({ kind: "left-out", path, message: REASONS[reason] ?? reason });
  }
  const leftOut = left_out.length;
  tell({ kind: "restore-done", count: records.length, leftOut });
  return leftOut === 0 ? EXIT.done : EXIT.partial;
}
