/** `lockstep verify`: compares two trees by content, and changes nothing. */
import { comparePaths } from "../../core/path.ts";
import { actionsOf } from "../../core/plan.ts";
import { nextTurn } from "../../core/turn.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import { differenceOf, type Differences } from "../differences.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { compare } from "./compare.ts";
import { connectOptionsOf } from "./connect_options.ts";
import type { CommandContext } from "./context.ts";
import { ignoreOptionsOf } from "./ignore_rules.ts";
import { ruleForOwnState } from "./own_state.ts";

/** A long list leaves the program able to be interrupted. */
const DIFFERENCES_PER_TURN = 256;

/** Runs the command. @throws {SyncError} */
export async function verify(
  options: OptionsOf<"verify">,
  context: CommandContext,
): Promise<ExitCode> {
  const { from, to, retryFor, symlinks, owner } = options;
  const { reporter, signal } = context;
  const start = systemClock.now();
  const connect = connectOptionsOf(to, options);
  const fileSystem = new DenoFileSystem();
  const source = await LocalEndpoint.open(fileSystem, from);
  try {
    const place = to.kind === "directory" ? to.path : to.url;
    reporter.report({ kind: "verifying", from, to: place });
    const comparison = await compare({
      to,
      retryFor,
      fileSystem,
      source,
      mirrorOptions: {
        checksum: true,
        symlinks,
        deletes: true,
        owners: owner,
        ignore: ignoreOf(options),
        signal,
        onEvent: (event) => reporter.report(event),
      },
      context,
      connecting: { connect, connection: undefined },
    }, { orNothing: false });

    const found: Record<keyof Differences, number> = {
      missing: 0,
      differs: 0,
      extra: 0,
    };
    let count = 0;
    for (const action of actionsOf(comparison.changes, comparison)) {
      found[differenceOf(action)]++;
      reporter.report({ kind: "difference", action });
      if (++count % DIFFERENCES_PER_TURN !== 0) continue;
      await nextTurn();
      signal.throwIfAborted();
    }
    const problems = comparison.problems.toSorted((a, b) =>
      comparePaths(a.problem.path, b.problem.path)
    );
    for (const { side, problem } of problems) {
      reporter.report({ kind: "problem", side, problem });
    }
    reporter.report({
      kind: "verified",
      found,
      totals: comparison.source.totals,
      digest: comparison.source.root.digest!,
      problems: problems.length,
      seconds: (systemClock.now() - start) / 1_000,
    });
    return count + problems.length === 0 ? EXIT.done : EXIT.partial;
  } finally {
    await source.close({ kind: "planned", message: "" });
  }
}

function ignoreOf(
  options: OptionsOf<"verify">,
): ReturnType<typeof ignoreOptionsOf> {
  const { rules, files } = ignoreOptionsOf(options);
  const usual = { stateDir: undefined, noState: false };
  const own = ruleForOwnState(usual, options.from);
  return { rules: own === undefined ? rules : [...rules, own], files };
}
