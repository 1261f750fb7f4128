/** Reports for programs: one JSON object per line on stdout. */
import { messageOf, SyncError } from "../errors.ts";
import type { Side, SyncEvent } from "../session/events.ts";
import { daemonFields } from "./daemon_report.ts";
import { differenceOf } from "./differences.ts";
import type { CommandEvent, SplitReporter } from "./events.ts";
import { explanationFields } from "./explanation.ts";
import { findingFields } from "./finding.ts";
import { hubFields } from "./hub_report.ts";
import type { Output } from "./output.ts";
import { ProgressMeter } from "./progress.ts";
import type { ReportClock } from "./report.ts";
import { trashFields } from "./trash_report.ts";
import { bothSides, counts, twoWayFields } from "./two_way_report.ts";

/** At most two `progress` events a second. */
const PROGRESS_INTERVAL_MS = 500;

type Fields = { readonly [name: string]: unknown };

/** Every event has `event` (its name) and `time` (ISO 8601); see the README. */
export class JsonReporter implements SplitReporter {
  readonly #output: Output;
  readonly #time: ReportClock;
  /** Which of several targets it is for. */
  readonly #to: string | undefined;
  #meter: ProgressMeter | undefined;
  #nextProgress = 0;

  constructor(output: Output, time: ReportClock, to?: string) {
    this.#output = output;
    this.#time = time;
    this.#to = to;
  }

