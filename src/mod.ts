/**
 * Lockstep as a library: mirror one tree to another, over any file system and
 * any carrier of messages.
 *
 * @module
 */
export type * from "./content/description.ts";
export { type Recipe, recipeOf } from "./content/recipe.ts";
export type { Pages } from "./content/pages.ts";
export type { Signature } from "./content/signature.ts";
export * from "./core/change.ts";
export * from "./core/clock.ts";
export * from "./core/diff.ts";
export * from "./core/entry.ts";
export type { IgnoreRule, RuleOrigin } from "./core/ignore_rule.ts";
export type { IgnoreDecision, IgnoreTree } from "./core/ignore_tree.ts";
export * from "./core/guard.ts";
export * from "./core/outcome.ts";
export * from "./core/path.ts";
export * from "./core/piece.ts";
export * from "./core/plan.ts";
export * from "./core/problem.ts";
export * from "./core/snapshot.ts";
export * from "./errors.ts";
export { DenoFileSystem, type DenoFileSystemOptions } from "./fs/deno_fs.ts";
export type * from "./fs/file_system.ts";
export { MemoryFileSystem } from "./fs/memory_fs.ts";
export {
  type FileVersion,
  MemoryRecipeStore,
  type RecipeStore,
} from "./fs/recipe_store.ts";
export type { Trash } from "./fs/trash.ts";
export {
  TrashDirectory,
  type TrashDirectoryOptions,
} from "./fs/trash_directory.ts";
export { Gate, type GateOptions, type Refusal } from "./net/gate.ts";
export { memoryTransports } from "./net/memory_transport.ts";
export type { Transport } from "./net/transport.ts";
export { upgradeToTransport } from "./net/upgrade.ts";
export { type ConnectOptions, connectWebSocket } from "./net/websocket.ts";
export type * from "./session/endpoint.ts";
export type * from "./session/events.ts";
export type { Party, Peer } from "./session/handshake.ts";
export { GuardedEndpoint } from "./session/guarded_endpoint.ts";
export {
  LocalEndpoint,
  type LocalEndpointOptions,
} from "./session/local_endpoint.ts";
export { type CompareOptions, compareSides } from "./session/compare_sides.ts";
export { mirror, type MirrorOptions } from "./session/mirror.ts";
export {
  Receiver,
  type ReceiverEvent,
  type ReceiverOptions,
} from "./session/receiver.ts";
export { withRetry } from "./session/reconnect.ts";
export { RemoteEndpoint } from "./session/remote_endpoint.ts";
export type * from "./session/round_guard.ts";
export type * from "./session/round_record.ts";
export { Safeguards, type SafetyLimits } from "./session/safeguards.ts";
export { serveEndpoint } from "./session/serve_endpoint.ts";
export {
  awaitHello,
  openSession,
  type PendingSession,
  Session,
  type SessionOptions,
} from "./session/session.ts";
export { systemClock } from "./session/system_clock.ts";
