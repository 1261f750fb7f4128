import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { ProtocolError, TransportError } from "../../../src/errors.ts";
import { connectError, hostOf } from "../../../src/net/connect_error.ts";

const PREFIX = "NetworkError: failed to connect to WebSocket: ";

Deno.test("D08: connectError() tells what may be tried again from what may not", () => {
  const cases: [cause: string, retried: boolean, words: RegExp][] = [
    ["Invalid status code: 200", false, /status 200 \(not a Lockstep/],
    ["Invalid status code: 302", false, /status 302 \(not a Lockstep/],
    ["Invalid status code: 400", false, /status 400/],
    ["Invalid status code: 401", false, /status 401 \(the token/],
    ["Invalid status code: 403", false, /status 403/],
    ["Invalid status code: 404", false, /status 404 \(not a Lockstep/],
    ["Invalid status code: 407", false, /status 407/],
    ["Invalid status code: 426", false, /status 426/],
    ["Invalid status code: 500", false, /status 500/],
    ["Invalid status code: 429", true, /status 429 \(too many tries/],
    ["Invalid status code: 502", true, /status 502 \(a proxy/],
    ["Invalid status code: 503", true, /status 503/],
    ["Invalid status code: 504", true, /status 504/],
    ["invalid peer certificate: UnknownIssuer", false, /not trusted/],
    ["invalid peer certificate: Expired", false, /expired/],
    ["invalid peer certificate: NotValidYet", false, /not valid yet/],
    [
      "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
      false,
      /CA:TRUE/,
    ],
    ["invalid peer certificate: BadSignature", false, /certificate/],
    [
      'invalid peer certificate: certificate not valid for name "a"; ' +
      'certificate is only valid for DnsName("b")',
      false,
      /for another host name/,
    ],
    [
      "received corrupt message of type InvalidContentType",
      false,
      /does not speak TLS/,
    ],
    ["received fatal alert: HandshakeFailure", false, /TLS/],
    ["invalid HTTP version parsed", false, /does not speak HTTP/],
    ["invalid HTTP status-code parsed", false, /does not speak HTTP/],
    ["Invalid upgrade header", false, /not a Lockstep receiver/],
    ["tcp connect error", true, /nobody listens/],
    ["dns error", true, /not known/],
    ["connection closed before message completed", true, /hangs up/],
    ["tls handshake eof", true, /hangs up/],
    ["something new\nin Deno", true, /: something new in Deno$/],
  ];
  for (const [cause, retried, words] of cases) {
    const error = connectError("h:1", PREFIX + cause);
    assertInstanceOf(error, retried ? TransportError : ProtocolError, cause);
    assertEquals(error.code, retried ? "unreachable" : "refused", cause);
    assertMatch(error.message, /^Cannot connect to h:1: /);
    assertMatch(error.message, words);
  }
});

Deno.test("hostOf() names the port also where it is the usual one", () => {
  assertEquals(hostOf(new URL("ws://h")), "h:80");
  assertEquals(hostOf(new URL("wss://h/a")), "h:443");
  assertEquals(hostOf(new URL("ws://[::1]:9")), "[::1]:9");
});
