/**
 * The first message each way. The client says hello; the server answers with its
 * own hello, or refuses and says why.
 */
import type { Clock } from "../core/clock.ts";
import { quote } from "../core/path.ts";
import { ProtocolError, TransportError } from "../errors.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import type { Transport } from "../net/transport.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import { fromWireError, toWireError } from "../protocol/error_code.ts";
import {
  decodeFrames,
  type Frame,
  frameName,
  FrameType,
  putFrameHeader,
  sealMessage,
} from "../protocol/frame.ts";
import { MAX_WINDOW_BYTES, PAGE_HEADER_BYTES } from "../protocol/limits.ts";
import {
  readError,
  readHello,
  readVersions,
  writeError,
  writeHello,
} from "../protocol/session_codec.ts";
import {
  describeVersions,
  negotiate,
  SUPPORTED_VERSIONS,
  type VersionRange,
} from "../protocol/version.ts";

/** The first message of a peer must be there after this long. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Who somebody is, and what its side can hold. */
export interface Party {
  /** Name and version of the program. */
  readonly software: string;
  /** 32 hexadecimal digits, drawn once for each run of a program. */
  readonly clientId: string;
  /** What its file system can hold. */
  readonly traits: FileSystemTraits;
}

/** The other side, as it has introduced itself. */
export interface Peer extends Party {
  /** The version of the protocol that both sides use. */
  readonly version: number;
  /** What it can do beyond the first version; unknown names are ignored. */
  readonly capabilities: ReadonlySet<string>;
  /** How many unconsumed bytes it puts up with. */
  readonly windowBytes: number;
}

/** What a handshake may use. */
export interface HandshakeOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Says hello, which capabilities this side has, and what it puts up with. */
export async function sendHello(
  transport: Transport,
  self: Party,
  capabilities: readonly string[],
  windowBytes: number = MAX_WINDOW_BYTES,
): Promise<void> {
  await send(transport, helloMessage(self, capabilities, windowBytes));
}

/** The message that says hello. */
export function helloMessage(
  self: Party,
  capabilities: readonly string[],
  windowBytes: number = MAX_WINDOW_BYTES,
): Uint8Array {
  return frameMessage(
    FrameType.hello,
    (writer) =>
      writeHello(writer, SUPPORTED_VERSIONS, {
        ...self,
        windowBytes,
        capabilities,
      }),
  );
}

/** Says no. */
export async function sendRefusal(
  transport: Transport,
  error: ProtocolError,
): Promise<void> {
  const message = frameMessage(
    FrameType.refuse,
    (writer) => writeError(writer, toWireError(error)),
  );
  await send(transport, message);
}

/**
 * Waits for the peer's hello.
 * @throws {ProtocolError} If it refuses, speaks no version of ours (`version`),
 *   or is no Lockstep at all.
 * @throws {TransportError} If the connection breaks, or nothing comes in time.
 */
export async function receiveHello(
  transport: Transport,
  options: HandshakeOptions,
): Promise<Peer> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  interrupted.catch(() => {});
  const onAbort = (): void => reject(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort);
  if (options.signal?.aborted) onAbort();
  const cancel = options.clock.after(
    HANDSHAKE_TIMEOUT_MS,
    () =>
      reject(
        new TransportError(
          `${transport.peer} did not introduce itself within ${
            HANDSHAKE_TIMEOUT_MS / 1000
          } s`,
        ),
      ),
  );
  try {
    const frame = await Promise.race([firstFrame(transport), interrupted]);
    return readPeer(frame, transport.peer);
  } finally {
    cancel();
    options.signal?.removeEventListener("abort", onAbort);
  }
}

async function firstFrame(transport: Transport): Promise<Frame> {
  const reader = transport.readable.getReader();
  try {
    const { done, value } = await reader.read();
    if (done) {
      throw new TransportError(`${transport.peer} closed the connection`);
    }
    const [frame, more] = [...decodeFrames(value)];
    if (frame !== undefined && more === undefined) return frame;
    throw new ProtocolError("The first message has more than one frame");
  } finally {
    reader.releaseLock();
  }
}

/**
 * Reads the first frame of the peer, `name` in messages.
 * @throws {ProtocolError} See {@link receiveHello}.
 */
export function readPeer(frame: Frame, name: string): Peer {
  const reader = new ByteReader(frame.payload);
  if (frame.type === FrameType.refuse) {
    const error = fromWireError(readError(reader));
    throw error instanceof ProtocolError
      ? error
      : new ProtocolError(error.message, "refused");
  }
  if (frame.type !== FrameType.hello || frame.end || frame.exchange !== 0) {
    throw new ProtocolError(
      `A ${frameName(frame.type)} frame came before the hello`,
    );
  }
  const versions = readVersions(reader);
  const version = negotiate(SUPPORTED_VERSIONS, versions);
  if (version === undefined) throw versionError(name, versions);
  const { software, clientId, traits, windowBytes, capabilities } = readHello(
    reader,
  );
  // What it calls itself is shown to people.
  const shown = quote(software).slice(1, -1);
  return {
    software: shown,
    clientId,
    traits,
    version,
    windowBytes,
    capabilities: new Set(capabilities),
  };
}

function versionError(name: string, theirs: VersionRange): ProtocolError {
  return new ProtocolError(
    `${name} speaks version ${
      describeVersions(theirs)
    } of the protocol, this side speaks ${
      describeVersions(SUPPORTED_VERSIONS)
    }: update the older one`,
    "version",
  );
}

/** A message of one frame of the session itself. */
export function frameMessage(
  type: FrameType,
  write: (writer: ByteWriter) => void,
): Uint8Array {
  const writer = new ByteWriter();
  writer.skip(PAGE_HEADER_BYTES);
  write(writer);
  putFrameHeader(writer.bytes, { type, exchange: 0, end: false });
  sealMessage(writer.bytes);
  return writer.bytes;
}

async function send(transport: Transport, message: Uint8Array): Promise<void> {
  const stream = transport.writable.getWriter();
  try {
    await stream.write(message);
  } finally {
    stream.releaseLock();
  }
}
