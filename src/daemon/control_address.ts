/** Where a daemon listens to whoever controls it, and how it is found there. */

/** A socket in a directory that only its owner may enter, or a port and a token. */
export type ControlAddress =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "port"; readonly port: number; readonly token: string };

/** Where a daemon has its files; all paths are absolute. */
export interface DaemonPlaces {
  /** The socket; where there are none, a file that tells port and token. */
  readonly control: string;
  readonly config: string;
  /** Locks, logs. */
  readonly state: string;
}

/** The log of the daemon itself. */
export function daemonLogOf({ state }: DaemonPlaces): string {
  return `${state}/daemon.log`;
}

/** The log of the workspace `name`. */
export function workspaceLogOf({ state }: DaemonPlaces, name: string): string {
  return `${state}/workspaces/${name}.log`;
}

/** What is remembered of the remotes of the workspace `name`. */
export function syncedFileOf({ state }: DaemonPlaces, name: string): string {
  return `${state}/workspaces/${name}.synced.json`;
}

/** Whether processes here talk by sockets in the file system. */
export const HAS_SOCKETS = Deno.build.os !== "windows";
