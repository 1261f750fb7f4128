/** How long a connection is waited for, unless --retry-for says so, in milliseconds. */
export const USUAL_PATIENCE_MS = 60_000;
