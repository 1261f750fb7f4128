import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/args.ts";
import { UsageError } from "../../../src/errors.ts";

const SYNC = {
  from: "a",
  to: { kind: "directory", path: "b" },
  watch: false,
  checksum: false,
  noDelete: false,
  symlinks: "copy",
  retryFor: 60_000,
  json: false,
  quiet: false,
  verbose: false,
} as const;

const LISTEN = {
  port: 8080,
  outputDir: "d",
  host: "127.0.0.1",
  keepListening: false,
  retryFor: 60_000,
  json: false,
  quiet: false,
  verbose: false,
} as const;

const GOOD: readonly [line: string, command: unknown][] = [
  ["", { kind: "none" }],
  ["--json", { kind: "none" }],
  ["--", { kind: "none" }],
  ["--help", { kind: "help", topic: undefined }],
  ["-h", { kind: "help", topic: undefined }],
  ["help", { kind: "help", topic: undefined }],
  ["help sync", { kind: "help", topic: "sync" }],
  ["sync --help", { kind: "help", topic: "sync" }],
  ["sync --from -h", { kind: "help", topic: "sync" }],
  ["listen --nonsense -h", { kind: "help", topic: "listen" }],
  ["--port 1 --help", { kind: "help", topic: "listen" }],
  ["--version", { kind: "version" }],
  ["-V", { kind: "version" }],
  ["sync --version", { kind: "version" }],

  ["sync --from a --to b", { kind: "sync", options: SYNC }],
  ["sync --from=a --to=b", { kind: "sync", options: SYNC }],
  ["sync -f a -t b", { kind: "sync", options: SYNC }],
  ["sync -fa -t=b", { kind: "sync", options: SYNC }],
  ["--to b --from a", { kind: "sync", options: SYNC }],
  ["-t b -f a", { kind: "sync", options: SYNC }],
  ["--json -f a -t b", { kind: "sync", options: { ...SYNC, json: true } }],
  ["sync -f sync -t b", { kind: "sync", options: { ...SYNC, from: "sync" } }],
  ["sync --from=-x --to b", { kind: "sync", options: { ...SYNC, from: "-x" } }],
  ["sync -f=--to -t b", { kind: "sync", options: { ...SYNC, from: "--to" } }],
  ["sync -f - -t b", { kind: "sync", options: { ...SYNC, from: "-" } }],
  ["sync -f a=b -t b", { kind: "sync", options: { ...SYNC, from: "a=b" } }],
  ["sync -f -1 -t b", { kind: "sync", options: { ...SYNC, from: "-1" } }],
  ["sync -f 007 -t b", { kind: "sync", options: { ...SYNC, from: "007" } }],
  ["sync -f true -t b", { kind: "sync", options: { ...SYNC, from: "true" } }],
  ["sync -q -f a -t b", { kind: "sync", options: { ...SYNC, quiet: true } }],
  ["sync -vfa -tb", { kind: "sync", options: { ...SYNC, verbose: true } }],
  ["sync -f a -t b -v -v", {
    kind: "sync",
    options: { ...SYNC, verbose: true },
  }],
  ["sync -f a -t b --no-delete --checksum", {
    kind: "sync",
    options: { ...SYNC, noDelete: true, checksum: true },
  }],
  ["sync -f a -t b --symlinks follow", {
    kind: "sync",
    options: { ...SYNC, symlinks: "follow" },
  }],
  ...([
    ["0", 0],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["250ms", 250],
    ["1.5", 1_500],
  ] as const).map(([text, retryFor]): [string, unknown] => [
    `sync -f a -t b --retry-for ${text}`,
    { kind: "sync", options: { ...SYNC, retryFor } },
  ]),
  ...([
    "ws://localhost:8080",
    "wss://example.org",
    "WS://Example.org:80/a?b=c",
    "ws://[::1]:9000/x",
  ] as const).map((url): [string, unknown] => [
    `sync -f a -t ${url}`,
    { kind: "sync", options: { ...SYNC, to: { kind: "url", url } } },
  ]),
  ...["./localhost:8080", "C:80", "a:b", "-5"].map((
    path,
  ): [string, unknown] => [
    `sync -f a --to=${path}`,
    { kind: "sync", options: { ...SYNC, to: { kind: "directory", path } } },
  ]),

  ["listen --output-dir d", { kind: "listen", options: LISTEN }],
  ["listen --out-dir-path d", { kind: "listen", options: LISTEN }],
  ["listen --out-dir-path=d", { kind: "listen", options: LISTEN }],
  ["-o d", { kind: "listen", options: LISTEN }],
  ["--port 8080 --out-dir-path d", { kind: "listen", options: LISTEN }],
  ["-p 0 -o d", { kind: "listen", options: { ...LISTEN, port: 0 } }],
  ["-p65535 -od", { kind: "listen", options: { ...LISTEN, port: 65_535 } }],
  ["-vp=1 -od", {
    kind: "listen",
    options: { ...LISTEN, port: 1, verbose: true },
  }],
  ["listen -o d --host [::1] --keep-listening", {
    kind: "listen",
    options: { ...LISTEN, host: "::1", keepListening: true },
  }],
];

