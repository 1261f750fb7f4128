/** The work of `lockstep sync`: what it loads is loaded while the connection is made. */
import type { Outcome } from "../../core/outcome.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { MirrorSummary } from "../../session/events.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../../session/mirror.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { Transport } from "../../net/transport.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { WireCounts } from "../events.ts";
import type { Target } from "../values.ts";
import type { CommandContext } from "./context.ts";
import { outcomeOf } from "./outcome.ts";

/**
 * Mirrors one tree to the other.
 * @param connection The connection to the listener, if one is being made already.
 * @throws {SyncError}
 */
export async function syncTrees(
  options: OptionsOf<"sync">,
  context: CommandContext,
  connection: Promise<Transport> | undefined,
): Promise<ExitCode> {
  const { reporter, signal } = context;
  const start = systemClock.now();
  const fileSystem = new DenoFileSystem();
  // A source that can't be read touches nothing: the target comes later.
  const source = await LocalEndpoint.open(fileSystem, options.from);
  let outcome: Outcome = { kind: "failed", message: "" };
  try {
    const mirrorOptions: MirrorOptions = {
      checksum: options.checksum,
      symlinks: options.symlinks,
      deletes: !options.noDelete,
      signal,
      onEvent: (event) => reporter.report(event),
    };
    const { summary, wire } = await mirrorTo(options.to, mirrorOptions);
    outcome = outcomeOf(summary);
    const seconds = (systemClock.now() - start) / 1_000;
    reporter.report({ kind: "done", summary, seconds, wire });
    return summary.problems.length === 0 ? EXIT.done : EXIT.partial;
  } finally {
    await source.close(outcome);
  }

  async function mirrorTo(
    target: Target,
    mirrorOptions: MirrorOptions,
  ): Promise<{ summary: MirrorSummary; wire: WireCounts | undefined }> {
    const { from, retryFor } = options;
    if (target.kind === "directory") {
      const { refuseOverlap } = await import("./overlap.ts");
      refuseOverlap(from, target.path);
      reporter.report({ kind: "started", from, to: target.path });
      const summary = await mirrorToDirectory(target.path, mirrorOptions);
      return { summary, wire: undefined };
    }
    const { url } = target;
    reporter.report({ kind: "started", from, to: url });
    const { mirrorToListener } = await import("./sync_remote.ts");
    const remoteOptions = { url, retryFor, mirror: mirrorOptions, connection };
    return await mirrorToListener(source, remoteOptions, context);
  }

  async function mirrorToDirectory(
    path: string,
    mirrorOptions: MirrorOptions,
  ): Promise<MirrorSummary> {
    const target = await LocalEndpoint.open(fileSystem, path, { create: true });
    let outcome: Outcome = { kind: "failed", message: "" };
    try {
      const summary = await mirror(source, target, mirrorOptions);
      outcome = outcomeOf(summary);
      return summary;
    } finally {
      await target.close(outcome);
    }
  }
}
