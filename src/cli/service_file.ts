/** Files by which systemd and launchd start the daemon when its user logs in. Pure. */
import { SyncError } from "../errors.ts";

/** What the file is made from; paths are absolute. */
export interface ServiceOptions {
  readonly home: string;
  /** The directory of settings. */
  readonly config: string;
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Variables that the daemon gets. */
  readonly environment: readonly (readonly [name: string, value: string])[];
}

/** A file, and the commands with which it takes effect. */
export interface Service {
  readonly path: string;
  readonly text: string;
  readonly enable: string;
  readonly disable: string;
}

const LABEL = "lockstep.daemon";

/** The service for this system. @throws {SyncError} If a word can't be written there. */
export function serviceOf(
  system: "linux" | "darwin",
  options: ServiceOptions,
): Service {
  const values = options.environment.map(([, value]) => value);
  for (const text of [...options.words, ...values]) {
    // deno-lint-ignore no-control-regex -- such names can't be written in either file
    if (!/[\x00-\x1f\x7f]/.test(text)) continue;
    throw new SyncError(
      "unsupported",
      `A service can't be given the word ${JSON.stringify(text)}`,
    );
  }
  return system === "linux" ? systemdUnit(options) : launchdAgent(options);
}

function systemdUnit({ config, words, environment }: ServiceOptions): Service {
  const variables = environment.map(([name, value]) =>
    `Environment=${systemdWord(`${name}=${value}`)}`
  );
  const lines = [
    "[Unit]",
    "Description=Lockstep keeps workspaces mirrored",
    "Documentation=man:systemd.service(5)",
    "After=network-online.target",
    "",
    "[Service]",
    `ExecStart=${words.map(systemdWord).join(" ")}`,
    ...variables,
    "Restart=on-failure",
    "RestartSec=1",
    // What it has asked to end gets its time; see to it that nothing is left behind.
    "KillMode=mixed",
    "",
    "[Install]",
    "WantedBy=default.target",
  ];
  return {
    path: `${config}/systemd/user/lockstep.service`,
    text: `${lines.join("\n")}\n`,
    enable: "systemctl --user daemon-reload && " +
      "systemctl --user enable --now lockstep.service",
    disable: "systemctl --user disable --now lockstep.service",
  };
}

/** As systemd.syntax(7) has it: "%" and "$" would be replaced. */
function systemdWord(word: string): string {
  const text = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"')
    .replaceAll("%", "%%").replaceAll("$", "$$$$");
  return `"${text}"`;
}

function launchdAgent({ home, words, environment }: ServiceOptions): Service {
  const list = words.map((word) => `    <string>${xml(word)}</string>`);
  const variables = environment.flatMap(([name, value]) => [
    `    <key>${xml(name)}</key>`,
    `    <string>${xml(value)}</string>`,
  ]);
  const path = `${home}/Library/LaunchAgents/${LABEL}.plist`;
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ' +
    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    "<dict>",
    "  <key>Label</key>",
    `  <string>${LABEL}</string>`,
    "  <key>ProgramArguments</key>",
    "  <array>",
    ...list,
    "  </array>",
    "  <key>EnvironmentVariables</key>",
    "  <dict>",
    ...variables,
    "  </dict>",
    "  <key>RunAtLoad</key>",
    "  <true/>",
    "  <key>KeepAlive</key>",
    "  <dict>",
    "    <key>SuccessfulExit</key>",
    "    <false/>",
    "  </dict>",
    "</dict>",
    "</plist>",
  ];
  return {
    path,
    text: `${lines.join("\n")}\n`,
    enable: `launchctl load -w ${shellWord(path)}`,
    disable: `launchctl unload -w ${shellWord(path)}`,
  };
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
