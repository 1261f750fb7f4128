/** `listen`: its options, and what help says of it. */
import type { CommandSpec } from "./command_spec.ts";
import {
  BWLIMIT,
  HOOK_OPTIONS,
  HOST,
  MAX_DELETE,
  OUTPUT_OPTIONS,
  PORT,
  RETRY_FOR,
  STATE_OPTIONS,
  TARGET_OPTIONS,
  TLS_CERT,
  TLS_KEY,
  TOKEN_OPTIONS,
} from "./option_groups.ts";

export const LISTEN = {
  summary: "Receive a directory over WebSocket",
  description:
    "Waits for a sender and makes DIR equal to the directory it sends. What\n" +
    "is extra in DIR is deleted. Ends when the sender has finished; one that\n" +
    "watches finishes when it is stopped.\n" +
    "With --two-way, DIR gives as well as it takes, and loses only what was\n" +
    "deleted at the other side.",
  impliedBy: ["port", "output-dir"],
  options: {
    port: { ...PORT, default: "8080" },
    outputDir: {
      long: "output-dir",
      short: "o",
      aliases: ["out-dir-path"],
      kind: "path",
      label: "DIR",
      required: true,
      help: "Directory to write to; made with its parents where missing",
    },
    host: {
      ...HOST,
      help: "Address to listen on; one that other machines reach needs a token",
    },
    ...TOKEN_OPTIONS,
    noAuth: {
      long: "no-auth",
      kind: "flag",
      help: "Let everybody in who reaches the port",
    },
    tlsCert: {
      ...TLS_CERT,
      help: "Serve wss:// with the certificate in this PEM file",
    },
    tlsKey: TLS_KEY,
    owner: {
      long: "owner",
      kind: "flag",
      help: "Let a sender set owner and group of what it writes (as root only)",
    },
    twoWay: {
      long: "two-way",
      kind: "flag",
      help: "Take part in two-way syncs, and only these: DIR is read as well " +
        "as written",
    },
    keepListening: {
      long: "keep-listening",
      kind: "flag",
      help: "Serve one sender after another, until interrupted",
    },
    retryFor: {
      ...RETRY_FOR,
      help:
        "How long to wait for a sender whose connection broke (60, 30s, 5m) " +
        "[default 60; for one with --watch: without end]",
    },
    maxDelete: {
      ...MAX_DELETE,
      help: "Halt a sender that would delete more than N entries of DIR, or " +
        "N% of them, in one session (of one that watches: in one go); what it " +
        "replaces does not count",
    },
    bwlimit: BWLIMIT,
    ...STATE_OPTIONS,
    ...HOOK_OPTIONS,
    ...TARGET_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: "lockstep listen --port 8080 --output-dir ./copy",
      meaning: "receive once, then exit",
    },
    {
      line: "lockstep listen -p 0 -o /srv/copy --keep-listening",
      meaning: "serve one sender after another, on a free port",
    },
    {
      line: "lockstep listen -o copy --host 0.0.0.0 --token-file token",
      meaning: "let in whoever has the token, from other machines, too",
    },
  ],
} as const satisfies CommandSpec;
