/** `lockstep sync --dry-run`: tells what would be done, and does nothing. */
import { displayPath } from "../../core/path.ts";
import { GuardError, messageOf, UsageError } from "../../errors.ts";
import type { Comparison } from "../../session/events.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { comparedOptionsOf } from "../plan/compared_options.ts";
import type { PlanHeader } from "../plan/plan_format.ts";
import { PlanWriter } from "../plan/plan_writer.ts";
import { SOFTWARE } from "../version.ts";
import { compare, reportComparison } from "./compare.ts";
import { liesWithin } from "./overlap.ts";
import type { SyncJob } from "./sync_job.ts";
import type { SyncWork } from "./sync_trees.ts";
import { nameOfTarget } from "./target_name.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";

/**
 * Compares both sides, and reports each action and the totals; with `--plan`
 * saves that as well.
 * @throws {SyncError}
 */
export async function preview(work: SyncWork): Promise<ExitCode> {
  const { job, mirrorOptions, context: { reporter } } = work;
  using plan = planWriterFor(job);
  // The listener hears goodbye before anything is printed: reading takes time.
  const { to, retryFor = USUAL_PATIENCE_MS } = job.options;
  const comparison = await compare(
    { ...work, to, retryFor },
    { orNothing: true },
  );
  const { problems, totals } = comparison;
  plan?.begin(headerFor(work, comparison));
  await reportComparison(comparison, work.context, (action) => {
    reporter.report({ kind: "action", action });
    plan?.add(action);
  });
  plan?.finish();
  reporter.report({ kind: "previewed", totals, problems: problems.length });
  try {
    for (const guard of mirrorOptions.guards ?? []) guard.review(comparison);
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    const message = `This would halt: ${messageOf(error)}`;
    reporter.report({ kind: "warning", message });
  }
  return EXIT.done;
}

/** @throws {UsageError} If the plan would change what it is about. */
function planWriterFor({ options }: SyncJob): PlanWriter | undefined {
  const { plan, from, to } = options;
  if (plan === undefined) return undefined;
  const roots = to.kind === "directory" ? [from, to.path] : [from];
  for (const root of roots) {
    if (!liesWithin(plan, root)) continue;
    throw new UsageError(
      `--plan ${displayPath(plan)} lies inside ${displayPath(root)}`,
    );
  }
  if (isSomethingElse(plan)) {
    throw new UsageError(`--plan ${displayPath(plan)} is no regular file`);
  }
  return new PlanWriter(plan);
}

/** A device or a link must not give way to a file. */
function isSomethingElse(path: string): boolean {
  try {
    return !Deno.lstatSync(path).isFile;
  } catch {
    // It is missing, or whoever writes to it says what is wrong.
    return false;
  }
}

function headerFor(
  { job: { options }, source }: SyncWork,
  comparison: Comparison,
): PlanHeader {
  const { to } = options;
  return {
    software: SOFTWARE,
    created: new Date().toISOString(),
    from: source.name,
    to: to.kind === "url" ? to : { ...to, path: nameOfTarget(to) },
    options: comparedOptionsOf(options),
    source: comparison.source.root.digest!,
    target: comparison.target?.root.digest,
  };
}