  forTarget(to: string): JsonReporter {
    return new JsonReporter(this.#output, this.#time, to);
  }

  report(event: CommandEvent): void {
    switch (event.kind) {
      case "scanning":
      case "applying":
      case "receiving":
        break;
      case "started":
        this.#print("started", { from: event.from, to: event.to });
        break;
      case "listening": {
        const { port, host, url, dir } = event;
        this.#print("listening", { port, host, url, dir });
        break;
      }
      case "connected": {
        const { peer, software } = event;
        this.#print("connected", { peer, software });
        break;
      }
      case "scanned":
        this.#print("scanned", { side: event.side, ...event.totals });
        break;
      case "planned":
        this.#meter = new ProgressMeter(event.totals, this.#time.now());
        this.#print("planned", {
          round: event.round,
          ...counts(event.totals),
          ...(event.sides && bothSides(event.sides)),
        });
        break;
      case "transfer":
        this.#progress(event);
        break;
      case "moved":
        this.#print("moved", { from: event.from, to: event.to });
        break;
      case "problem":
        this.#print("problem", problemFields(event.side, event));
        break;
      case "retrying": {
        const { attempt, error } = event;
        const delayMs = Math.round(event.delayMs);
        this.#print("retrying", { attempt, delayMs, error: messageOf(error) });
        break;
      }
      case "waiting": {
        const { peer, waitMs, error } = event;
        this.#print("waiting", { peer, waitMs, error: messageOf(error) });
        break;
      }
      case "turned-away":
        this.#print("turned-away", { peer: event.peer, reason: event.reason });
        break;
      case "ended": {
        const { kind, message } = event.outcome;
        const { trashed } = event;
        this.#print("ended", { outcome: kind, message, trashed });
        break;
      }
      case "move": {
        const { from, to: path, entry: { kind } } = event.move;
        const fields = { path, action: "rename", kind, reason: "moved", from };
        this.#print("action", { ...fields, bytes: 0 });
        break;
      }
      case "action": {
        const { path, action, kind, bytes, reason } = event.action;
        const { kind: why, ...values } = reason;
        this.#print("action", {
          path,
          action,
          kind,
          reason: why,
          ...values,
          bytes,
        });
        break;
      }
      case "verifying":
        this.#print("started", { from: event.from, to: event.to });
        break;
      case "difference": {
        const { path, kind, reason } = event.action;
        const { kind: why, ...values } = reason;
        const difference = differenceOf(event.action);
        const about = { path, difference, kind, reason: why };
        this.#print("difference", { ...about, ...values });
        break;
      }
      case "verified": {
        const { found, totals, problems, digest } = event;
        const seconds = Math.round(event.seconds * 1_000) / 1_000;
        const counted = { ...found, problems, ...totals, seconds, digest };
        this.#print("verified", counted);
        break;
      }
      case "previewed":
        this.#print("planned", { round: 1, ...counts(event.totals) });
        break;
      case "done": {
        const { changes, problems, rounds, digest } = event.summary;
        this.#print("done", {
          ...counts(changes),
          problems: problems.length,
          rounds,
          seconds: Math.round(event.seconds * 1_000) / 1_000,
          digest,
          sent: event.wire?.sent ?? 0,
          received: event.wire?.received ?? 0,
          trashed: event.trashed,
        });
        break;
      }
      case "two-way": {
        const [name, fields] = twoWayFields(event.event);
        this.#print(name, fields);
        break;
      }
      case "operation": {
        const { name: op, digest = null, path, from } = event.entry;
        const time = event.entry.time.toISOString();
        this.#print("operation", { time, op, digest, path, from });
        break;
      }
      case "synced": {
        const { changes, problems, digest } = event.summary;
        this.#print("synced", {
          round: event.round,
          digest,
          ...counts(changes),
          problems: problems.length,
          seconds: Math.round(event.seconds * 1_000) / 1_000,
          trashed: event.trashed,
        });
        break;
      }
      case "paused": {
        const { round, error } = event;
        const code = error instanceof SyncError ? error.code : "failed";
        this.#print("paused", { round, code, message: messageOf(error) });
        break;
      }
      case "stopped":
        this.#print("stopped", { rounds: event.rounds, exit: event.exit });
        break;
      case "hook-output":
        // Standard output is for events.
        this.#output.message(`hook: ${event.line}`);
        break;
      case "watch-synced": {
        const { round, digest, changes, problems, seconds } = event.round;
        this.#print("synced", {
          round,
          digest,
          ...counts(changes),
          problems,
          seconds: Math.round(seconds * 1_000) / 1_000,
        });
        break;
      }
      case "peer-synced": {
        const { round, digest } = event.round;
        this.#print("synced", { round, digest });
        break;
      }
      case "source-lost":
      case "source-back":
        this.#print(event.kind, { path: event.path });
        break;
      case "halted":
        this.#print("halted", { message: event.message });
        break;
      case "watch-stopped":
        this.#print("stopped", {
          rounds: event.rounds,
          seconds: Math.round(event.seconds * 1_000) / 1_000,
        });
        break;
      case "target-failed": {
        const { error, exit } = event;
        const code = error instanceof SyncError ? error.code : "failed";
        this.#print("failed", { code, message: messageOf(error), exit });
        break;
      }
      case "finished": {
        const { targets, done, exit } = event;
        this.#print("finished", { targets, done, exit });
        break;
      }
      case "trash": {
        const [name, fields] = trashFields(event.event) ?? [];
        if (name !== undefined) this.#print(name, fields!);
        break;
      }
      case "cleaned": {
        const { files, bytes, dryRun } = event;
        this.#print("cleaned", { files, bytes, dryRun });
        break;
      }
      case "hub": {
        const [name, fields] = hubFields(event.event);
        this.#print(name, fields);
        break;
      }
      case "daemon":
        for (const [name, fields] of daemonFields(event.event)) {
          this.#print(name, fields);
        }
        break;
      case "explained":
        this.#print("explained", explanationFields(event.explanation));
        break;
      case "finding":
        this.#print("finding", findingFields(event.finding));
        break;
      case "examined":
        this.#print("examined", event.counts);
        break;
      case "warning":
        this.#print("warning", { message: event.message });
        break;
      case "error": {
        const { error, exit } = event;
        const code = error instanceof SyncError ? error.code : "failed";
        this.#print("error", { code, message: messageOf(error), exit });
        break;
      }
      default:
        event satisfies never;
    }
  }

  #progress(event: SyncEvent & { kind: "transfer" }): void {
    const now = this.#time.now();
    const progress = this.#meter?.update(event, now);
    if (progress === undefined || now < this.#nextProgress) return;
    this.#nextProgress = now + PROGRESS_INTERVAL_MS;
    const { files, filesTotal, bytes, bytesTotal, path } = progress;
    const bytesPerSecond = Math.round(progress.bytesPerSecond);
    this.#print("progress", {
      files,
      filesTotal,
      bytes,
      bytesTotal,
      bytesPerSecond,
      path,
    });
  }

  #print(event: string, fields: Fields): void {
    const time = this.#time.date().toISOString();
    // What `printable` escapes in there is an escape of JSON as well.
    const to = this.#to;
    // Where an entry was moved to comes under that name, too.
    const target = to === undefined
      ? {}
      : "to" in fields && event === "moved"
      ? { target: to }
      : { to };
    this.#output.result(
      JSON.stringify({ event, time, ...target, ...fields }),
    );
  }
}

function problemFields(
  side: Side,
  { problem }: SyncEvent & { kind: "problem" },
): Fields {
  const { path, code, message } = problem;
  return { side, path, code, message };
}
