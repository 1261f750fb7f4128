/**
 * What takes no part at any client of a hub: rules as in a `.gitignore`, which
 * clients apply beside their own. What is ignored from now on stays where it is.
 */
import type { DatabaseSync } from "node:sqlite";
import { toByteText } from "../core/byte_text.ts";
import { checkIgnoreLimit } from "../core/ignore_limits.ts";
import { compileRule } from "../core/ignore_rule.ts";
import { messageOf, UsageError } from "../errors.ts";
import { guardDatabase, transact } from "./database.ts";

/** A client has rules of its own, and both have to fit what a scan may be given. */
export const MAX_POLICY_RULES = 500;
export const MAX_POLICY_BYTES = 64 * 1024;

const NAME = "policy";

/** The policy of one hub. */
export class Policy {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** The rules, in order: the last one that matches decides. */
  rules(): readonly string[] {
    return guardDatabase("the hub's database", () => {
      const row = this.#database.prepare(
        "SELECT value FROM meta WHERE name = ?",
      ).get(NAME);
      return row === undefined ? [] : JSON.parse(row["value"] as string);
    });
  }

  /**
   * Replaces all rules. Whoever syncs goes by those that there were when it began.
   * @throws {UsageError} If a rule is none, or there are too many.
   */
  set(rules: readonly string[]): void {
    checkRules(rules);
    transact(this.#database, () => {
      this.#database.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)")
        .run(NAME, JSON.stringify(rules));
    });
  }
}

function checkRules(rules: readonly string[]): void {
  try {
    checkIgnoreLimit("a policy", rules.length, MAX_POLICY_RULES, "rules");
    let bytes = 0;
    for (const [i, rule] of rules.entries()) {
      if (rule === "" || rule.includes("\0") || !rule.isWellFormed()) {
        throw new UsageError(`Rule ${i + 1} of a policy is no rule`);
      }
      const text = toByteText(rule);
      compileRule(text, { file: "the policy", line: i + 1 });
      bytes += text.length;
    }
    checkIgnoreLimit("a policy", bytes, MAX_POLICY_BYTES, "bytes of rules");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(messageOf(error), { cause: error });
  }
}
