/** Chooses how a command tells what happens. */
import type { SplitReporter } from "./events.ts";
import type { Output } from "./output.ts";

/** Options that commands have for it. */
export interface ReportOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** Time for reports: `now` in monotonic milliseconds, `date` for people's logs. */
export interface ReportClock {
  now(): number;
  date(): Date;
}

const systemTime: ReportClock = {
  now: () => performance.now(),
  date: () => new Date(),
};

/** Makes the reporter that `options` ask for; only its code is loaded. */
export async function createReporter(
  options: ReportOptions,
  output: Output,
  time: ReportClock = systemTime,
): Promise<SplitReporter> {
  if (options.json) {
    const { JsonReporter } = await import("./report_json.ts");
    return new JsonReporter(output, time);
  }
  const { TextReporter } = await import("./report_text.ts");
  return new TextReporter(output, time, options);
}
