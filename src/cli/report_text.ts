/** Reports for people: a live line on a terminal, plain lines elsewhere. */
import { displayPath } from "../core/path.ts";
import { messageOf } from "../errors.ts";
import type { Side, SyncEvent } from "../session/events.ts";
import type { CommandEvent, SplitReporter } from "./events.ts";
import { daemonText } from "./daemon_report.ts";
import { explanationText } from "./explanation.ts";
import {
  formatBytes,
  formatChanges,
  formatCount,
  formatDuration,
  formatEstimate,
  formatNumberOf,
  formatRate,
  formatTotals,
} from "./format.ts";
import { formatAction, formatDifference, formatMove } from "./format_action.ts";
import { findingLines } from "./finding.ts";
import { hubText } from "./hub_report.ts";
import { formatLogLine } from "./log/log_line.ts";
import type { Output } from "./output.ts";
import { type Progress, ProgressMeter } from "./progress.ts";
import { progressLine, truncate } from "./progress_line.ts";
import type { SyncedTwoWay } from "../session/two_way_events.ts";
import type { ReportClock } from "./report.ts";
import { trashLine } from "./trash_report.ts";
import { formatSides, placeOf, twoWayLine } from "./two_way_report.ts";

/** At most ten new live lines a second. */
const LIVE_INTERVAL_MS = 100;

/** Without a terminal, a long transfer gets a line this often. */
const PLAIN_INTERVAL_MS = 5_000;

/** A terminal shows "^C" behind the live line. */
const CTRL_C_COLUMNS = 2;

type Retrying = SyncEvent & { kind: "retrying" };

/** Results go to stdout, everything else to stderr. */
export class TextReporter implements SplitReporter {
  readonly #output: Output;
  readonly #time: ReportClock;
  readonly #quiet: boolean;
  readonly #verbose: boolean;
  readonly #scanned = new Map<Side, number>();
  #meter: ProgressMeter | undefined;
  /** Why the last try failed; without a terminal it is said only once. */
  #lastFault: string | undefined;
  #nextLive = 0;
  #nextPlain = 0;

  constructor(
    output: Output,
    time: ReportClock,
    options: { readonly quiet: boolean; readonly verbose: boolean },
  ) {
    this.#output = output;
    this.#time = time;
    this.#quiet = options.quiet;
    this.#verbose = options.verbose;
  }

