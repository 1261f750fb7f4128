/** The one word of a command line that is no command for people: the daemon's. */

/** Starts the process of a workspace. */
export const WORKER_WORD = "workspace-worker";
