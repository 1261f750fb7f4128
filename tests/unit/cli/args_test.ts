import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/args.ts";
import { UsageError } from "../../../src/errors.ts";

const SYNC = {
  from: "a",
  to: [{ kind: "directory", path: "b" }],
  token: undefined,
  tokenFile: undefined,
  caFile: undefined,
  twoWay: false,
  conflict: undefined,
  watch: false,
  interval: undefined,
  logFile: undefined,
  logMaxSize: 10 * 1024 * 1024,
  logKeep: 5,
  onChange: undefined,
  onChangeTimeout: 60_000,
  rescan: undefined,
  repair: undefined,
  checksum: false,
  owner: false,
  noDelete: false,
  compress: undefined,
  bwlimit: undefined,
  symlinks: "copy",
  exclude: [],
  excludeFrom: [],
  gitignore: false,
  retryFor: undefined,
  dryRun: false,
  plan: undefined,
  apply: undefined,
  maxDelete: undefined,
  allowDelete: undefined,
  allowNewRoot: false,
  stateDir: undefined,
  noState: false,
  trash: undefined,
  noFsync: false,
  json: false,
  quiet: false,
  verbose: false,
} as const;

const EXPLAIN = {
  path: "a/b",
  from: "d",
  exclude: [],
  excludeFrom: [],
  gitignore: false,
  json: false,
} as const;

const LISTEN = {
  port: 8080,
  outputDir: "d",
  host: "127.0.0.1",
  token: undefined,
  tokenFile: undefined,
  noAuth: false,
  tlsCert: undefined,
  tlsKey: undefined,
  owner: false,
  twoWay: false,
  keepListening: false,
  retryFor: undefined,
  onChange: undefined,
  onChangeTimeout: 60_000,
  maxDelete: undefined,
  bwlimit: undefined,
  stateDir: undefined,
  noState: false,
  trash: undefined,
  noFsync: false,
  json: false,
  quiet: false,
  verbose: false,
} as const;

const RESTORE = {
  trash: "t",
  to: undefined,
  from: undefined,
  json: false,
  quiet: false,
} as const;

