import { assertEquals } from "@std/assert";
import {
  type Explanation,
  explanationFields,
  explanationText,
} from "../../../src/cli/explanation.ts";
import { toByteText } from "../../../src/core/byte_text.ts";
import { compileRule } from "../../../src/core/ignore_rule.ts";
import { path } from "../../support/trees.ts";

/** An explanation by the rule `pattern`. */
function by(
  pattern: string,
  ignored: boolean,
  at: string,
  line?: number,
): Explanation["decision"] {
  const rule = compileRule(toByteText(pattern), { file: "d/f", line });
  return { rule, ignored, at: path(at) };
}

const TABLE: readonly (readonly [Explanation, string])[] = [
  [
    { path: path("a"), isDirectory: false, decision: by("a", true, "a", 3) },
    'a: it is left alone: d/f line 3: "a"',
  ],
  [
    { path: path("d/a"), isDirectory: true, decision: by("d", true, "d", 3) },
    'd/a/: it is left alone, as all in d/: d/f line 3: "d"',
  ],
  [
    { path: path("a"), isDirectory: false, decision: by("!a\n", false, "a") },
    'a: it is synced: d/f: "!a\\n"',
  ],
  [
    {
      path: path("a"),
      isDirectory: false,
      decision: { rule: undefined, ignored: false, at: path("a") },
    },
    "a: no rule applies: it is synced",
  ],
  [
    { path: path(".lockstep"), isDirectory: true, decision: undefined },
    ".lockstep/: Lockstep's own: never synced",
  ],
];

for (const [explanation, text] of TABLE) {
  Deno.test(`explanationText() says: ${text}`, () => {
    assertEquals(explanationText(explanation), text);
  });
}

Deno.test("explanationFields() has a value for each field, if only null", () => {
  const fields = TABLE.map(([explanation]) => explanationFields(explanation));
  assertEquals(fields[0], {
    path: "a",
    directory: false,
    synced: false,
    at: "a",
    pattern: "a",
    file: "d/f",
    line: 3,
  });
  assertEquals(fields[3], {
    path: "a",
    directory: false,
    synced: true,
    at: "a",
    pattern: null,
    file: null,
    line: null,
  });
  assertEquals(fields[4]?.synced, false);
});
