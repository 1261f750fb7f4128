/** `lockstep key …`: the keys of a hub, also while it runs. */
import {
  displayPath,
  parseRelPath,
  type RelPath,
  ROOT,
} from "../../core/path.ts";
import { messageOf, SyncError, UsageError } from "../../errors.ts";
import { withKeys } from "../../hub/data_directory.ts";
import type { Role } from "../../hub/keys.ts";
import type { Command } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { HubEvent } from "../hub_report.ts";
import type { CommandContext } from "./context.ts";

type KeyCommand = Extract<Command, { kind: `key ${string}` }>;

/** Runs the command. @throws {SyncError} */
export function runKeyCommand(
  command: KeyCommand,
  { reporter }: CommandContext,
): ExitCode {
  const tell = (event: HubEvent): void =>
    reporter.report({ kind: "hub", event });
  switch (command.kind) {
    case "key create": {
      const { dataDir, name, path, expires } = command.options;
      const role = command.options.role as Role;
      const key = withKeys(dataDir, (keys) =>
        keys.create({
          name,
          role,
          path: path === undefined ? ROOT : readPrefix(path),
          expires: expires === undefined ? undefined : Date.now() + expires,
        }));
      tell({ kind: "key-created", name, role, key, isFirst: false });
      return EXIT.done;
    }
    case "key list":
      for (const key of withKeys(command.options.dataDir, (k) => k.list())) {
        const { name, role, path } = key;
        const [created, expires, revoked] = [
          key.created,
          key.expires,
          key.revoked,
        ].map((time) =>
          time === undefined ? undefined : new Date(time).toISOString()
        );
        const shown = { name, role, path, created: created!, expires, revoked };
        tell({ kind: "key", key: shown });
      }
      return EXIT.done;
    case "key revoke": {
      const { dataDir, name } = command.options;
      if (!withKeys(dataDir, (keys) => keys.revoke(name))) {
        throw new SyncError("failed", `There is no key ${displayPath(name)}`);
      }
      tell({ kind: "key-revoked", name });
      return EXIT.done;
    }
    default:
      return command satisfies never;
  }
}

function readPrefix(text: string): RelPath {
  try {
    return parseRelPath(text);
  } catch (error) {
    throw new UsageError(`--path: ${messageOf(error)}`, { cause: error });
  }
}
