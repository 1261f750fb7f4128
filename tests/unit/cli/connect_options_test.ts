import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  connectOptionsFor,
  connectOptionsOf,
  exposureOf,
} from "../../../src/cli/commands/connect_options.ts";
import type { Target } from "../../../src/cli/values.ts";
import { UsageError } from "../../../src/errors.ts";

const NONE = { token: undefined, tokenFile: undefined, caFile: undefined };
const WS: Target = { kind: "url", url: "ws://h" };
const DIRECTORY: Target = { kind: "directory", path: "d" };

Deno.test("connectOptionsOf() refuses what it has no use for", () => {
  const cases: [to: Target, options: Partial<typeof NONE>, message: string][] =
    [
      [DIRECTORY, { token: "t" } as never, "--token is for an address"],
      [DIRECTORY, { tokenFile: "f" } as never, "--token-file is for an"],
      [DIRECTORY, { caFile: "f" } as never, "--ca-file is for an address"],
      [WS, { caFile: "f" } as never, "--ca-file is for a wss:// address"],
    ];
  for (const [to, options, message] of cases) {
    assertThrows(
      () => connectOptionsOf(to, { ...NONE, ...options }),
      UsageError,
      message,
    );
  }
  assertEquals(connectOptionsOf(DIRECTORY, NONE), {});
  assertEquals(connectOptionsOf(WS, { ...NONE, token: "t" }), { token: "t" });
});

Deno.test("connectOptionsFor() uses for addresses what is for addresses", () => {
  const token = { ...NONE, token: "t" } as never;
  assertEquals(connectOptionsFor([DIRECTORY, DIRECTORY], NONE), [{}, {}]);
  assertEquals(connectOptionsFor([WS, DIRECTORY, WS], token), [
    { token: "t" },
    {},
    { token: "t" },
  ]);
  for (
    const [targets, options, message] of [
      [[DIRECTORY, DIRECTORY], { token: "t" }, "--token is for an address"],
      [[DIRECTORY, WS], { caFile: "f" }, "--ca-file is for a wss:// address"],
    ] as const
  ) {
    assertThrows(
      () => connectOptionsFor(targets, { ...NONE, ...options } as never),
      UsageError,
      message,
    );
  }
});

Deno.test("exposureOf() warns of a token on an open road", () => {
  const cases: [url: string, token: string | undefined, warns: boolean][] = [
    ["ws://example.org", "secret", true],
    ["ws://192.168.1.1:8080/x", "secret", true],
    ["ws://example.org", undefined, false],
    ["wss://example.org", "secret", false],
    ["WSS://example.org", "secret", false],
    ["ws://localhost:8080", "secret", false],
    ["ws://127.0.0.1", "secret", false],
    ["ws://[::1]:8080", "secret", false],
  ];
  for (const [url, token, warns] of cases) {
    const warning = exposureOf(url, token === undefined ? {} : { token });
    assertEquals(warning !== undefined, warns, url);
    if (warning === undefined) continue;
    assertMatch(warning, /unencrypted/);
    assertEquals(warning.includes("secret"), false);
  }
});
