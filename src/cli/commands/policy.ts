/** `lockstep policy …`: what takes no part at any client of a hub. */
import { parseIgnoreFile } from "../../core/ignore_file.ts";
import { messageOf, UsageError } from "../../errors.ts";
import type { Command } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";
import { readOptionFile } from "./option_file.ts";

type PolicyCommand = Extract<Command, { kind: `policy ${string}` }>;

interface WirePolicy {
  readonly rules: readonly string[];
}

/** Runs the command. @throws {SyncError} */
export async function runPolicyCommand(
  command: PolicyCommand,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const body = bodyOf(command);
  using hub = new HubClient(command.options, signal);
  const { rules } = await hub.ask("/policy", body) as WirePolicy;
  const event = { kind: "policy", rules } as const;
  reporter.report({ kind: "hub", event });
  return EXIT.done;
}

/** The rules that a hub has for its clients. @throws {SyncError} */
export async function policyOf(hub: HubClient): Promise<readonly string[]> {
  return (await hub.ask("/policy", undefined, "soon") as WirePolicy).rules;
}

/** What to ask for: nothing is changed where it is undefined. */
function bodyOf(command: PolicyCommand): WirePolicy | undefined {
  switch (command.kind) {
    case "policy show":
      return undefined;
    case "policy clear":
      return { rules: [] };
    case "policy set":
      return { rules: rulesIn(command.options.file) };
    default:
      return command satisfies never;
  }
}

function rulesIn(path: string): string[] {
  const text = readOptionFile("FILE", path);
  try {
    return parseIgnoreFile(new TextEncoder().encode(text), path)
      .map(({ pattern }) => pattern);
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}
