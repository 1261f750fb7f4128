/** Two instances of Syncthing that share one folder, and know nobody else. */
import { join } from "@std/path";
import { command } from "../support/command.ts";

/** How soon the folder of an instance is looked at, in seconds: no less can be said. */
const WATCH_DELAY_S = 1;

const FOLDER = "shared";
const API_KEY = "bench";
const DEADLINE_MS = 300_000;
const POLL_MS = 20;

interface Instance {
  readonly home: string;
  readonly folder: string;
  /** Where it listens: for the other one, and for questions. */
  readonly ports: readonly [peer: number, api: number];
  readonly id: string;
}

/**
 * Starts two instances, of which the first has the `files` files in `source`, and
 * waits until the second has all of them in `target`: seconds from the start.
 * @param home For what they keep; made here.
 */
export async function passBySyncthing(
  home: string,
  [source, target]: readonly [source: string, target: string],
  files: number,
): Promise<number> {
  const instances = [
    await instance(join(home, "first"), source),
    await instance(join(home, "second"), target),
  ];
  for (const one of instances) {
    Deno.mkdirSync(join(one.folder, ".stfolder"), { recursive: true });
    Deno.writeTextFileSync(
      join(one.home, "config.xml"),
      configOf(one, instances),
    );
  }
  const since = performance.now();
  const children = instances.map(({ home }) =>
    new Deno.Command("syncthing", {
      args: ["serve", `--home=${home}`, "--no-browser", "--no-restart"],
      env: { STNOUPGRADE: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn()
  );
  try {
    while (!await hasAll(instances[1]!, files)) {
      if (performance.now() - since > DEADLINE_MS) {
        throw new Error(`Syncthing is not through in ${DEADLINE_MS / 1000} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return (performance.now() - since) / 1_000;
  } finally {
    for (const child of children) child.kill("SIGTERM");
    for (const child of children) await child.status;
  }
}

async function instance(home: string, folder: string): Promise<Instance> {
  await run("generate", `--home=${home}`, "--no-default-folder");
  const id = (await run("serve", `--home=${home}`, "--device-id")).trim();
  return { home, folder, ports: [freePort(), freePort()], id };
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await command("syncthing", [...args]);
  if (code !== 0) throw new Error(`syncthing ${args}: exit ${code}: ${stderr}`);
  return stdout;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function hasAll({ ports }: Instance, files: number): Promise<boolean> {
  try {
    const response = await fetch(
      `http://127.0.0.1:${ports[1]}/rest/db/status?folder=${FOLDER}`,
      { headers: { "x-api-key": API_KEY } },
    );
    const { localFiles, needFiles } = await response.json();
    return localFiles === files && needFiles === 0;
  } catch {
    // It is not up yet.
    return false;
  }
}

function configOf(
  { ports: [peer, api], folder }: Instance,
  all: readonly Instance[],
): string {
  const members = all.map(({ id }) => `<device id="${id}"/>`).join("");
  const devices = all.map(({ id, ports }) =>
    `<device id="${id}" name="${ports[0]}" compression="never">` +
    `<address>tcp://127.0.0.1:${ports[0]}</address></device>`
  ).join("\n  ");
  return `<configuration version="36">
  <folder id="${FOLDER}" label="${FOLDER}" path="${folder}" type="sendreceive"
    rescanIntervalS="3600" fsWatcherEnabled="true"
    fsWatcherDelayS="${WATCH_DELAY_S}">${members}
    <filesystemType>basic</filesystemType><minDiskFree unit="">0</minDiskFree>
  </folder>
  ${devices}
  <gui enabled="true" tls="false">
    <address>127.0.0.1:${api}</address><apikey>${API_KEY}</apikey>
  </gui>
  <options>
    <listenAddress>tcp://127.0.0.1:${peer}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <crashReportingEnabled>false</crashReportingEnabled>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <startBrowser>false</startBrowser>
    <urAccepted>-1</urAccepted>
  </options>
</configuration>
`;
}
