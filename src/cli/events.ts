/** What a running command tells its reporter. */
import type { ChangeTotals } from "../core/change.ts";
import type { Digest, Totals } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Action } from "../core/plan.ts";
import type { RoundNote } from "../session/endpoint.ts";
import type {
  MirrorSummary,
  SyncedRound,
  SyncEvent,
} from "../session/events.ts";
import type { DaemonEvent } from "./daemon_report.ts";
import type { Received } from "./commands/reception.ts";
import type { Differences } from "./differences.ts";
import type { ExitCode } from "./exit_code.ts";
import type { LogEntry } from "./log/log_line.ts";
import type { Explanation } from "./explanation.ts";
import type { Finding } from "./finding.ts";
import type { HubEvent } from "./hub_report.ts";
import type { TrashEvent } from "./trash_report.ts";
import type { TwoWayReport } from "./two_way_report.ts";

/** Bytes on the wire, over all tries. */
export interface WireCounts {
  readonly sent: number;
  readonly received: number;
}

/** All that can happen while a command runs. */
export type CommandEvent =
  | SyncEvent
  | {
    /** `sync` starts; `to` is an address or a directory. */
    readonly kind: "started";
    readonly from: string;
    readonly to: string;
  }
  | {
    readonly kind: "listening";
    readonly host: string;
    readonly port: number;
    /** What a sender on this machine or network writes after `--to`. */
    readonly url: string;
    readonly dir: string;
    /** Senders have to show a token. */
    readonly asksForToken: boolean;
    /** What is in `dir` is given away, too. */
    readonly isTwoWay?: boolean;
  }
  | {
    readonly kind: "connected";
    readonly peer: string;
    readonly software: string;
  }
  | {
    /** The listener lost its sender, and waits for it to come back. */
    readonly kind: "waiting";
    readonly peer: string;
    readonly error: Error;
    /** Until it gives up; undefined: never. */
    readonly waitMs: number | undefined;
  }
  /** The listener turned somebody away. */
  | {
    readonly kind: "turned-away";
    readonly peer: string;
    readonly reason: string;
  }
  /** A sender is at it; comes now and then. */
  | { readonly kind: "receiving"; readonly received: Received }
  | {
    /** The listener's sender said how it ended. */
    readonly kind: "ended";
    readonly outcome: Outcome;
    readonly received: Received;
    /** Entries that went to the trash; undefined where there is none. */
    readonly trashed?: number | undefined;
  }
  /** A dry run: what would be renamed, before anything else is done. */
  | { readonly kind: "move"; readonly move: Move }
  /** A dry run: what would be done at one path. */
  | { readonly kind: "action"; readonly action: Action }
  /** A dry run is through: nothing was changed. */
  | {
    readonly kind: "previewed";
    readonly totals: ChangeTotals;
    /** Paths that would be left out. */
    readonly problems: number;
  }
  /** `verify` starts; `to` is an address or a directory. */
  | { readonly kind: "verifying"; readonly from: string; readonly to: string }
  /** What would make the two sides equal at one path, where they are not. */
  | { readonly kind: "difference"; readonly action: Action }
  /** `verify` is through. */
  | {
    readonly kind: "verified";
    readonly found: Differences;
    /** The source tree. */
    readonly totals: Totals;
    readonly digest: Digest;
    /** Paths that could not be compared. */
    readonly problems: number;
    readonly seconds: number;
  }
  /** `sync` is through. */
  | {
    readonly kind: "done";
    readonly summary: MirrorSummary;
    readonly seconds: number;
    /** Undefined where there was no wire. */
    readonly wire: WireCounts | undefined;
    /** Entries that went to the trash; undefined where there is none here. */
    readonly trashed?: number | undefined;
  }
  /** A two-way sync has something to say that a mirror has not. */
  | { readonly kind: "two-way"; readonly event: TwoWayReport }
  /** Something was done at one path; comes where that is logged or shown. */
  | { readonly kind: "operation"; readonly entry: LogEntry }
  /** A round of a `sync` that goes on is through. */
  | {
    readonly kind: "synced";
    /** From 1. */
    readonly round: number;
    readonly summary: MirrorSummary;
    readonly seconds: number;
    /** Entries that went to the trash; undefined where there is none here. */
    readonly trashed?: number | undefined;
  }
  /** A `sync` that goes on could not do a round, and waits until it can. */
  | {
    readonly kind: "paused";
    readonly round: number;
    readonly error: unknown;
  }
  /** A `sync` that would have gone on has come to its end. */
  | {
    readonly kind: "stopped";
    /** That were completed. */
    readonly rounds: number;
    readonly exit: ExitCode;
  }
  /** A hook has printed a line. */
  | { readonly kind: "hook-output"; readonly line: string }
  /** `sync --watch` has carried out a round. */
  | {
    readonly kind: "watch-synced";
    readonly round: SyncedRound;
  }
  /** The listener's sender watches, and has carried out a round. */
  | { readonly kind: "peer-synced"; readonly round: RoundNote }
  /** The source is not there any more; nothing is changed until it is back. */
  | { readonly kind: "source-lost"; readonly path: string }
  | { readonly kind: "source-back"; readonly path: string }
  /** A safety stop: nothing is changed at the target until the source looks better. */
  | {
    readonly kind: "halted";
    readonly message: string;
  }
  /** `sync --watch` was told to stop. */
  | {
    readonly kind: "watch-stopped";
    readonly rounds: number;
    readonly seconds: number;
  }
  /** One of several targets is given up. */
  | {
    readonly kind: "target-failed";
    readonly error: unknown;
    readonly exit: ExitCode;
  }
  /** A `sync` to several targets is through with all of them. */
  | {
    readonly kind: "finished";
    readonly targets: number;
    /** Where all is in place. */
    readonly done: number;
    readonly exit: ExitCode;
  }
  /** A command on a trash has something to say. */
  | { readonly kind: "trash"; readonly event: TrashEvent }
  /** `clean` is through: what was staged is gone, or would be. */
  | {
    readonly kind: "cleaned";
    readonly files: number;
    readonly bytes: number;
    readonly dryRun: boolean;
  }
  /** A hub, or a command for one, has something to say. */
  | { readonly kind: "hub"; readonly event: HubEvent }
  /** The daemon, or a command for it, has something to say. */
  | { readonly kind: "daemon"; readonly event: DaemonEvent }
  /** `explain` has its answer. */
  | { readonly kind: "explained"; readonly explanation: Explanation }
  /** `doctor` has looked at something. */
  | { readonly kind: "finding"; readonly finding: Finding }
  /** `doctor` is through: how many findings there were of each state. */
  | {
    readonly kind: "examined";
    readonly counts: Readonly<Record<Finding["state"], number>>;
  }
  | { readonly kind: "warning"; readonly message: string }
  /** The end: nothing comes after it. */
  | {
    readonly kind: "error";
    readonly error: unknown;
    readonly exit: ExitCode;
  };

/** A reporter that can tell targets apart. */
export interface SplitReporter extends Reporter {
  /** One for what happens at one of several targets; its output names `to`. */
  forTarget(to: string): Reporter;
}

/** Turns events into output. */
export interface Reporter {
  /** Never throws. */
  report(event: CommandEvent): void;
}
