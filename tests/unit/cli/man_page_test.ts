import { assert, assertStringIncludes } from "@std/assert";
import type { OptionSpec } from "../../../src/cli/command_spec.ts";
import { commandNames, COMMANDS } from "../../../src/cli/command_table.ts";
import { manPage } from "../../../src/cli/man_page.ts";
import { VERSION } from "../../../src/cli/version.ts";

Deno.test("the manual page names every command and option, and the version", () => {
  const page = manPage().replaceAll("\\-", "-");
  assertStringIncludes(page, `lockstep ${VERSION}`);
  for (const name of commandNames()) {
    assertStringIncludes(page, `.SS lockstep ${name}`);
    const specs: OptionSpec[] = Object.values(COMMANDS[name].options);
    for (const { long, refused } of specs) {
      if (refused === undefined) {
        assertStringIncludes(page, `\\fB--${long}\\fR`);
      }
    }
  }
});

Deno.test("no line of the manual page's text is taken for a request", () => {
  const requests = /^\.(TH|SH|SS|PP|TP|RS|RE|nf|fi|B|BR)\b/;
  for (const line of manPage().split("\n")) {
    assert(!/^[.']/.test(line) || requests.test(line), line);
  }
});
