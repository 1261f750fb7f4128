import { assertEquals } from "@std/assert";
import {
  type DaemonEvent,
  daemonFields,
  daemonText,
} from "../../../src/cli/daemon_report.ts";
import type { WorkspaceStatus } from "../../../src/daemon/workspace.ts";

const NOW = Date.parse("2026-01-31T12:00:10.000Z");

const REMOTE: WorkspaceStatus["remotes"][number] = {
  name: "nas",
  state: "watching",
  error: undefined,
  lagMs: 0,
  digest: "36b8",
  syncedAt: "2026-01-31T12:00:00.000Z",
  files: 9,
  bytes: 60_000,
  sentFiles: 9,
  sentBytes: 60_000,
  receivedFiles: 0,
  receivedBytes: 0,
  problems: 0,
  conflicts: 0,
  to: "ws://nas:8080",
  options: { "no-delete": true, exclude: ["a", "b"] },
  hasToken: true,
};

const WELL: WorkspaceStatus = {
  name: "photos",
  path: "/photos",
  state: "running",
  source: "watching",
  error: undefined,
  pid: 7,
  failures: 0,
  options: {},
  remotes: [
    REMOTE,
    {
      ...REMOTE,
      name: "disk",
      state: "connecting",
      error: "Cannot connect",
      lagMs: 1_300,
      syncedAt: undefined,
    },
  ],
  log: undefined,
};

function linesOf(event: DaemonEvent): readonly string[] {
  return daemonText(event, NOW).lines;
}

Deno.test("a list has a line for each remote, and below it what is wrong", () => {
  const failed: WorkspaceStatus = {
    ...WELL,
    name: "failed",
    state: "failed",
    source: undefined,
    error: "It died",
    remotes: [REMOTE],
  };
  const lost: WorkspaceStatus = {
    ...WELL,
    name: "lost",
    source: "lost",
    error: "It is gone",
    remotes: [],
  };
  const workspaces = [WELL, failed, lost];
  assertEquals(linesOf({ kind: "list", workspaces, isLive: false }), [
    "WORKSPACE  REMOTE  STATE       LAG   SYNCED   FILES  SIZE",
    "photos     nas     watching          10s ago  9      60 kB",
    "           disk    connecting  1.3s",
    "  Cannot connect",
    "failed     nas     failed            10s ago  9      60 kB",
    "  It died",
    "lost               lost",
    "  It is gone",
  ]);
  const none = { kind: "list", workspaces: [], isLive: true } as const;
  assertEquals(daemonText(none, NOW), {
    lines: ["There are no workspaces"],
    isLive: true,
  });
});

Deno.test("info has options as they are written, and the log of a failure", () => {
  const workspace = {
    ...WELL,
    failures: 2,
    options: { symlinks: "skip" },
    remotes: [{ ...REMOTE, problems: 1 }],
    log: ["boom"],
  };
  assertEquals(linesOf({ kind: "info", workspace }), [
    "photos: /photos",
    "  state    running, process 7, 2 failures lately",
    "  options  --symlinks skip",
    "  nas: ws://nas:8080",
    "    state    watching",
    "    synced   10s ago, 9 files, 60 kB",
    "    digest   36b8",
    "    left out 1 path",
    "    options  --no-delete --exclude a --exclude b",
    "  | boom",
  ]);
});

Deno.test("for programs, a list is an event for each workspace", () => {
  const workspaces = [WELL, { ...WELL, name: "other" }];
  const fields = daemonFields({ kind: "list", workspaces, isLive: false });
  assertEquals(fields, workspaces.map((one) => ["workspace", { ...one }]));
  const results = [{ remote: "nas", exit: 6, error: "Away" }];
  const flushed = { kind: "flushed", workspace: "w", results } as const;
  assertEquals(daemonFields(flushed), [
    ["flushed", { workspace: "w", remote: "nas", exit: 6, error: "Away" }],
  ]);
  assertEquals(linesOf(flushed), ["nas: Away"]);
});
