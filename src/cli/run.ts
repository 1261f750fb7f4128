/** Runs one command line, from its text to its exit code. */
import { messageOf } from "../errors.ts";
import { type Command, parseCommandLine } from "./args.ts";
import type { SyncContext } from "./commands/context.ts";
import type { SplitReporter } from "./events.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "./exit_code.ts";
import { Interruption, InterruptListener } from "./interrupt.ts";
import type { Output } from "./output.ts";
import { WORKER_WORD } from "./worker_word.ts";

/** For commands that do not have these options. */
const QUIETLY = { json: false, quiet: false, verbose: false };

/** Does what `args` say; never throws. */
export async function run(
  args: readonly string[],
  output: Output,
): Promise<ExitCode> {
  let reporter: SplitReporter | undefined;
  try {
    if (args.length === 1 && args[0] === WORKER_WORD) {
      const { runWorker } = await import("./commands/workspace_worker.ts");
      return await runWorker();
    }
    const command = parseCommandLine(args);
    switch (command.kind) {
      case "version": {
        const { versionFields, versionText } = await import("./version.ts");
        output.result(
          command.json
            ? JSON.stringify({ event: "version", ...versionFields() })
            : versionText(),
        );
        return EXIT.done;
      }
      case "help":
        await printHelp(command.topic, (line) => output.result(line));
        return EXIT.done;
      case "completions": {
        const { completionScript } = await import("./completions/script.ts");
        printText(completionScript(command.options.shell), output);
        return EXIT.done;
      }
      case "man": {
        const { manPage } = await import("./man_page.ts");
        printText(manPage(), output);
        return EXIT.done;
      }
      case "none":
        await printHelp(undefined, (line) => output.message(line));
        return EXIT.usage;
      default: {
        using interrupts = new InterruptListener();
        const { signal } = interrupts;
        const { createReporter } = await import("./report.ts");
        const reports = { ...QUIETLY, ...command.options };
        reporter = await createReporter(reports, output);
        try {
          return await runCommand(command, { reporter, signal });
        } catch (error) {
          // Whatever breaks while it stops, breaks because of that.
          throw interrupts.interruption ?? error;
        }
      }
    }
  } catch (error) {
    const exit = error instanceof Interruption
      ? error.exit
      : exitCodeOfError(error);
    // A terminal shows "^C" where the live line was: the message takes its place.
    if (error instanceof Interruption) output.live(" ");
    reporter?.report({ kind: "error", error, exit });
    output.message(`lockstep: ${messageOf(error)}`);
    printStack(error, output);
    return exit;
  }
}

/** Only the code of that command is loaded. */
async function runCommand(
  command: Exclude<
    Command,
    { kind: "help" | "version" | "none" | "completions" | "man" }
  >,
  context: SyncContext,
): Promise<ExitCode> {
  switch (command.kind) {
    case "listen": {
      const { listen } = await import("./commands/listen.ts");
      return await listen(command.options, context);
    }
    case "sync": {
      const { sync } = await import("./commands/sync.ts");
      return await sync(command.options, context);
    }
    case "verify": {
      const { verify } = await import("./commands/verify.ts");
      return await verify(command.options, context);
    }
    case "explain": {
      const { explain } = await import("./commands/explain.ts");
      return await explain(command.options, context);
    }
    case "clean": {
      const { clean } = await import("./commands/clean.ts");
      return await clean(command.options, context);
    }
    case "trash list": {
      const { trashList } = await import("./commands/trash_list.ts");
      return await trashList(command.options, context);
    }
    case "trash restore": {
      const { trashRestore } = await import("./commands/trash_restore.ts");
      return await trashRestore(command.options, context);
    }
    case "trash empty": {
      const { trashEmpty } = await import("./commands/trash_empty.ts");
      return await trashEmpty(command.options, context);
    }
    case "serve": {
      const { serve } = await import("./commands/serve.ts");
      return await serve(command.options, context);
    }
    case "gc": {
      const { gc } = await import("./commands/gc.ts");
      return await gc(command.options, context);
    }
    case "key create":
    case "key list":
    case "key revoke": {
      const { runKeyCommand } = await import("./commands/keys.ts");
      return runKeyCommand(command, context);
    }
    case "doctor": {
      const { doctor } = await import("./commands/doctor.ts");
      return await doctor(command.options, context);
    }
    case "history":
    case "restore":
    case "undo": {
      const { runHistoryCommand } = await import("./commands/history.ts");
      return await runHistoryCommand(command, context);
    }
    case "policy set":
    case "policy show":
    case "policy clear": {
      const { runPolicyCommand } = await import("./commands/policy.ts");
      return await runPolicyCommand(command, context);
    }
    case "approve": {
      const { approve } = await import("./commands/approve.ts");
      return await approve(command.options, context);
    }
    case "init": {
      const { init } = await import("./commands/init.ts");
      return await init(command.options, context);
    }
    case "start": {
      const { start } = await import("./commands/start.ts");
      return await start(command.options, context);
    }
    case "status": {
      const { status } = await import("./commands/status.ts");
      return await status(command.options, context);
    }
    case "conflicts list":
    case "conflicts show":
    case "conflicts resolve": {
      const { runConflictCommand } = await import("./commands/conflicts.ts");
      return await runConflictCommand(command, context);
    }
    case "daemon run": {
      const { daemonRun } = await import("./commands/daemon_run.ts");
      return await daemonRun(command.options, context);
    }
    case "daemon start":
    case "daemon stop":
    case "daemon status": {
      const { runDaemonCommand } = await import("./commands/daemon_control.ts");
      return await runDaemonCommand(command, context);
    }
    case "daemon logs": {
      const { daemonLogs } = await import("./commands/daemon_logs.ts");
      return await daemonLogs(command.options, context);
    }
    case "daemon install":
    case "daemon uninstall": {
      const { runInstallCommand } = await import(
        "./commands/daemon_install.ts"
      );
      return runInstallCommand(command, context);
    }
    case "workspace add":
    case "workspace remove":
    case "workspace list":
    case "workspace info":
    case "workspace attach":
    case "workspace detach":
    case "workspace pause":
    case "workspace resume":
    case "workspace flush": {
      const { runWorkspaceCommand } = await import("./commands/workspaces.ts");
      return await runWorkspaceCommand(command, context);
    }
    default:
      return command satisfies never;
  }
}

async function printHelp(
  topic: (Command & { kind: "help" })["topic"],
  print: (line: string) => void,
): Promise<void> {
  const { helpText } = await import("./help.ts");
  for (const line of helpText(topic).trimEnd().split("\n")) print(line);
}

function printText(text: string, output: Output): void {
  for (const line of text.trimEnd().split("\n")) output.result(line);
}

/** Only on request: the message is all that a user can use. */
export function printStack(error: unknown, output: Output): void {
  if (Deno.env.get("LOCKSTEP_DEBUG") !== "1") return;
  for (let at = error; at instanceof Error; at = at.cause) {
    for (const line of at.stack?.split("\n") ?? []) output.message(line);
  }
}
