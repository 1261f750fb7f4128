/** What `sync --apply FILE` has to do. */
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import type { OptionsOf } from "../args.ts";
import type { OptionSpec } from "../command_spec.ts";
import { COMMANDS } from "../command_table.ts";
import { realPlaceOf } from "../commands/overlap.ts";
import type { SyncJob } from "../commands/sync_job.ts";
import { nameOfTarget, textOfTarget } from "../commands/target_name.ts";
import { COMPARED_OPTIONS } from "./compared_options.ts";
import type { PlanHeader } from "./plan_format.ts";
import { readPlan } from "./saved_plan.ts";

/**
 * What to leave out is in a plan already, and a person has looked at the rest:
 * these have nothing to say any more.
 */
const SETTLED = [
  "exclude",
  "excludeFrom",
  "gitignore",
  "maxDelete",
  "allowDelete",
  "allowNewRoot",
] as const;

/**
 * Reads the plan at `path`, and takes from it what `options` leave open.
 * @throws {UsageError} If it is damaged, or `options` say something else.
 */
export async function jobOfPlan(
  path: string,
  options: OptionsOf<"sync">,
): Promise<SyncJob> {
  refuseSettled(options);
  const plan = await readPlan(path);
  const { from, to } = plan.header;
  refuseOther(plan.header, options);
  return {
    options: { ...options, ...plan.header.options, from, to },
    plan,
  };
}

/** @throws {UsageError} If `options` hold what a plan says itself. */
function refuseSettled(options: OptionsOf<"sync">): void {
  const specs: Readonly<Record<string, OptionSpec>> = COMMANDS.sync.options;
  const values: Readonly<Record<string, unknown>> = options;
  for (const property of [...Object.keys(COMPARED_OPTIONS), ...SETTLED]) {
    const spec = specs[property];
    const value = values[property];
    const isLeftOpen = value === undefined || value === false ||
      value === spec?.default || (Array.isArray(value) && value.length === 0);
    if (isLeftOpen) continue;
    throw new UsageError(
      `--${spec?.long} can't be given with --apply: the plan says what is done`,
    );
  }
}

/** @throws {UsageError} If `options` name other places than the plan. */
function refuseOther(
  { from, to }: PlanHeader,
  options: OptionsOf<"sync">,
): void {
  if (options.from !== undefined && realPlaceOf(options.from) !== from) {
    throw new UsageError(
      `--from ${displayPath(options.from)} is not the source of the plan, ${
        displayPath(from)
      }`,
    );
  }
  for (const given of options.to) {
    if (nameOfTarget(given) === nameOfTarget(to)) continue;
    throw new UsageError(
      `--to ${
        displayPath(textOfTarget(given))
      } is not the target of the plan, ${displayPath(textOfTarget(to))}`,
    );
  }
}
