import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { serviceOf } from "../../../src/cli/service_file.ts";
import { SyncError } from "../../../src/errors.ts";

const OPTIONS = {
  home: "/home/a b",
  config: "/home/a b/.config",
  words: ["/opt/my deno", "run", '/x/50%"$HOME\\.ts'],
  environment: [["XDG_STATE_HOME", "/s t<&>"]],
} as const;

Deno.test("words of a systemd unit mean what they are", () => {
  const { path, text } = serviceOf("linux", OPTIONS);
  assertEquals(path, "/home/a b/.config/systemd/user/lockstep.service");
  const lines = text.split("\n");
  const start = 'ExecStart="/opt/my deno" "run" "/x/50%%\\"$$HOME\\\\.ts"';
  assert(lines.includes(start), text);
  assert(lines.includes('Environment="XDG_STATE_HOME=/s t<&>"'), text);
});

Deno.test("words of a launchd agent mean what they are", () => {
  const { path, text, enable } = serviceOf("darwin", OPTIONS);
  assertEquals(path, "/home/a b/Library/LaunchAgents/lockstep.daemon.plist");
  assertStringIncludes(text, "<string>/opt/my deno</string>");
  assertStringIncludes(text, "<string>/s t&lt;&amp;&gt;</string>");
  assertEquals(enable, `launchctl load -w '${path}'`);
});

Deno.test("a word that would be another line is refused", () => {
  const words = ["deno", "a\nExecStartPre=/bin/evil"];
  for (const system of ["linux", "darwin"] as const) {
    assertThrows(() => serviceOf(system, { ...OPTIONS, words }), SyncError);
  }
});
