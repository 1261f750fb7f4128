import { assert, assertEquals } from "@std/assert";
import { run } from "../../../src/cli/run.ts";
import { FakeOutput } from "./fake_output.ts";

Deno.test("run() prints results on stdout, and answers the exit code", async () => {
  const output = new FakeOutput();
  assertEquals(await run(["--version"], output), 0);
  assert(/^lockstep \d+\.\d+\.\d+$/.test(output.results[0]!));
  assertEquals(await run(["sync", "--help"], output), 0);
  assert(output.results[1]!.startsWith("Usage: lockstep sync "));
  assertEquals(output.messages, []);
});

Deno.test("run() prints help on stderr where nothing was asked for", async () => {
  const output = new FakeOutput();
  assertEquals(await run([], output), 2);
  assert(output.messages.length > 10);
  assertEquals(output.results, []);
});

Deno.test("run() prints one line on stderr for an error", async () => {
  const cases: [args: string[], exit: number, message: string][] = [
    [["--fron", "x"], 2, "lockstep: Unknown option --fron; did you mean"],
    [["sync", "-f", "."], 2, "lockstep: --to URL|DIR is missing"],
    [["-f", "/no/such", "-t", "/no/target"], 1, "lockstep: Cannot open "],
    [["-f", "/no/such", "-t", "ws://127.0.0.1:9"], 1, "lockstep: Cannot open "],
    [["-f", ".", "-t", "./copy"], 2, "lockstep: --to ./copy lies inside"],
  ];
  for (const [args, exit, message] of cases) {
    const output = new FakeOutput();
    assertEquals(await run(args, output), exit, args.join(" "));
    assertEquals([output.messages.length, output.results], [1, []]);
    assert(output.messages[0]!.startsWith(message), output.messages[0]);
  }
});

Deno.test("run() prints no event where the command line can't be understood", async () => {
  const output = new FakeOutput();
  assertEquals(await run(["sync", "--json", "--fron", "x"], output), 2);
  assertEquals([output.messages.length, output.results], [1, []]);
});

Deno.test("run() with --json tells an error as an event, too", async () => {
  const output = new FakeOutput();
  await run(["-f", "/no/such", "-t", "/no/target", "--json"], output);
  const { time: _, ...event } = JSON.parse(output.results[0]!);
  const [message] = output.messages;
  assertEquals(event, {
    event: "error",
    code: "not-found",
    message: message!.replace("lockstep: ", ""),
    exit: 1,
  });
});
