import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  formatLogLine,
  isFull,
  type LogEntry,
  rotationSteps,
} from "../../src/cli/log/log_line.ts";
import { OPERATION_NAMES } from "../../src/core/operation.ts";
import { parseRelPath } from "../../src/core/path.ts";
import { RUNS } from "../support/arbitraries.ts";
import { parseLogLine } from "../support/log_line.ts";

const names = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(
      ...[
        '"',
        "\\",
        "\n",
        "\r",
        "\x1b",
        " ",
        "->",
        "#",
        "-",
        ".",
        "a",
        "\u2028",
      ],
      ...[
        "\u202e",
        "\ufeff",
        "\u00ad",
        "\u{e0001}",
        "\u{1f600}",
        "\x7f",
        "\x85",
      ],
    ),
    minLength: 1,
    maxLength: 20,
  }),
).map((text) => text.replaceAll(/[/\0]/g, "_"))
  .filter((name) => name !== "." && name !== "..");

const paths = fc.oneof(
  fc.constant(""),
  fc.array(names, { minLength: 1, maxLength: 4 }).map((all) => all.join("/")),
).map(parseRelPath);

const entries: fc.Arbitrary<LogEntry> = fc.record({
  time: fc.date({
    min: new Date(0),
    max: new Date("9999-12-31T23:59:59.999Z"),
    noInvalidDate: true,
  }),
  name: fc.constantFrom(...OPERATION_NAMES),
  digest: fc.constantFrom(undefined, "0".repeat(64), "a1".repeat(32)),
  path: paths,
  from: fc.option(paths, { nil: undefined }),
  target: fc.option(fc.string(), { nil: undefined }),
}).map(({ from, target, ...entry }) => ({
  ...entry,
  ...(from === undefined ? {} : { from }),
  ...(target === undefined ? {} : { target }),
}));

Deno.test("A28: any path comes back from its line of a log", () => {
  const property = fc.property(entries, (entry) => {
    const line = formatLogLine(entry);
    assert(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(line), line);
    assertEquals(parseLogLine(line), entry);
  });
  fc.assert(property, { numRuns: RUNS });
});

Deno.test("two operations never have one line", () => {
  const property = fc.property(entries, entries, (one, other) => {
    if (formatLogLine(one) !== formatLogLine(other)) return;
    assertEquals(one, other);
  });
  fc.assert(property, { numRuns: RUNS });
});

Deno.test("parseLogLine() takes any text, and no part of a line for a whole one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const entry = parseLogLine(text);
      if (entry !== undefined) {
        assertEquals(parseLogLine(formatLogLine(entry)), entry);
      }
    }),
    { numRuns: RUNS },
  );
  const property = fc.property(entries, fc.nat(), (entry, cut) => {
    const line = formatLogLine(entry);
    const part = line.slice(0, cut % line.length);
    // What ends after the first of two paths can't be told from a line with one.
    const found = parseLogLine(part);
    assert(found === undefined || found.path === entry.from, part);
  });
  fc.assert(property, { numRuns: RUNS });
});

Deno.test("logs in rotation hold the newest lines, in order, within their limits", () => {
  const property = fc.property(
    fc.record({ maxSize: fc.nat(60), keep: fc.nat(4) }),
    fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }),
    (rule, lines) => {
      const files = new Map<string, number[]>([["log", []]]);
      const sizeOf = (name: string): number =>
        (files.get(name) ?? []).reduce((sum, i) => sum + lines[i]!, 0);
      for (const [i, bytes] of lines.entries()) {
        if (isFull(sizeOf("log"), bytes, rule)) {
          for (const step of rotationSteps("log", rule)) {
            if (step.kind === "remove") {
              files.delete(step.name);
              continue;
            }
            const moved = files.get(step.from);
            if (moved === undefined) continue;
            files.delete(step.from);
            files.set(step.to, moved);
          }
        }
        files.set("log", [...files.get("log") ?? [], i]);
        assert(
          rule.maxSize === 0 || sizeOf("log") <= rule.maxSize ||
            files.get("log")!.length === 1,
        );
      }
      const old = [...files.keys()].filter((name) => name !== "log").sort();
      assert(old.length <= rule.keep);
      const all = [...old.reverse(), "log"].flatMap((name) => files.get(name)!);
      assertEquals(
        all,
        lines.map((_, i) => i).slice(lines.length - all.length),
      );
      if (old.length < rule.keep) assertEquals(all.length, lines.length);
    },
  );
  fc.assert(property, { numRuns: RUNS });
});