const GOOD: readonly [line: string, command: unknown][] = [
  ["sync -f a -t b -w", {
    kind: "sync",
    options: { ...SYNC, watch: true },
  }],
  ["sync -f a -t b --watch --rescan 30s --repair 0", {
    kind: "sync",
    options: { ...SYNC, watch: true, rescan: 30_000, repair: 0 },
  }],
  ["trash list --trash t", {
    kind: "trash list",
    options: { trash: "t", json: false },
  }],
  ["trash restore a b/c --trash t", {
    kind: "trash restore",
    options: { ...RESTORE, paths: ["a", "b/c"] },
  }],
  ["trash restore --trash=t -t d -f 2026-11-21T00-51-07.123Z-2 -- -x", {
    kind: "trash restore",
    options: {
      ...RESTORE,
      paths: ["-x"],
      to: "d",
      from: "2026-11-21T00-51-07.123Z-2",
    },
  }],
  ...([
    ["90s", 90_000],
    ["30m", 1_800_000],
    ["1.5h", 5_400_000],
    ["30d", 2_592_000_000],
    ["2w", 1_209_600_000],
  ] as const).map(([age, olderThan]): [string, unknown] => [
    `trash empty --trash t --older-than ${age}`,
    {
      kind: "trash empty",
      options: { trash: "t", olderThan, json: false, quiet: false },
    },
  ]),
  ["sync -f a -t b --two-way --conflict keep-both", {
    kind: "sync",
    options: { ...SYNC, twoWay: true, conflict: "keep-both" },
  }],
  ["listen -o d --two-way --state-dir s", {
    kind: "listen",
    options: { ...LISTEN, twoWay: true, stateDir: "s" },
  }],
  ["trash --help", { kind: "help", topic: "trash" }],
  ["trash restore -h", { kind: "help", topic: "trash restore" }],
  ["help trash", { kind: "help", topic: "trash" }],
  ["help trash empty", { kind: "help", topic: "trash empty" }],
  ...([
    ["10", 10_240],
    ["1.5m", 1_572_864],
    ["2M", 2_097_152],
    ["2MB", 2_000_000],
    ["2MiB", 2_097_152],
    ["100kb", 100_000],
    ["1G", 2 ** 30],
    [".5M", 524_288],
    ["4096b", 4_096],
    ["0", Infinity],
  ] as const).map(([rate, bwlimit]): [string, unknown] => [
    `sync -f a -t b --bwlimit ${rate}`,
    { kind: "sync", options: { ...SYNC, bwlimit } },
  ]),
  ["listen -o d --bwlimit 1M", {
    kind: "listen",
    options: { ...LISTEN, bwlimit: 2 ** 20 },
  }],
  ["listen -o d --state-dir s", {
    kind: "listen",
    options: { ...LISTEN, stateDir: "s" },
  }],
  ["listen -o d --trash t --no-fsync", {
    kind: "listen",
    options: { ...LISTEN, trash: "t", noFsync: true },
  }],
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
  ["--version", { kind: "version", json: false }],
  ["-V", { kind: "version", json: false }],
  ["sync --version", { kind: "version", json: false }],
  ["--version --json", { kind: "version", json: true }],

  ["sync --from a --to b", { kind: "sync", options: SYNC }],
  ["sync -f a -t b --to ws://h -t c", {
    kind: "sync",
    options: {
      ...SYNC,
      to: [
        ...SYNC.to,
        { kind: "url", url: "ws://h" },
        { kind: "directory", path: "c" },
      ],
    },
  }],
  [
    "sync --apply p",
    {
      kind: "sync",
      options: { ...SYNC, apply: "p", from: undefined, to: [] },
    },
  ],
  ["sync --apply p -f a -t b", {
    kind: "sync",
    options: { ...SYNC, apply: "p" },
  }],
  ...([
    ["0", { kind: "count", count: 0 }],
    ["20", { kind: "count", count: 20 }],
    ["0%", { kind: "percent", percent: 0 }],
    ["12.5%", { kind: "percent", percent: 12.5 }],
    ["100%", { kind: "percent", percent: 100 }],
  ] as const).flatMap(([text, limit]): [string, unknown][] => [
    [`sync -f a -t b --max-delete ${text}`, {
      kind: "sync",
      options: { ...SYNC, maxDelete: limit },
    }],
    [`sync -f a -t b --allow-delete ${text}`, {
      kind: "sync",
      options: { ...SYNC, allowDelete: limit },
    }],
    [`listen -o d --max-delete=${text}`, {
      kind: "listen",
      options: { ...LISTEN, maxDelete: limit },
    }],
  ]),
  ["sync -f a -t b --allow-delete all", {
    kind: "sync",
    options: { ...SYNC, allowDelete: { kind: "all" } },
  }],
  ["sync -f a -t b --allow-delete always", {
    kind: "sync",
    options: { ...SYNC, allowDelete: { kind: "all", always: true } },
  }],
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
    ["500", 500],
    ["1", 1],
    ["250ms", 250],
    ["2s", 2_000],
    ["1.5m", 90_000],
    ["168h", 604_800_000],
  ] as const).map(([text, interval]): [string, unknown] => [
    `sync -f a -t b --interval ${text}`,
    { kind: "sync", options: { ...SYNC, interval } },
  ]),
  ...([
    ["0", 0],
    ["100", 100],
    ["2K", 2_048],
    ["3m", 3 * 1024 ** 2],
    ["1G", 1024 ** 3],
  ] as const).map(([text, logMaxSize]): [string, unknown] => [
    `sync -f a -t b --log-file l --log-max-size ${text} --log-keep 0`,
    {
      kind: "sync",
      options: { ...SYNC, logFile: "l", logMaxSize, logKeep: 0 },
    },
  ]),
  [
    "listen -o d --on-change make --on-change-timeout 5m",
    {
      kind: "listen",
      options: { ...LISTEN, onChange: "make", onChangeTimeout: 300_000 },
    },
  ],
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
    { kind: "sync", options: { ...SYNC, to: [{ kind: "url", url }] } },
  ]),
  ...["./localhost:8080", "C:80", "a:b", "-5"].map((
    path,
  ): [string, unknown] => [
    `sync -f a --to=${path}`,
    { kind: "sync", options: { ...SYNC, to: [{ kind: "directory", path }] } },
  ]),

  ["sync -f a -t b --exclude *.o --exclude=-x --gitignore --exclude !y", {
    kind: "sync",
    options: { ...SYNC, exclude: ["*.o", "-x", "!y"], gitignore: true },
  }],
  ["sync -f a -t b --exclude-from c --exclude-from d", {
    kind: "sync",
    options: { ...SYNC, excludeFrom: ["c", "d"] },
  }],
  ["explain a/b --from d", { kind: "explain", options: EXPLAIN }],
  ["explain --from d -- a/b", { kind: "explain", options: EXPLAIN }],
  ["explain --exclude x -f d -- -p", {
    kind: "explain",
    options: { ...EXPLAIN, path: "-p", exclude: ["x"] },
  }],

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
  ["sync -f a -t b --token=-x", {
    kind: "sync",
    options: { ...SYNC, token: "-x" },
  }],
  ["sync -f a -t b --token-file t --ca-file c", {
    kind: "sync",
    options: { ...SYNC, tokenFile: "t", caFile: "c" },
  }],
  ["listen -o d --no-auth --tls-cert c --tls-key k", {
    kind: "listen",
    options: { ...LISTEN, noAuth: true, tlsCert: "c", tlsKey: "k" },
  }],
  ["listen -o d --host [::1] --keep-listening", {
    kind: "listen",
    options: { ...LISTEN, host: "::1", keepListening: true },
  }],
];

