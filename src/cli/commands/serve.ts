/** `lockstep serve`: a hub that many clients share. */
import { displayPath, ROOT } from "../../core/path.ts";
import { messageOf, UsageError } from "../../errors.ts";
import { Access } from "../../hub/access.ts";
import { createApi } from "../../hub/api.ts";
import { openStore } from "../../hub/data_directory.ts";
import { Engine } from "../../hub/engine.ts";
import { Hub } from "../../hub/hub.ts";
import { HubTrees } from "../../hub/hub_tree.ts";
import { isLoopback } from "../../net/host.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { handleStrayErrors } from "../stray_errors.ts";
import { SOFTWARE } from "../version.ts";
import { newClientId } from "./client_id.ts";
import type { CommandContext } from "./context.ts";
import { listenHttp } from "./http_listener.ts";
import { checkMirrorPlaces, ServedMirror } from "./serve_mirror.ts";
import { expiryOf, readCertificate } from "./tls_files.ts";

const DAY_MS = 24 * 3_600_000;
const FIRST_COLLECTION_MS = 3_600_000;

/** The longest pause in a body, in milliseconds. */
const IDLE_MS = 30_000;

/** Runs the command until it is interrupted. @throws {SyncError} */
export async function serve(
  options: OptionsOf<"serve">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const { host, port, dataDir, maxFileSize, noAuth } = options;
  if (noAuth && !isLoopback(host)) {
    throw new UsageError(
      `Other machines can reach --host ${host}: --no-auth is for this machine only`,
    );
  }
  const { mirror } = options;
  if (mirror !== undefined) checkMirrorPlaces({ ...options, mirror });
  const certificate = readCertificate(options);
  const warn = (message: string): void =>
    reporter.report({ kind: "warning", message });
  const fault = (error: unknown): void => warn(messageOf(error));
  const { maxFiles, maxBytes } = options;
  const store = await openStore(dataDir, { quota: { maxFiles, maxBytes } });
  try {
    if (!noAuth && store.keys.list().length === 0) {
      const about = { name: "admin", role: "admin", path: ROOT } as const;
      const key = store.keys.create(about);
      const { name, role } = about;
      reporter.report({
        kind: "hub",
        event: { kind: "key-created", name, role, key, isFirst: true },
      });
    }
    const hub = new Hub(store);
    store.onRewritten(({ client, changeSet, files, total }) => {
      const name = store.clients.get(client)?.name ?? client;
      warn(
        `${
          displayPath(name)
        } has replaced ${files} of ${total} files at once, ` +
          `in change set ${changeSet}; what was there before stays for 30 days ` +
          "(to take it back: lockstep undo)",
      );
    });
    const stopping = new AbortController();
    const access = new Access({
      host,
      keys: store.keys,
      open: noAuth,
      clock: systemClock,
      turnedAway: (peer, reason) =>
        reporter.report({ kind: "turned-away", peer, reason }),
    });
    const trees = new HubTrees(store);
    const engine = new Engine({
      ...{ hub, trees, access, fault, maxFileSize },
      approval: !options.noApproval,
      software: SOFTWARE,
      clientId: newClientId(),
      clock: systemClock,
      signal: stopping.signal,
    });
    const api = createApi({
      hub,
      access,
      approval: !options.noApproval,
      maxFileSize,
      fault,
      clock: systemClock,
      now: Date.now,
      idleMs: IDLE_MS,
      signal: stopping.signal,
    }, [engine]);
    using _ = handleStrayErrors(fault);
    const listener = listenHttp(
      { host, port, certificate, clock: systemClock },
      api,
      (reason) => warn(`The hub listens anew: ${reason}`),
    );
    const scheme = certificate === undefined ? "http" : "https";
    const url = `${scheme}://${listener.authority}`;
    reporter.report({
      kind: "hub",
      event: {
        kind: "serving",
        host,
        port: listener.port,
        url,
        dir: Deno.realPathSync(dataDir),
      },
    });
    const expiry = certificate && expiryOf(certificate.cert, new Date());
    if (expiry !== undefined) {
      const day = expiry.toISOString().slice(0, 10);
      warn(`The certificate is valid until ${day} only`);
    }
    if (certificate === undefined && !isLoopback(host)) {
      warn("Keys and files travel unencrypted; --tls-cert would hide them");
    }
    const stopCollecting = collectDaily();
    const parts = { store, trees, clock: systemClock, reporter };
    const mirroring = mirror === undefined ? undefined : new ServedMirror(
      { ...options, mirror },
      { ...parts, signal: stopping.signal },
    ).run();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    stopCollecting();
    stopping.abort();
    hub.close();
    await mirroring;
    await engine.closed();
    await listener.close();
    reporter.report({ kind: "hub", event: { kind: "stopped" } });
    return EXIT.done;
  } finally {
    await store.close();
  }

  function collectDaily(): () => void {
    const retention = {
      versions: options.keepVersions,
      most: options.maxVersions,
      ageMs: options.keepDays * DAY_MS,
    };
    let cancel = (): void => {};
    const plan = (delayMs: number): void => {
      cancel = systemClock.after(delayMs, async () => {
        try {
          const done = await store.collect(retention, signal);
          const { versions, bytes, problems } = done;
          for (const problem of problems) warn(problem);
          const event = { kind: "collected", versions, bytes } as const;
          reporter.report({ kind: "hub", event });
        } catch (error) {
          if (!signal.aborted) fault(error);
        }
        if (!signal.aborted) plan(DAY_MS);
      });
    };
    // Soon at first: some hubs are started anew every day.
    plan(FIRST_COLLECTION_MS);
    return () => cancel();
  }
}
