/** The commands of the daemon: their options, and what help says of them. */
import type { CommandSpec } from "./command_spec.ts";
import { JSON_OPTION, QUIET } from "./option_groups.ts";

/** When a process of a workspace is ended, and when it is given up. */
const LIMITS = {
  stallAfter: {
    long: "stall-after",
    kind: "duration",
    label: "TIME",
    default: "10s",
    help: "End the process of a workspace that says nothing for so long",
  },
  maxFailures: {
    long: "max-failures",
    kind: "count",
    label: "N",
    max: 1_000,
    default: "3",
    help: "Give a workspace up after so many failures of its process …",
  },
  failureWindow: {
    long: "failure-window",
    kind: "duration",
    label: "TIME",
    default: "5m",
    help: "… within that time, until it is resumed",
  },
} as const satisfies CommandSpec["options"];

const RUN = {
  summary: "Keep the workspaces mirrored, in the foreground",
  description:
    "Runs one process for each workspace, and starts it anew where it fails. Ends\n" +
    "with 0 when it is interrupted; for systemd, launchd and containers.",
  impliedBy: [],
  options: { ...LIMITS, json: JSON_OPTION, quiet: QUIET },
  examples: [
    { line: "lockstep daemon run", meaning: "see what it says" },
  ],
} as const satisfies CommandSpec;

const START = {
  summary: "Start the daemon in the background",
  description:
    "Starts the daemon and waits until it answers. There is one for each user: if\n" +
    "it is running already, that is said, and nothing else is done.",
  impliedBy: [],
  options: { ...LIMITS, json: JSON_OPTION },
  examples: [
    { line: "lockstep daemon start", meaning: "until it is stopped" },
  ],
} as const satisfies CommandSpec;

const STOP = {
  summary: "Stop the daemon, and with it all syncs of workspaces",
  description: "Asks the daemon to end, and waits until it has.",
  impliedBy: [],
  options: { json: JSON_OPTION },
  examples: [
    { line: "lockstep daemon stop", meaning: "workspaces stay as they are" },
  ],
} as const satisfies CommandSpec;

const STATUS = {
  summary: "Show whether the daemon runs, and since when",
  description: "Ends with 6 if no daemon is running.",
  impliedBy: [],
  options: { json: JSON_OPTION },
  examples: [{ line: "lockstep daemon status", meaning: "is it there?" }],
} as const satisfies CommandSpec;

const LOGS = {
  summary: "Show what the daemon and the workspaces have logged",
  description:
    "Prints the log of the daemon, or of one workspace; also if no daemon runs.",
  impliedBy: [],
  options: {
    workspace: {
      long: "workspace",
      kind: "pattern",
      label: "NAME",
      optional: true,
      help: "The log of this workspace",
    },
    follow: {
      long: "follow",
      short: "f",
      kind: "flag",
      help: "Go on, with each new line, until interrupted",
    },
    lines: {
      long: "lines",
      kind: "count",
      label: "N",
      default: "100",
      help: "Begin with the last N lines",
    },
    json: JSON_OPTION,
  },
  examples: [
    {
      line: "lockstep daemon logs -f --workspace photos",
      meaning: "what happens to photos",
    },
  ],
} as const satisfies CommandSpec;

const INSTALL = {
  summary: "Let the system start the daemon",
  description:
    "Writes a unit for systemd (Linux) or an agent for launchd (macOS), of this\n" +
    "user, and says how to enable it.",
  impliedBy: [],
  options: { json: JSON_OPTION },
  examples: [
    { line: "lockstep daemon install", meaning: "and follow what it says" },
  ],
} as const satisfies CommandSpec;

const UNINSTALL = {
  summary: "Remove what install has written",
  description: "Removes the unit or agent, and says how to disable it before.",
  impliedBy: [],
  options: { json: JSON_OPTION },
  examples: [
    { line: "lockstep daemon uninstall", meaning: "workspaces stay" },
  ],
} as const satisfies CommandSpec;

/** The commands, by name. */
export const DAEMON_COMMANDS = {
  "daemon run": RUN,
  "daemon start": START,
  "daemon stop": STOP,
  "daemon status": STATUS,
  "daemon logs": LOGS,
  "daemon install": INSTALL,
  "daemon uninstall": UNINSTALL,
} as const;
