/** Keeps a workspace in step with a hub, or with another two-way remote. */
import type {
  RemoteConfig,
  WorkspaceConfig,
} from "../../daemon/workspace_config.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import type { Lock } from "../../fs/file_system.ts";
import type { TwoWayFollower } from "../../session/follow_two_way.ts";
import { WatchedEndpoint } from "../../session/watched_endpoint.ts";
import { lockClient } from "../client/client_setup.ts";
import { engineUrl, hubOf } from "../client/hub_address.ts";
import { HubConflicts } from "../client/hub_conflicts.ts";
import type { Reporter } from "../events.ts";
import { workspacesPlace } from "../state/daemon_places.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";
import { ruleForPlace } from "./own_state.ts";
import { policyOf } from "./policy.ts";
import type { SyncJob } from "./sync_job.ts";
import type { Connecting } from "./sync_remote.ts";
import { syncTwoWay, type TwoWayExtras } from "./two_way.ts";
import { refuseReplaced, requireRoot, TwoWayState } from "./two_way_state.ts";

/** What is to be kept in step, and how. */
export interface TwoWayRemote {
  readonly workspace: Pick<WorkspaceConfig, "name">;
  readonly remote: Pick<RemoteConfig, "to" | "token">;
  readonly job: SyncJob;
  readonly connecting: Connecting;
  /** Hears of whoever follows, before it begins. */
  readonly onFollower: (
    follower: TwoWayFollower,
    alpha: WatchedEndpoint,
  ) => void;
}

/** Works until the signal aborts. @throws {SyncError} */
export async function followTwoWay(
  work: TwoWayRemote,
  context: CommandContext,
): Promise<void> {
  const server = hubOf(work.remote.to);
  if (server !== undefined) return await followHub(work, server, context);
  const { job, connecting } = work;
  await syncTwoWay(job.options, context, connecting, extrasOf(work));
}

function extrasOf({ onFollower }: TwoWayRemote): TwoWayExtras {
  return {
    onFollower(follower, alpha): void {
      if (alpha instanceof WatchedEndpoint) onFollower(follower, alpha);
    },
  };
}

/** As `lockstep start` does it, of which there may be one for a directory. */
async function followHub(
  work: TwoWayRemote,
  server: string,
  context: CommandContext,
): Promise<void> {
  const { workspace, remote, job: { options }, connecting } = work;
  const { reporter, signal } = context;
  const { from, conflict, caFile, tokenFile } = options;
  const warn = warner(reporter);
  const state = TwoWayState.open({ ...options, readOnly: false }, warn);
  const config = { syncDirectory: from };
  const recordFile = state.fileFor(from, "client");
  const lock = await lockClient({ config, recordFile });
  let taken: Lock | undefined;
  try {
    taken = await state.lock(from);
    const id = clientIdOf(state, work);
    using hub = new HubClient({
      server,
      apiKey: remote.token,
      apiKeyFile: tokenFile,
      caFile: /^https:/i.test(server) ? caFile : undefined,
    }, signal);
    const conflicts = new HubConflicts({
      hub,
      directory: from,
      clientId: id,
      merges: false,
      warn,
    });
    try {
      const secrets = [tokenFile, workspacesPlace()].flatMap((path) =>
        path === undefined ? [] : ruleForPlace(path, from) ?? []
      );
      const url = engineUrl(server, { client_id: id, name: workspace.name });
      // The hub's word is above ours, but never opens what holds a key.
      const ignoreWith = (policy: readonly string[]): IgnoreOptions => ({
        ...options.ignore,
        rules: [...options.ignore.rules, ...policy, ...secrets],
      });
      await syncTwoWay(
        { ...options, to: { kind: "url", url }, ignore: ignoreWith([]) },
        { ...context, reporter: listenTo(reporter, conflicts) },
        connecting,
        {
          ...extrasOf(work),
          isLocked: true,
          labels: { alpha: labelOf(workspace.name), beta: "hub" },
          // Before it is known, nothing is sent that it might leave out.
          rules: async () => ignoreWith(await policyOf(hub)),
          ...(conflict === "manual" &&
            { keepElsewhere: (found) => conflicts.keep(found) }),
        },
      );
    } finally {
      await conflicts.told();
    }
  } finally {
    taken?.release();
    lock.release();
  }
}

/** The directory's id. @throws {GuardError} If it is not the one of the last time. */
function clientIdOf(
  state: TwoWayState,
  { job: { options: { from, allowNewRoot } } }: TwoWayRemote,
): string {
  const root = state.root(from);
  requireRoot(root, from);
  if (root.isReplaced) {
    if (!allowNewRoot) refuseReplaced(from);
    root.renew();
  }
  root.persist();
  return root.id;
}

/** Tells the hub of conflicts, too. */
function listenTo(reporter: Reporter, conflicts: HubConflicts): Reporter {
  return {
    report(event): void {
      if (event.kind === "two-way" && event.event.kind === "conflict") {
        conflicts.tell(event.event.conflict);
      }
      reporter.report(event);
    },
  };
}

/** How conflict copies call this workspace. */
function labelOf(name: string): string {
  const label = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "").slice(0, 32);
  return label === "" ? "workspace" : label;
}

function warner(reporter: Reporter): (message: string) => void {
  return (message) => reporter.report({ kind: "warning", message });
}