const BAD: readonly [line: string, message: string][] = [
  ...[".", "x", "-5", "1e3", "1MM", "1Mb/s", "0.5", "900b", "2000T"]
    .map((rate): [string, string] => [
      `sync -f a -t b --bwlimit=${rate}`,
      "is not a rate",
    ]),
  ["trash", "Write one of: trash list, trash restore, trash empty"],
  ["trash --trash t", "Write one of: trash list, trash restore, trash empty"],
  ["trash lst", 'Unknown command "trash lst"; did you mean list?'],
  ["trash x", 'Unknown command "trash x" (see'],
  ["trahs list", 'Unknown command "trahs"'],
  ["help trash lits", "did you mean trash list?"],
  ["trash list", "--trash DIR is missing (see: lockstep trash list --help)"],
  ["trash list a --trash t", 'Unexpected argument "a"'],
  ["trash list --trahs t", "did you mean --trash?"],
  ["trash restore --trash t", "PATH… is missing"],
  ["completions", "SHELL is missing"],
  ["completions bahs", "SHELL is one of bash, zsh, fish, powershell, not"],
  ["completions bahs", "did you mean bash?"],
  ["completions bash zsh", "Unexpected argument"],
  ["trash restore a --trash t --from 2026", "is not a stamp"],
  ["trash empty --trash t --older-than 30", '"30" is not an age'],
  ["trash empty --trash t --older-than 5y", '"5y" is not an age'],
  ["explain --from d", "PATH is missing (see: lockstep explain --help)"],
  ["explain a b --from d", 'Unexpected argument "b"'],
  ["explain a", "--from DIR is missing"],
  ["explain a --from d --exclude", "--exclude needs a value (PATTERN)"],
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
  ["sync -f a -t b --to", "--to needs a value (URL|DIR)"],
  ["sync -f a", "--to URL|DIR is missing"],
  ["sync -f a -t b --json=true", "--json takes no value"],
  ["sync -f a -t b -q=1", "-q takes no value"],
  ["sync -f a -t b --no-delete=no", "--no-delete takes no value"],
  ["sync -f a -t b extra", 'Unexpected argument "extra"'],
  ["sync a b", 'Unexpected argument "a"'],
  ["sync -f a -t b -- c", 'Unexpected argument "c"'],
  ["--json sync -f a -t b", '"sync"; the command comes first'],
  ["sync -f a -t b -q -v", "--quiet and --verbose exclude each other"],
  ["sync -f a -t b -n -w", "--watch and --dry-run exclude each other"],
  ["sync -w --apply p", "--watch and --apply exclude each other"],
  ["sync -f a -t b -n --apply p", "--dry-run and --apply exclude each other"],
  [
    "sync -f a -t b --no-state --state-dir d",
    "--state-dir and --no-state exclude each other",
  ],
  ["sync --plan p -t b", "--from DIR is missing"],
  ...["-1", "101%", "all", "1.5", "%", "1e3", "9%%"].map((
    limit,
  ): [string, string] => [
    `sync -f a -t b --max-delete=${limit}`,
    "is not a number of entries, nor 0% to 100%",
  ]),
  ["sync -f a -t b --allow-delete every", 'nor "all"'],
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
  ...[
    "ws://u:secret@h",
    "ws://secret@h",
    "wss://u:secret@h:99999",
    "ws:u:secret@h",
    "http://u:secret@h",
    "ftp://u:secret@h",
    "ws://u:secret@",
    "WS://:secret@h#x",
  ].map((url): [string, string] => [
    `sync -f a -t ${url}`,
    "an address can't hold a user or password",
  ]),
  ...[
    "ws://h?token=secret",
    "wss://h:1/x?a=b&access_token=secret",
    "http://h?TOKEN=secret",
    "ws://h:0?token=secret",
    "ws://h#token=secret",
  ].map((url): [string, string] => [
    `sync -f a -t ${url}`,
    "an address can't hold a token; see --token-file",
  ]),
  ...["0", "0.4ms", "-1", "169h", "1d", "x", "1e3"].map((
    text,
  ): [string, string] => [
    `sync -f a -t b --interval=${text}`,
    `--interval "${text}" is not an interval`,
  ]),
  ["sync -f a -t b --log-max-size 1P", '"1P" is not a size'],
  ["sync -f a -t b --log-max-size 1.5M", '"1.5M" is not a size'],
  ["sync -f a -t b --log-keep 1001", '"1001" is not a number from 0 to 1000'],
  ["sync -f a -t b --on-change=", "--on-change needs a value (CMD)"],
  [
    "sync -f a -t b --interval 5 --dry-run",
    "--dry-run and --interval exclude each other",
  ],
  ["sync -f a -t b -n --log-file l", "--dry-run and --log-file exclude"],
  ["sync -f a -t b -n --on-change x", "--dry-run and --on-change exclude"],
  ["sync --apply p --interval 5", "--apply and --interval exclude each other"],
  ["listen -o d --interval 5", "Unknown option --interval"],
  ["sync -f a -t b --token", "--token needs a value (TOKEN)"],
  ["sync -f a -t b --token=", "--token needs a value (TOKEN)"],
  ["sync -f a -t b --token -secret", 'written "--token=TOKEN"'],
  ["sync -f a -t b --token sécret", "--token: a token has 1 to 1024"],
  [`sync -f a -t b --token ${"secret".repeat(171)}`, "1 to 1024 printable"],
  ["sync -f a -t b --tokn=secret", "Unknown option --tokn; did you mean"],
  ["sync -f a -t b --token secret --token secret", "more than once"],
  [
    "sync -f a -t b --token secret --token-file f",
    "--token and --token-file exclude each other",
  ],
  [
    "listen -o d --no-auth --token secret",
    "--no-auth and --token exclude each other",
  ],
  [
    "listen -o d --token-file f --no-auth",
    "--no-auth and --token-file exclude each other",
  ],
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
    options: { ...SYNC, from: "a b\n", to: [{ kind: "directory", path: " " }] },
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
