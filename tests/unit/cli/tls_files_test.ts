import { assertEquals, assertThrows } from "@std/assert";
import { listenOn } from "../../../src/cli/commands/server.ts";
import {
  expiryOf,
  readCaFile,
  readCertificate,
} from "../../../src/cli/commands/tls_files.ts";
import { UsageError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/session/system_clock.ts";
import { TestAuthority } from "../../support/certificates.ts";
import { shell } from "../../support/command.ts";
import { test } from "../../support/needs.ts";
import { TempDir } from "../../support/temp.ts";

Deno.test("readCertificate() wants both files or none", () => {
  const none = { tlsCert: undefined, tlsKey: undefined };
  assertEquals(readCertificate(none), undefined);
  for (const one of [{ tlsCert: "x" }, { tlsKey: "x" }]) {
    assertThrows(
      () => readCertificate({ ...none, ...one }),
      UsageError,
      "--tls-cert and --tls-key go together",
    );
  }
});

test("what is wrong with a certificate or a key is said in one line", [
  "openssl",
], async () => {
  await using temp = new TempDir();
  const authority = await TestAuthority.create(temp.path);
  const good = await authority.issue("good");
  const other = await authority.issue("other");
  const empty = temp.at("empty");
  const garbage = temp.at("garbage");
  const locked = temp.at("locked.key");
  Deno.writeTextFileSync(empty, "");
  Deno.writeTextFileSync(
    garbage,
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  await shell(
    'openssl pkcs8 -topk8 -in "$1" -out "$2" -passout pass:x',
    good.key,
    locked,
  );
  const cases: [cert: string, key: string, reason: string][] = [
    [good.cert, other.key, `--tls-key ${other.key} is not the key of --tls-`],
    [good.key, good.cert, `--tls-cert ${good.key} holds no certificate`],
    [garbage, good.key, `--tls-cert ${garbage} holds no certificate`],
    [empty, good.key, `--tls-cert ${empty} holds no certificate`],
    [good.cert, empty, `--tls-key ${empty} holds no private key`],
    [good.cert, garbage, `--tls-key ${garbage} holds no private key`],
    [good.cert, good.cert, `--tls-key ${good.cert} holds no private key`],
    [good.cert, locked, "without a passphrase"],
    [temp.at("missing"), good.key, "there is no such file"],
    [good.cert, temp.path, "it is no file"],
  ];
  for (const [tlsCert, tlsKey, reason] of cases) {
    const start = (): unknown =>
      listenOn({
        host: "127.0.0.1",
        port: 0,
        certificate: readCertificate({ tlsCert, tlsKey }),
        clock: systemClock,
      }, {
        connected: () => Promise.resolve(),
        turnedAway: () => {},
        faltered: () => {},
      });
    const error = assertThrows(start, UsageError, reason);
    assertEquals(error.message.includes("\n"), false);
  }
  for (const path of [empty, garbage, good.key]) {
    assertThrows(() => readCaFile(path), UsageError, "--ca-file");
  }
  assertEquals(readCaFile(authority.caFile).includes("CERTIFICATE"), true);
});

test(
  "expiryOf() tells since when a certificate is over",
  ["openssl"],
  async () => {
    await using temp = new TempDir();
    const authority = await TestAuthority.create(temp.path);
    const { cert } = await authority.issue("good");
    const text = Deno.readTextFileSync(cert);
    const day = 24 * 3_600_000;
    assertEquals(expiryOf(text, new Date()), undefined);
    const later = new Date(Date.now() + 3 * day);
    const expiry = expiryOf(text, later)!;
    assertEquals(expiry < later && expiry > new Date(), true);
  },
);