const BAD: readonly [line: string, message: string][] = [
  ["snyc", 'Unknown command "snyc"; did you mean sync?'],
  ["xyzzy", 'Unknown command "xyzzy" (see: lockstep --help)'],
  ["help snyc", 'There is no help on "snyc"; did you mean sync?'],
  ["--fron a", "Unknown option --fron; did you mean --from?"],
  ["--formm a --to b", "Unknown option --formm; did you mean --from?"],
  ["sync --checksums -f a -t b", "did you mean --checksum?"],
  ["sync --no-delet -f a -t b", "did you mean --no-delete?"],
  ["sync -json -f a -t b", "Unknown option -json; did you mean --json?"],
  ["sync -vx -f a -t b", "Unknown option -x (see: lockstep sync --help)"],
  ["sync --port 1 -f a -t b", "Unknown option --port"],
  ["sync --__proto__ -f a -t b", "Unknown option --__proto__"],
  ["sync --_ -f a -t b", "Unknown option --_"],
  ["sync --a.b=c -f a -t b", 'Unknown option "--a.b"'],
  ["sync --\u001b[31m -f a -t b", 'Unknown option "--\\u001b[31m"'],
  ["--port 1 --to b", "different commands: listen and sync"],

  ["sync -f a", "--to URL|DIR is missing"],
  ["sync -t b", "--from DIR is missing"],
  ["listen", "--output-dir DIR is missing"],
  ["sync --from", "--from needs a value (DIR)"],
  ["sync --from= --to b", "--from needs a value (DIR)"],
  ["sync -f a -t", "-t needs a value (URL|DIR)"],
  ["sync --from --to b", '"--from=--to"'],
  ["sync --from -x --to b", '"--from=-x"'],
  ["sync --from -- --to b", "--from needs a value"],
  ["sync -f a -f a -t b", "--from is given more than once"],
  ["sync -f a -t b --to c", "Only one --to is possible in this version"],
  ["sync -f a -t b --json=true", "--json takes no value"],
  ["sync -f a -t b -q=1", "-q takes no value"],
  ["sync -f a -t b --no-delete=no", "--no-delete takes no value"],
  ["sync -f a -t b extra", 'Unexpected argument "extra"'],
  ["sync a b", 'Unexpected argument "a"'],
  ["sync -f a -t b -- c", 'Unexpected argument "c"'],
  ["--json sync -f a -t b", '"sync"; the command comes first'],
  ["sync -f a -t b --watch", "--watch is not available in this version"],
  ["sync -f a -t b -w", "--watch is not available in this version"],
  ["sync -f a -t b -q -v", "--quiet and --verbose exclude each other"],
  ["sync -f a -t b --symlinks keep", "expected copy, skip, follow"],

  ...["-1", "65536", "80a", "0x50", "1e3", "8080.0", "99999999999"].map((
    port,
  ): [string, string] => [
    `listen -o d --port ${port}`,
    `--port "${port}" is not a port: 0 to 65535`,
  ]),
  ...["-5", "soon", "5d", "1e3", "8760h", "."].map((
    time,
  ): [string, string] => [
    `sync -f a -t b --retry-for=${time}`,
    `--retry-for "${time}" is not a time`,
  ]),
  ["sync -f a -t b --retry-for -5", '--retry-for "-5" is not a time'],
  ["listen -o d --host 127.0.0.1:80", "the port belongs to --port"],
  ["listen -o d --host http://x", "is not a host name or an IP address"],
  ["sync -f a -t http://h:1/x", 'write "ws://h:1/x"'],
  ["sync -f a -t HTTPS://h", 'write "wss://h"'],
  ["sync -f a -t ftp://h", "only ws:// and wss:// addresses are possible"],
  ["sync -f a -t file:///b", "only ws:// and wss:// addresses are possible"],
  ["sync -f a -t ws:h:1", "an address begins with ws:// or wss://"],
  ["sync -f a -t localhost:8080", 'write "ws://localhost:8080"'],
  ["sync -f a -t ws://", "is not a valid address"],
  ["sync -f a -t ws://h:99999", "is not a valid address"],
  ["sync -f a -t ws://h:port", "is not a valid address"],
  ["sync -f a -t ws://h:0", "0 is not a port that can be reached"],
  ["sync -f a -t ws://h/#x", 'an address can\'t hold "#"'],
  ["sync -f a -t ws://u:secret@h", "an address can't hold a user or password"],
];

for (const [line, command] of GOOD) {
  Deno.test(`parseCommandLine() reads: ${line}`, () => {
    assertEquals(parseCommandLine(split(line)), command);
  });
}

for (const [line, message] of BAD) {
  Deno.test(`parseCommandLine() refuses: ${JSON.stringify(line)}`, () => {
    const error = assertThrows(() => parseCommandLine(split(line)), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.message.includes("secret"), false);
  });
}

Deno.test("parseCommandLine() takes arguments as they are, spaces and all", () => {
  const command = parseCommandLine(["sync", "-f", "a b\n", "--to", " "]);
  assertEquals(command, {
    kind: "sync",
    options: { ...SYNC, from: "a b\n", to: { kind: "directory", path: " " } },
  });
  const error = assertThrows(
    () => parseCommandLine(["sync", "-f", "", "--to", "b"]),
    UsageError,
  );
  assertStringIncludes(error.message, "-f needs a value");
});

function split(line: string): string[] {
  return line === "" ? [] : line.split(" ");
}
