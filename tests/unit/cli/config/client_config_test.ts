import { assertEquals, assertThrows } from "@std/assert";
import {
  type ClientConfig,
  formatClientConfig,
  parseClientConfig,
} from "../../../../src/cli/config/client_config.ts";
import { UsageError } from "../../../../src/errors.ts";

const GOOD = "client_name: laptop\nsync_directory: notes\nserver_host: hub\n";

function parse(text: string): ClientConfig {
  return parseClientConfig(text, "config.yaml", "/home/me");
}

Deno.test("a configuration is read, with the usual values for what it does not say", () => {
  assertEquals(parse(GOOD), {
    clientName: "laptop",
    syncDirectory: "/home/me/notes",
    server: "http://hub:8000",
    ignorePatterns: [],
    apiKey: undefined,
    apiKeyFile: undefined,
    caFile: undefined,
    conflictPolicy: "newest",
  });
  const all = parse(
    "client_name: on\nsync_directory: /data\nserver_url: wss://hub/x/\n" +
      "ignore_patterns:\n  - '*.tmp'\n  - /build/\napi_key_file: k\n" +
      "ca_file: /c.pem\nconflict_policy: merge\n",
  );
  assertEquals(all, {
    // YAML 1.2: this is a word.
    clientName: "on",
    syncDirectory: "/data",
    server: "https://hub/x",
    ignorePatterns: ["*.tmp", "/build/"],
    apiKey: undefined,
    apiKeyFile: "/home/me/k",
    caFile: "/c.pem",
    conflictPolicy: "merge",
  });
  assertEquals(
    parse(
      "client_name: a\nsync_directory: b\nserver_host: '::1'\nserver_port: 1",
    )
      .server,
    "http://[::1]:1",
  );
});

Deno.test("a configuration that was written is read as it was", () => {
  const configs: readonly Partial<ClientConfig>[] = [
    {},
    { server: "https://hub.example", apiKey: "lsk_a:#'\"{}" },
    { clientName: "true", ignorePatterns: ["# no comment", "- x", "a: b"] },
    { syncDirectory: "/a dir/with: colon\nand line", conflictPolicy: "manual" },
    { server: "http://[::1]:8000", apiKeyFile: "/k", caFile: "/c" },
  ];
  for (const some of configs) {
    const config: ClientConfig = { ...parse(GOOD), ...some };
    assertEquals(parse(formatClientConfig(config)), config);
  }
});

/** What is written after the good lines, and what is said about it. */
const FAULTS: readonly (readonly [string, string, string])[] = [
  ["a syntax error", "api_key: 'x", "5:1: Missing closing 'quote"],
  ["an open list", "ignore_patterns: [a", "5:1: Flow sequence"],
  ["a tab before a name", "\tapi_key: x", "4:1: "],
  [
    "a name that is there twice",
    "client_name: y",
    '4:1: "client_name" is there twice',
  ],
  ["a twin in quotes", "'client_name': y", '4:1: "client_name" is there twice'],
  [
    "a name like another",
    "conflict_polcy: x",
    'setting "conflict_polcy"; did you mean conflict_policy?',
  ],
  [
    "another name",
    "colour: red",
    '4:1: there is no setting "colour"; known are client_name',
  ],
  ["__proto__", "__proto__: {a: 1}", "4:12: expected a value"],
  [
    "__proto__ with a value",
    "__proto__: 1",
    '4:1: there is no setting "__proto__"',
  ],
  ["constructor", "constructor: 1", '4:1: there is no setting "constructor"'],
  ["a merge key", "<<: {a: 1}", "4:5: expected a value"],
  ["an anchor", "api_key: &a x", "4:13: anchors are not possible"],
  ["an alias", "api_key: *a", "4:10: "],
  [
    "a bomb of aliases",
    "a: &a [x]\nb: &b [*a, *a]",
    "4:7: anchors are not possible",
  ],
  ["a tag", "api_key: !!str x", "4:16: tags are not possible"],
  ["a tag of a function", "api_key: !!js/function x", "4:10: Unresolved tag"],
  ["a second document", "---\nclient_name: x", "4:1: "],
  ["a mapping for a value", "api_key:\n  a: b", "5:3: expected a value"],
  ["a list of lists", "ignore_patterns: [[a]]", "4:19: expected a value"],
  ["a list of mappings", "ignore_patterns: [a: b]", "4:19: expected a value"],
  [
    "patterns without a list",
    "ignore_patterns: a",
    "4:18: ignore_patterns: expected a list",
  ],
  [
    "a pattern that is a number",
    "ignore_patterns: [1]",
    "ignore_patterns: expected text: put it in quotes",
  ],
  [
    "a pattern that is nothing",
    "ignore_patterns:\n  -",
    "ignore_patterns: expected text",
  ],
  [
    "too many patterns",
    `ignore_patterns: [${"a,".repeat(1001)}]`,
    "more than 1000",
  ],
  [
    "a port that is a word",
    "server_port: '80'",
    "4:14: server_port: expected a port",
  ],
  ["a port of 0", "server_port: 0", "expected a port"],
  ["a port above all", "server_port: 65536", "expected a port"],
  ["a port with a fraction", "server_port: 80.5", "expected a port"],
  ["a port that is no number", "server_port: .nan", "expected a port"],
  ["a port without end", "server_port: .inf", "expected a port"],
  [
    "an address and a host",
    "server_url: http://x",
    "server_url and server_host exclude each other",
  ],
  [
    "two keys",
    "api_key: x\napi_key_file: y",
    "api_key and api_key_file exclude each other",
  ],
  ["a key with blanks", "api_key: x y", "4:10: api_key: a key has"],
  [
    "a key that is a number",
    "api_key: 123",
    "api_key: expected text: put it in quotes",
  ],
  ["a key that is empty", "api_key: ''", "api_key: expected text"],
  ["a key that is nothing", "api_key:", "4:9: api_key: expected text"],
  [
    "a policy of another program",
    "conflict_policy: theirs",
    "4:18: conflict_policy: expected one of newest",
  ],
  ["a policy that is true", "conflict_policy: true", "expected one of newest"],
  ["a path with NUL", 'ca_file: "\\0"', "ca_file: a path can't hold NUL"],
  [
    "nesting without end",
    "api_key: " + "[".repeat(100_000),
    "nested too deeply",
  ],
  ["nested dashes", "api_key:\n" + " - ".repeat(100_000), "5:"],
];