  /** Its lines begin with `to`; live lines of several would be in each other's way. */
  forTarget(to: string): TextReporter {
    const output = this.#output;
    const name = displayPath(to);
    const named: Output = {
      result: (line) => output.result(`${name}: ${line}`),
      message: (line) => output.message(`${name}: ${line}`),
      screen: (): void => {},
      live: () => {},
      columns: undefined,
    };
    return new TextReporter(named, this.#time, {
      quiet: this.#quiet,
      verbose: this.#verbose,
    });
  }

  report(event: CommandEvent): void {
    switch (event.kind) {
      case "started":
        this.#say(
          `Syncing ${displayPath(event.from)} to ${displayPath(event.to)}`,
        );
        break;
      case "listening":
        this.#tell(
          `Listening on ${event.url}, ${
            event.isTwoWay ? "sharing" : "writing to"
          } ${displayPath(event.dir)}`,
        );
        this.#tell(
          `${event.isTwoWay ? "Sync" : "Send to it"} with: lockstep sync ${
            event.isTwoWay ? "--two-way " : ""
          }--from <DIR> --to ${event.url}${
            event.asksForToken ? " --token-file <FILE>" : ""
          }`,
        );
        break;
      case "connected":
        this.#lastFault = undefined;
        this.#sayMore(`Connected to ${event.peer} (${event.software})`);
        break;
      case "scanning":
        this.#scanned.set(event.side, event.entries);
        this.#live(() => this.#scanLine());
        break;
      case "scanned":
        this.#sayMore(
          `Scanned ${event.side}: ${formatTotals(event.totals)}`,
        );
        break;
      case "planned":
        this.#planned(event);
        break;
      case "transfer":
        this.#transfer(event);
        break;
      case "moved":
        // It is among the operations.
        break;
      case "applying":
        this.#live(() => "Putting everything in place", true);
        break;
      case "problem": {
        const { message } = event.problem;
        const path = displayPath(event.problem.path);
        const text = message.includes(path) ? message : `${path}: ${message}`;
        this.#warn(`Left out at ${placeOf(event.side)}: ${text}`);
        break;
      }
      case "retrying":
        this.#retrying(event);
        break;
      case "waiting":
        this.#waiting(event);
        break;
      case "turned-away":
        this.#say(`Turned ${event.peer} away: ${event.reason}`);
        break;
      case "receiving": {
        const { bytes, seconds } = event.received;
        const rate = formatRate(bytes / seconds);
        this.#live(() => `Receiving: ${formatBytes(bytes)}, ${rate}`);
        break;
      }
      case "ended":
        this.#ended(event);
        break;
      case "move":
        this.#tell(formatMove(event.move));
        break;
      case "action":
        this.#tell(formatAction(event.action));
        break;
      case "previewed":
        this.#previewed(event);
        break;
      case "verifying":
        this.#tell(
          `Comparing ${displayPath(event.from)} with ${displayPath(event.to)}`,
        );
        break;
      case "difference":
        this.#tell(formatDifference(event.action));
        break;
      case "verified":
        this.#verified(event);
        break;
      case "done":
        this.#done(event);
        break;
      case "two-way": {
        const { text, isProblem } = twoWayLine(event.event);
        if (event.event.kind === "synced") {
          this.#twoWaySynced(text, event.event.round);
        } else if (isProblem) this.#warn(text);
        else this.#tell(text);
        break;
      }
      case "operation":
        this.#tell(formatLogLine(event.entry));
        break;
      case "synced":
        this.#synced(event);
        break;
      case "paused":
        this.#warn(
          `Round ${event.round} was not possible, trying on: ${
            messageOf(event.error)
          }`,
        );
        break;
      case "stopped":
        this.#say(`Stopped after ${formatNumberOf(event.rounds, "round")}`);
        break;
      case "hook-output":
        this.#output.message(`hook: ${event.line}`);
        break;
      case "watch-synced":
        this.#watchSynced(event);
        break;
      case "peer-synced":
        this.#sayMore(
          `Round ${event.round.round} is in place, digest ${event.round.digest}`,
        );
        break;
      case "source-lost":
        this.#warn(
          `The source ${displayPath(event.path)} is gone, or another one is ` +
            "there: waiting until it is back; the target stays as it is",
        );
        break;
      case "source-back":
        this.#warn(`The source ${displayPath(event.path)} is back`);
        break;
      case "halted":
        this.#warn(
          `Halted: ${event.message}; nothing is changed ` +
            "until that is undone, or this is started again with more allowed",
        );
        break;
      case "watch-stopped":
        this.#tell(
          `Stopped after ${formatNumberOf(event.rounds, "round")} in ${
            formatDuration(event.seconds * 1_000)
          }`,
        );
        break;
      case "target-failed":
        this.#warn(messageOf(event.error));
        break;
      case "finished":
        this.#tell(`${event.done} of ${event.targets} targets done`);
        break;
      case "trash": {
        const { text, isProblem } = trashLine(event.event);
        if (isProblem) this.#warn(text);
        else this.#tell(text);
        break;
      }
      case "cleaned":
        this.#cleaned(event);
        break;
      case "hub": {
        const { text, isProblem, isAsked } = hubText(event.event);
        for (const line of text.split("\n")) {
          if (isProblem) this.#warn(line);
          else if (isAsked) this.#output.result(line);
          else this.#tell(line);
        }
        break;
      }
      case "daemon": {
        const date = this.#time.date().getTime();
        const { lines, isLive } = daemonText(event.event, date);
        if (isLive) this.#output.screen(lines);
        else for (const line of lines) this.#tell(line);
        break;
      }
      case "explained":
        this.#tell(explanationText(event.explanation));
        break;
      case "finding":
        for (const line of findingLines(event.finding)) {
          if (event.finding.state === "good") this.#tell(line);
          else this.#output.result(line);
        }
        break;
      case "examined": {
        const { poor, bad } = event.counts;
        if (bad > 0) this.#tell(`${formatNumberOf(bad, "fault")} found`);
        else {this.#tell(
            poor > 0 ? "All that is needed is there" : "All is well",
          );}
        break;
      }
      case "warning":
        this.#warn(event.message);
        break;
      case "error":
        this.#output.live("");
        break;
      default:
        event satisfies never;
    }
  }

  #planned({ round, totals, sides }: SyncEvent & { kind: "planned" }): void {
    const now = this.#time.now();
    this.#meter = new ProgressMeter(totals, now);
    this.#nextPlain = now + PLAIN_INTERVAL_MS;
    const text = sides === undefined
      ? formatChanges(totals) || "nothing to change"
      : formatSides(sides) || "nothing to change";
    if (round > 1) this.#sayMore(`Round ${round}: ${text}`);
    else if (this.#output.columns === undefined) this.#say(`Plan: ${text}`);
    else this.#sayMore(`Plan: ${text}`);
  }

  #transfer(event: SyncEvent & { kind: "transfer" }): void {
    const now = this.#time.now();
    const progress = this.#meter?.update(event, now);
    if (progress === undefined) return;
    this.#live((columns) => progressLine(progress, columns));
    if (this.#output.columns === undefined && now >= this.#nextPlain) {
      this.#nextPlain = now + PLAIN_INTERVAL_MS;
      this.#say(plainProgress(progress));
    }
  }

  #retrying({ attempt, delayMs, error }: Retrying): void {
    const delay = formatDuration(delayMs);
    const fault = messageOf(error);
    const text = `Trying again in ${delay}: ${fault}`;
    if (this.#verbose) this.#say(`${text} (try ${attempt})`);
    else if (this.#output.columns !== undefined) this.#live(() => text, true);
    else if (this.#lastFault !== fault) this.#say(text);
    this.#lastFault = fault;
  }

  #waiting({ error, waitMs }: CommandEvent & { kind: "waiting" }): void {
    const next = waitMs === undefined
      ? "listening on"
      : `waiting ${formatEstimate(waitMs)} for the sender to come back`;
    this.#warn(`${messageOf(error)}; ${next}`);
  }

  #ended(event: CommandEvent & { kind: "ended" }): void {
    const { outcome, received, trashed } = event;
    const message = outcome.message === "" ? "" : `: ${outcome.message}`;
    const time = formatDuration(received.seconds * 1_000);
    const did = `Received ${formatBytes(received.bytes)} in ${time}` +
      formatTrashed(trashed);
    switch (outcome.kind) {
      case "done":
        return this.#tell(did + message);
      case "partial":
        return this.#tell(`${did}; some paths were left out${message}`);
      case "halted":
        return this.#warn(`The sender stopped for safety${message}`);
      case "interrupted":
        return this.#warn(`The sender was interrupted${message}`);
      case "failed":
        return this.#warn(`The sender failed${message}`);
      case "planned":
        return this.#tell("The sender only looked; nothing was changed");
      default:
        outcome.kind satisfies never;
    }
  }

  #previewed({ totals, problems }: CommandEvent & { kind: "previewed" }): void {
    const text = formatChanges(totals);
    const would = text === "" ? "Nothing to do" : `Would do: ${text}`;
    this.#tell(
      problems === 0
        ? would
        : `${would}; ${formatNumberOf(problems, "path")} would be left out`,
    );
  }

  #verified(event: CommandEvent & { kind: "verified" }): void {
    const { found, totals, problems, seconds } = event;
    const { missing, differs, extra } = found;
    const time = formatDuration(seconds * 1_000);
    const result = missing + differs + extra === 0
      ? `Equal: ${formatTotals(totals)}`
      : `Not equal: ${missing} missing, ${differs} different, ${extra} extra`;
    const left = problems === 0
      ? ""
      : `; ${formatNumberOf(problems, "path")} not compared`;
    this.#tell(`${result}${left} (${time})`);
  }

  #done(event: CommandEvent & { kind: "done" }): void {
    const { summary, seconds, wire, trashed } = event;
    const time = formatDuration(seconds * 1_000);
    const { changes, problems, totals, rounds } = summary;
    const text = formatChanges(changes);
    const did = text === ""
      ? `Nothing to do in ${time}: ${formatTotals(totals)}`
      : `Done in ${time}: ${text}${formatTrashed(trashed)}`;
    this.#tell(
      problems.length === 0
        ? did
        : `${did}; ${formatNumberOf(problems.length, "path")} left out`,
    );
    if (wire !== undefined) {
      this.#sayMore(
        `${formatBytes(wire.sent)} sent, ${
          formatBytes(wire.received)
        } received`,
      );
    }
    this.#sayMore(
      `${formatNumberOf(rounds, "round")}, digest ${summary.digest}`,
    );
  }

  #cleaned(event: CommandEvent & { kind: "cleaned" }): void {
    const { files, bytes, dryRun } = event;
    if (files === 0) return this.#tell("There is nothing to remove");
    const did = dryRun ? "Would remove" : "Removed";
    const size = formatBytes(bytes);
    this.#tell(`${did} ${formatNumberOf(files, "staged file")}, ${size}`);
  }

  #synced(event: CommandEvent & { kind: "synced" }): void {
    const { round, summary: { changes, problems }, seconds, trashed } = event;
    const time = formatDuration(seconds * 1_000);
    const left = problems.length === 0
      ? ""
      : `; ${formatNumberOf(problems.length, "path")} left out`;
    const did = formatChanges(changes) || "nothing to do";
    this.#tell(
      `Round ${round} in ${time}: ${did}${formatTrashed(trashed)}${left}`,
    );
  }

  #twoWaySynced(text: string, { round, digest, totals }: SyncedTwoWay): void {
    this.#tell(`${this.#time.date().toTimeString().slice(0, 8)} ${text}`);
    this.#sayMore(`Round ${round}, digest ${digest}`);
    this.#live(() => `Watching: ${formatTotals(totals)}`, true);
  }

  #watchSynced({ round }: CommandEvent & { kind: "watch-synced" }): void {
    const { changes, totals, problems, seconds } = round;
    const text = formatChanges(changes);
    const time = formatDuration(seconds * 1_000);
    const left = problems === 0
      ? ""
      : `; ${formatNumberOf(problems, "path")} left out`;
    const clock = this.#time.date().toTimeString().slice(0, 8);
    const line = text === ""
      ? `Equal: ${formatTotals(totals)}`
      : `Synced in ${time}: ${text}`;
    if (text !== "" || round.round === 1) {
      this.#tell(`${clock} ${line}${left}`);
    } else this.#sayMore(`${clock} ${line}${left}`);
    this.#sayMore(`Round ${round.round}, digest ${round.digest}`);
    this.#live(() => `Watching: ${formatTotals(totals)}`, true);
  }

  #scanLine(): string {
    const sides = [...this.#scanned].map(([side, entries]) =>
      `${formatCount(entries)} at ${placeOf(side)}`
    );
    return `Scanning: ${sides.join(", ")}`;
  }

  /** Prints a result. */
  #tell(line: string): void {
    if (!this.#quiet) this.#output.result(line);
  }

  #say(line: string): void {
    if (!this.#quiet) this.#output.message(line);
  }

  #sayMore(line: string): void {
    if (this.#verbose) this.#output.message(line);
  }

  #warn(line: string): void {
    this.#output.message(`lockstep: ${line}`);
  }

  /** Shows the live line that `make` answers, unless the last one is too new. */
  #live(make: (columns: number) => string, always = false): void {
    if (this.#quiet) return;
    const now = this.#time.now();
    if (!always && now < this.#nextLive) return;
    const columns = this.#output.columns;
    if (columns === undefined) return;
    this.#nextLive = now + LIVE_INTERVAL_MS;
    const room = columns - CTRL_C_COLUMNS;
    this.#output.live(truncate(make(room), room - 1));
  }
}

/** ", 3 entries to the trash"; "" if there are none. */
function formatTrashed(count = 0): string {
  if (count === 0) return "";
  return `, ${formatNumberOf(count, "entry", "entries")} to the trash`;
}

function plainProgress(progress: Progress): string {
  return progressLine({ ...progress, path: undefined }, 200).trim();
}
