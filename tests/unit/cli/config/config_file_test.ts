import { assertEquals, assertThrows } from "@std/assert";
import { parseClientConfig } from "../../../../src/cli/config/client_config.ts";
import {
  readConfigFile,
  writeConfigFile,
} from "../../../../src/cli/config/config_file.ts";
import { UsageError } from "../../../../src/errors.ts";
import { command } from "../../../support/command.ts";
import { test } from "../../../support/needs.ts";
import { TempDir } from "../../../support/temp.ts";

const GOOD = "client_name: a\nsync_directory: b\nserver_host: c\n";

/** What a file holds, or is, and what is said about it. */
const FILES: readonly (readonly [
  string,
  (path: string) => unknown,
  string,
])[] = [
  ["is not there", () => {}, "there is no such file; lockstep init writes one"],
  ["is a directory", (path) => Deno.mkdirSync(path), "it is no file"],
  ["is a FIFO", (path) => command("mkfifo", [path]), "it is no file"],
  [
    "is a link to nothing",
    (path) => Deno.symlinkSync("nowhere", path),
    "there is no such file",
  ],
  [
    "is too large",
    (path) => Deno.writeTextFileSync(path, `${GOOD}#${"x".repeat(256 * 1024)}`),
    "larger than 256 KiB",
  ],
  [
    "is UTF-16",
    (path) => Deno.writeFileSync(path, new Uint8Array([0xff, 0xfe, 97, 0])),
    "config.yaml:1:1: it is UTF-16",
  ],
  [
    "holds NUL",
    (path) => Deno.writeTextFileSync(path, `${GOOD}#\0`),
    "config.yaml:4:1: it holds NUL",
  ],
  [
    "is no UTF-8",
    (path) => Deno.writeFileSync(path, new Uint8Array([97, 0xff])),
    "config.yaml:1:1: it is no UTF-8",
  ],
];

for (const [what, make, message] of FILES) {
  test(`K07: a configuration that ${what} is refused`, ["linux"], async () => {
    await using temp = new TempDir();
    const path = temp.at("config.yaml");
    await make(path);
    assertThrows(() => readConfigFile(path), UsageError, message);
  });
}

test(
  "a configuration may begin with a byte order mark",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    const path = temp.at("config.yaml");
    Deno.writeTextFileSync(path, `\ufeff${GOOD}`);
    assertEquals(readConfigFile(path).syncDirectory, temp.at("b"));
  },
);

test(
  "K09: a configuration with a key has to be its owner's alone",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    const path = temp.at("config.yaml");
    Deno.writeTextFileSync(path, GOOD, { mode: 0o644 });
    assertEquals(readConfigFile(path).apiKey, undefined);
    Deno.writeTextFileSync(path, `${GOOD}api_key: secret\n`);
    Deno.chmodSync(path, 0o640);
    const error = assertThrows(
      () => readConfigFile(path),
      UsageError,
      "chmod 600",
    );
    assertEquals(error.message.includes("secret"), false);
    Deno.chmodSync(path, 0o600);
    assertEquals(readConfigFile(path).apiKey, "secret");
    assertThrows(() => readConfigFile(path, 12345), UsageError, "chown 12345");
  },
);

test("a configuration is written for its owner, and over none but with force", [
  "linux",
], async () => {
  await using temp = new TempDir();
  const path = temp.at("config.yaml");
  const config = parseClientConfig(GOOD, path, temp.path);
  writeConfigFile(path, { ...config, apiKey: "one" }, false);
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  const other = { ...config, apiKey: "two" };
  assertThrows(
    () => writeConfigFile(path, other, false),
    UsageError,
    "--force",
  );
  assertEquals(readConfigFile(path).apiKey, "one");
  writeConfigFile(path, other, true);
  assertEquals(readConfigFile(path), other);
  assertEquals([...Deno.readDirSync(temp.path)].length, 1);
});