for (const [what, line, message] of FAULTS) {
  Deno.test(`K07: a configuration with ${what} is refused, with its place`, () => {
    const error = assertThrows(() => parse(`${GOOD}${line}\n`), UsageError);
    assertEquals(error.message.includes(message), true, error.message);
    assertEquals(/^config\.yaml:\d+:\d+: /.test(error.message), true);
  });
}

/** Whole files. */
const FILES: readonly (readonly [string, string, string])[] = [
  ["is empty", "", "config.yaml:1:1: it is empty"],
  ["is only a comment", "# nothing\n", "it is empty"],
  ["is null", "null\n", "it is empty"],
  ["is a list", "- a\n- b\n", "1:1: expected lines of NAME: VALUE"],
  ["is a word", "word", "1:1: expected lines of NAME: VALUE"],
  [
    "has no name",
    "sync_directory: x\nserver_host: y",
    "1:1: client_name is missing",
  ],
  [
    "has no directory",
    "client_name: x\nserver_host: y",
    "sync_directory is missing",
  ],
  [
    "has no server",
    "client_name: x\nsync_directory: y",
    "server_host (or server_url) is missing",
  ],
  [
    "has a name of blanks",
    GOOD.replace("laptop", "'  '"),
    "1:14: client_name: a name has",
  ],
  [
    "has a name with ESC",
    GOOD.replace("laptop", '"\\e[2J"'),
    "1:14: client_name: a name has",
  ],
  [
    "has a name that is a number",
    GOOD.replace("laptop", "42"),
    "put it in quotes",
  ],
  ["has a host with a path", GOOD.replace("hub", "hub/x"), "3:14: server_host"],
  [
    "has an address without a scheme",
    GOOD.replace("server_host: hub", "server_url: hub:80"),
    "3:13: server_url: expected http://",
  ],
  [
    "has an address with a password",
    GOOD.replace("server_host: hub", "server_url: http://a:b@c"),
    "expected http://",
  ],
  ["has another indentation", "  client_name: a\n sync_directory: b", "2:2: "],
  ["names a list", "? [a]\n: 1\n", "1:3: "],
];

for (const [what, text, message] of FILES) {
  Deno.test(`K07: a configuration that ${what} is refused, with its place`, () => {
    const error = assertThrows(() => parse(text), UsageError);
    assertEquals(error.message.includes(message), true, error.message);
    assertEquals(/^config\.yaml:\d+:\d+: /.test(error.message), true);
  });
}

Deno.test("K07: many names are compared without each being compared with each", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `n${i}: 1`).join("\n");
  assertThrows(() => parse(names), UsageError, 'there is no setting "n0"');
});
