/**
 * Lockstep as a library: keeps directories equal, over any file system and any
 * carrier of messages.
 *
 * - {@link sync}: one call that makes a directory equal to another one.
 * - {@link bidirectional}: carries to each of two sides what the other changed.
 * - {@link ReplicatorSource}, {@link ReplicatorTarget}: one-way, continuously, over
 *   any carrier of requests.
 * - {@link FileSystem}: what to implement to bring another file system; ours are
 *   {@link DenoFileSystem} and {@link MemoryFileSystem}. Its contract, as tests,
 *   is the entry point `./contract`.
 * - {@link Endpoint}, {@link mirror}: the parts that all of this is made of.
 *
 * @module
 */
export { applyChanges } from "./core/apply_changes.ts";
export type * from "./content/description.ts";
export { type Recipe, recipeOf } from "./content/recipe.ts";
export type { Pages } from "./content/pages.ts";
export type { Signature } from "./content/signature.ts";
export * from "./core/change.ts";
export * from "./core/clock.ts";
export * from "./core/conflict.ts";
export * from "./core/diff.ts";
export * from "./core/entry.ts";
export type { IgnoreRule, RuleOrigin } from "./core/ignore_rule.ts";
export type { IgnoreDecision, IgnoreTree } from "./core/ignore_tree.ts";
export * from "./core/guard.ts";
export * from "./core/keep_ancestor.ts";
export * from "./core/moves.ts";
export * from "./core/origins.ts";
export * from "./core/operation.ts";
export * from "./core/outcome.ts";
export * from "./core/path.ts";
export * from "./core/piece.ts";
export * from "./core/plan.ts";
export * from "./core/problem.ts";
export * from "./core/reconcile.ts";
export * from "./core/snapshot.ts";
export * from "./errors.ts";
export { DenoFileSystem, type DenoFileSystemOptions } from "./fs/deno_fs.ts";
export { DigestCache } from "./fs/digest_cache.ts";
export type { KnownDigests, Reading } from "./fs/known_digests.ts";
export type * from "./fs/file_system.ts";
export { type Hook, hooked } from "./fs/hooked_fs.ts";
export {
  type FailingCall,
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from "./fs/memory_fs.ts";
export type {
  MemoryCounters,
  MemoryFault,
  MemoryMethod,
  MemoryMutation,
} from "./fs/memory_state.ts";
export type { PlainEntry, PlainTree } from "./fs/memory_tree.ts";
export type { MemoryWatches } from "./fs/memory_watches.ts";
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
export {
  type MemoryFaults,
  type MemoryTransportOptions,
  memoryTransports,
} from "./net/memory_transport.ts";
export type { Transport } from "./net/transport.ts";
export { upgradeToTransport } from "./net/upgrade.ts";
export { type ConnectOptions, connectWebSocket } from "./net/websocket.ts";
export type { ReplicatorHandler } from "./replicator/courier.ts";
export type { FileSystemPlace } from "./replicator/overlap.ts";
export {
  decodeMessage,
  encodeMessage,
  ReplicatorMessage,
} from "./replicator/replicator_message.ts";
export {
  ReplicatorSource,
  type ReplicatorSourceOptions,
} from "./replicator/replicator_source.ts";
export {
  ReplicatorTarget,
  type ReplicatorTargetOptions,
} from "./replicator/replicator_target.ts";
export {
  sync,
  type SyncConnector,
  type SyncOptions,
  type SyncSource,
  type SyncTarget,
} from "./replicator/sync.ts";
export type { CompressMode } from "./session/compression.ts";
export type * from "./session/endpoint.ts";
export type * from "./session/events.ts";
export type { Party, Peer } from "./session/handshake.ts";
export { GuardedEndpoint } from "./session/guarded_endpoint.ts";
export {
  LocalEndpoint,
  type LocalEndpointOptions,
} from "./session/local_endpoint.ts";
export { type CompareOptions, compareSides } from "./session/compare_sides.ts";
export type * from "./session/ancestry.ts";
export {
  bidirectional,
  type BidirectionalOptions,
  previewTwoWay,
  type Sides,
  type TwoWayPreview,
  type TwoWayRound,
} from "./session/bidirectional.ts";
export type * from "./session/two_way_events.ts";
export {
  type AncestorRecord,
  type AncestorRecords,
  PairedAncestry,
  type PairedAncestryOptions,
  type PairedSide,
  type PairingState,
} from "./session/pairing.ts";
export { RemotePairing } from "./session/remote_pairing.ts";
export {
  type AppliedChanges,
  ObservedEndpoint,
} from "./session/observed_endpoint.ts";
export {
  OperationRecorder,
  type RecorderOptions,
} from "./session/operation_recorder.ts";
export { repeat, type RepeatOptions } from "./session/repeat.ts";
export { mirror, type MirrorOptions } from "./session/mirror.ts";
export {
  Receiver,
  type ReceiverEvent,
  type ReceiverOptions,
} from "./session/receiver.ts";
export {
  type Attempt,
  type RetryOptions,
  withRetry,
} from "./session/reconnect.ts";
export {
  type AskingSession,
  RemoteEndpoint,
} from "./session/remote_endpoint.ts";
export type * from "./session/round_guard.ts";
export type * from "./session/round_observer.ts";
export type * from "./session/round_record.ts";
export { Safeguards, type SafetyLimits } from "./session/safeguards.ts";
export { type ServedRole, serveEndpoint } from "./session/serve_endpoint.ts";
export {
  awaitHello,
  openSession,
  type PendingSession,
} from "./session/open_session.ts";
export { Session, type SessionOptions } from "./session/session.ts";
export { systemClock } from "./session/system_clock.ts";
