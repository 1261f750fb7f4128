/** `lockstep approve`: decides about deletions that a hub holds back. */
import { UsageError } from "../../errors.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { HubEvent, WireApproval } from "../hub_report.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";

/** Runs the command. @throws {SyncError} */
export async function approve(
  options: OptionsOf<"approve">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const { what, reject } = options;
  if ((what === undefined) === (reject === undefined)) {
    throw new UsageError('Say ID, "list", or --reject ID');
  }
  const tell = (event: HubEvent): void =>
    reporter.report({ kind: "hub", event });
  using hub = new HubClient(options, signal);
  if (what === "list") {
    const { approvals } = await hub.ask("/approvals") as {
      readonly approvals: readonly WireApproval[];
    };
    for (const approval of approvals) tell({ kind: "approval", approval });
    return EXIT.done;
  }
  const id = what === undefined ? reject! : idOf(what);
  const decision = what === undefined ? "reject" : "approve";
  const approval = await hub.ask(`/approvals/${id}`, { decision });
  tell({ kind: "approval", approval: approval as WireApproval });
  return EXIT.done;
}

function idOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`"${text}" is no number of an approval; see "list"`);
}
