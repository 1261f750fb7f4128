/** `lockstep verify`: compares two trees by content, and changes nothing. */
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import { differenceOf, type Differences } from "../differences.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { compare, reportComparison } from "./compare.ts";
import { connectOptionsOf } from "./connect_options.ts";
import type { CommandContext } from "./context.ts";
import { ignoreFor } from "./own_state.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";

/** Runs the command. @throws {SyncError} */
export async function verify(
  options: OptionsOf<"verify">,
  context: CommandContext,
): Promise<ExitCode> {
  const { from, to, symlinks, owner } = options;
  const { retryFor = USUAL_PATIENCE_MS } = options;
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
        ignore: ignoreFor(options, options.from),
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
    await reportComparison(comparison, context, (action) => {
      found[differenceOf(action)]++;
      reporter.report({ kind: "difference", action });
    });
    const { missing, differs, extra } = found;
    const problems = comparison.problems.length;
    reporter.report({
      kind: "verified",
      found,
      totals: comparison.source.totals,
      digest: comparison.source.root.digest!,
      problems,
      seconds: (systemClock.now() - start) / 1_000,
    });
    const isEqual = missing + differs + extra + problems === 0;
    return isEqual ? EXIT.done : EXIT.partial;
  } finally {
    await source.close({ kind: "planned", message: "" });
  }
}
