/** Looks at the other end: a listener or a hub, as far as to be let in. */
import {
  messageOf,
  ProtocolError,
  SyncError,
  TransportError,
} from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { isLoopback } from "../../net/host.ts";
import { type ConnectOptions, connectWebSocket } from "../../net/websocket.ts";
import type { Peer } from "../../session/handshake.ts";
import { openSession } from "../../session/open_session.ts";
import { systemClock } from "../../session/system_clock.ts";
import { newClientId } from "../commands/client_id.ts";
import type { HubClient } from "../commands/hub_client.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "../exit_code.ts";
import type { Finding } from "../finding.ts";
import { SOFTWARE } from "../version.ts";
import { examineCertificate } from "./certificate.ts";
import { judgeSkew } from "./judge.ts";

/** How the other end was found, and how a sync with it would have ended. */
export interface Examined {
  readonly findings: readonly Finding[];
  readonly exit: ExitCode;
}

/** Who is to be reached, and how. */
export interface Address {
  readonly url: URL;
  readonly connect: ConnectOptions;
  /** Undefined: it is a listener. */
  readonly hub: HubClient | undefined;
  /** How long an answer may take, in milliseconds. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** All findings about the other end. */
export async function examineAddress(address: Address): Promise<Examined> {
  const { url, hub } = address;
  const isSecure = ["wss:", "https:"].includes(url.protocol);
  const findings: Finding[] = [];
  if (isSecure) findings.push(await examineCertificate(url, new Date()));
  else if (!isLoopback(url.hostname)) {
    findings.push({
      check: "encryption",
      state: "poor",
      message: "whoever is on the way can read all that is sent",
      advice: `Use ${url.protocol === "ws:" ? "wss" : "https"}://, or a tunnel`,
    });
  }
  try {
    findings.push(
      hub === undefined
        ? await meetListener(address)
        : await meetHub(hub, address),
    );
    // Who is not let in has had one wrong try, and makes no second one.
    const skew = await measureSkew(address);
    if (skew !== undefined) findings.push(skew);
    return { findings, exit: EXIT.done };
  } catch (error) {
    address.signal.throwIfAborted();
    if (!(error instanceof SyncError)) throw error;
    const message = messageOf(error);
    const check = hub === undefined ? "listener" : "hub";
    const advice = adviceFor(error, hub !== undefined);
    findings.push({ check, state: "bad", message, advice });
    return { findings, exit: exitCodeOfError(error) };
  }
}

/** Undefined where there is no answer, or none with a time in it. */
async function measureSkew(
  { url, connect, patienceMs, signal }: Address,
): Promise<Finding | undefined> {
  const asked = new URL(url);
  asked.protocol = url.protocol.replace("ws", "http");
  const { caCerts, token } = connect;
  using client = Deno.createHttpClient({ caCerts: [...caCerts ?? []] });
  const before = Date.now();
  try {
    const answer = await fetch(asked, {
      client,
      redirect: "manual",
      // Without it the try would count as one with a wrong token.
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
    });
    await answer.body?.cancel();
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isNaN(date)) return undefined;
    return judgeSkew(date, { before, after: Date.now() });
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Introduces itself, and leaves as one who only looked. */
async function meetListener(address: Address): Promise<Finding> {
  const start = performance.now();
  let twoWay = false;
  let peer: Peer;
  try {
    peer = await introduce(address, twoWay);
  } catch (error) {
    // It may be for two-way syncs alone; what it is, is told by its answer.
    if (!(error instanceof ProtocolError) || !/two-way/.test(error.message)) {
      throw error;
    }
    twoWay = true;
    peer = await introduce(address, twoWay);
  }
  const milliseconds = Math.round(performance.now() - start);
  return {
    check: "listener",
    state: "good",
    message: `${peer.software} lets this machine in, ${
      twoWay ? "for two-way syncs" : "to mirror"
    } (protocol ${peer.version}, ${milliseconds} ms)`,
    facts: {
      software: peer.software,
      protocol: peer.version,
      capabilities: [...peer.capabilities],
      twoWay,
      milliseconds,
    },
  };
}

async function introduce(
  { url, connect, patienceMs, signal }: Address,
  twoWay: boolean,
): Promise<Peer> {
  const transport = await connectWebSocket(url, {
    ...connect,
    timeoutMs: patienceMs,
    signal,
  });
  const self = {
    software: SOFTWARE,
    clientId: newClientId(),
    traits: new DenoFileSystem().traits,
  };
  const session = await openSession(transport, self, {
    clock: systemClock,
    twoWay,
    signal,
  });
  try {
    await session.bye({ kind: "planned", message: "" });
    return session.peer;
  } finally {
    session.close();
  }
}

async function meetHub(
  hub: HubClient,
  { url, patienceMs }: Address,
): Promise<Finding> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const cancel = systemClock.after(patienceMs, () => {
    const message = `Cannot reach the hub at ${url.host}: no answer within ${
      patienceMs / 1_000
    } s`;
    reject(new TransportError(message, "unreachable"));
  });
  try {
    const asked = hub.ask("/health").then(() => hub.ask("/files?limit=1"));
    await Promise.race([asked, silence]);
  } finally {
    cancel();
  }
  return { check: "hub", state: "good", message: "it lets this key in" };
}

/** What is to be done about it; undefined: the message says it all. */
function adviceFor(error: SyncError, isHub: boolean): string | undefined {
  if (error instanceof TransportError) {
    return "Does it run, on this port, and with --host for other machines? " +
      "Does a firewall or a proxy let it through?";
  }
  if (/token|401/.test(error.message) && !isHub) {
    return "Show the token that it was started with: --token-file";
  }
  if (isHub) return "Show a key of this hub: --api-key-file";
  return undefined;
}
