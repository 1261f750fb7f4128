import { assertEquals } from "@std/assert";
import {
  printable,
  ProcessOutput,
  type TextSink,
} from "../../../src/cli/output.ts";

/** A stream that takes a few bytes at a time. */
class FakeSink implements TextSink {
  text = "";
  readonly #terminal: boolean;

  constructor(terminal: boolean) {
    this.#terminal = terminal;
  }

  writeSync(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, 7);
    this.text += String.fromCharCode(...taken);
    return taken.length;
  }

  isTerminal(): boolean {
    return this.#terminal;
  }
}

Deno.test("printable() leaves text, and nothing else", () => {
  const cases: [text: string, shown: string][] = [
    ["plain ä 文 👩", "plain ä 文 👩"],
    ["\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"],
    ["a\r\nb\tc\0", "a\\u000d\\u000ab\\u0009c\\u0000"],
    ["\x7f\x85\x9b31m", "\\u007f\\u0085\\u009b31m"],
    ["a\u202eb\u2066c\u200bd\ufeff", "a\\u202eb\\u2066c\\u200bd\\ufeff"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\u{e0041}", "\\udb40\\udc41"],
    ["a\ud800", "a\ufffd"],
  ];
  for (const [text, shown] of cases) assertEquals(printable(text), shown);
});

Deno.test("printable() keeps JSON the same", () => {
  const text = JSON.stringify({ "\u202e": "\x1b\x7f\u{e0041}\u2028\n" });
  assertEquals(JSON.parse(printable(text)), JSON.parse(text));
});

Deno.test("a live line is cleared before anything else is printed", () => {
  const [stdout, stderr] = [new FakeSink(true), new FakeSink(true)];
  const output = new ProcessOutput(stdout, stderr, new Map());
  output.live("50% \x1b[2J");
  output.live("60%");
  output.message("hello");
  output.live("70%");
  output.live("");
  output.live("");
  output.result("done");
  assertEquals(stdout.text, "done\n");
  assertEquals(
    stderr.text,
    "\r50% \\u001b[2J\x1b[K\r60%\x1b[K\r\x1b[Khello\n\r70%\x1b[K\r\x1b[K",
  );
});

Deno.test("without a terminal, or where it is told so, there are no escape codes", () => {
  const cases: [terminal: boolean, environment: [string, string][]][] = [
    [false, []],
    [true, [["NO_COLOR", "1"]]],
    [true, [["TERM", "dumb"]]],
  ];
  for (const [terminal, environment] of cases) {
    const stderr = new FakeSink(terminal);
    const output = new ProcessOutput(
      new FakeSink(terminal),
      stderr,
      new Map(environment),
    );
    output.live("50%");
    output.message("hello");
    assertEquals([output.columns, stderr.text], [undefined, "hello\n"]);
  }
});

Deno.test("a stream that is gone stops nothing", () => {
  const gone: TextSink = {
    writeSync: () => {
      throw new Deno.errors.BrokenPipe();
    },
    isTerminal: () => true,
  };
  const output = new ProcessOutput(gone, gone, new Map());
  output.result("a");
  output.message("b");
  output.live("c");
});

Deno.test("a screen is drawn over the last one, unless something was printed since", () => {
  const [stdout, stderr] = [new FakeSink(true), new FakeSink(true)];
  const output = new ProcessOutput(stdout, stderr, new Map());
  output.screen(["one", "two\x1b[2J"]);
  output.screen(["three"]);
  output.result("else");
  output.screen(["four"]);
  assertEquals(
    stdout.text,
    "one\x1b[K\ntwo\\u001b[2J\x1b[K\n\x1b[J" +
      "\x1b[2Athree\x1b[K\n\x1b[Jelse\nfour\x1b[K\n\x1b[J",
  );
});

Deno.test("without a terminal a screen is printed where it is another one", () => {
  const [stdout, stderr] = [new FakeSink(false), new FakeSink(false)];
  const output = new ProcessOutput(stdout, stderr, new Map());
  for (const lines of [["a", "b"], ["a", "b"], ["a"]]) output.screen(lines);
  assertEquals(stdout.text, "a\nb\na\n");
});
