/** `lockstep doctor`: looks at this machine and at the other end, and gives advice. */
import { UsageError } from "../../errors.ts";
import type { OptionsOf } from "../args.ts";
import { type Address, examineAddress } from "../doctor/address.ts";
import { examineMachine } from "../doctor/machine.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { Finding } from "../finding.ts";
import { connectOptionsOf } from "./connect_options.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";
import { readCaFile } from "./tls_files.ts";

/** How long the other end may take for an answer. */
const PATIENCE_MS = 10_000;

type DoctorOptions = OptionsOf<"doctor">;

/** Runs the command. @throws {UsageError} */
export async function doctor(
  options: DoctorOptions,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  using address = addressOf(options, signal);
  const counts: Record<Finding["state"], number> = { good: 0, poor: 0, bad: 0 };
  const tell = (finding: Finding): void => {
    counts[finding.state]++;
    reporter.report({ kind: "finding", finding });
  };
  for (const finding of await examineMachine(options.stateDir)) tell(finding);
  const machine = counts.bad === 0 ? EXIT.done : EXIT.failed;
  let there: ExitCode = EXIT.done;
  if (address !== undefined) {
    const { findings, exit } = await examineAddress(address);
    for (const finding of findings) tell(finding);
    there = exit;
  }
  reporter.report({ kind: "examined", counts });
  return machine === EXIT.done ? there : machine;
}

/** Undefined without an address; its owner disposes of it. */
function addressOf(
  options: DoctorOptions,
  signal: AbortSignal,
): (Address & Disposable) | undefined {
  const { url: text, token, tokenFile, apiKey, apiKeyFile, caFile } = options;
  const url = text === undefined ? undefined : URL.parse(text);
  if (text !== undefined && !isAddress(url)) {
    // It is not repeated: there may be a password in it.
    throw new UsageError(
      "URL is no address of a listener (ws://, wss://) or a hub (http://, " +
        "https://), without a user or a password",
    );
  }
  const isListener = url?.protocol.startsWith("ws") === true;
  const isHub = isAddress(url) && !isListener;
  const unused = {
    "--token": isListener ? undefined : token,
    "--token-file": isListener ? undefined : tokenFile,
    "--api-key": isHub ? undefined : apiKey,
    "--api-key-file": isHub ? undefined : apiKeyFile,
    "--ca-file": isAddress(url) ? undefined : caFile,
  };
  for (const [name, value] of Object.entries(unused)) {
    if (value === undefined) continue;
    const whose = name === "--ca-file"
      ? "an address"
      : name.startsWith("--token")
      ? "the address of a listener"
      : "the address of a hub";
    throw new UsageError(`${name} is for ${whose} only`);
  }
  if (!isAddress(url)) return undefined;
  const base = { url, patienceMs: PATIENCE_MS, signal };
  if (isListener) {
    const to = { kind: "url", url: url.href } as const;
    const connect = connectOptionsOf(to, options);
    return { ...base, connect, hub: undefined, [Symbol.dispose](): void {} };
  }
  const server = url.href.replace(/\/$/, "");
  const hub = new HubClient({ server, apiKey, apiKeyFile, caFile }, signal);
  return {
    ...base,
    connect: caFile === undefined ? {} : { caCerts: [readCaFile(caFile)] },
    hub,
    [Symbol.dispose]: () => hub[Symbol.dispose](),
  };
}

function isAddress(url: URL | null | undefined): url is URL {
  return url !== null && url !== undefined &&
    ["ws:", "wss:", "http:", "https:"].includes(url.protocol) &&
    url.username === "" && url.password === "";
}
