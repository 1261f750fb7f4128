/** The ignore rules of a whole tree, for paths that need not be in it. */
import type { IgnoreScope, RuleSet } from "./ignore.ts";
import type { IgnoreRule } from "./ignore_rule.ts";
import { join, namesOf, type RelPath, ROOT } from "./path.ts";

/** What the rules say of a path. */
export interface IgnoreDecision {
  /** Whether the entry takes no part. */
  readonly ignored: boolean;
  /** The rule that decides; undefined where none matches. */
  readonly rule: IgnoreRule | undefined;
  /** What it matches: the path itself, or the directory above it that is ignored. */
  readonly at: RelPath;
}

/** Keeps only the directories that have rules of their own. Immutable. */
export class IgnoreTree {
  /** The rules in force in the root. */
  readonly root: IgnoreScope;
  readonly #own: ReadonlyMap<RelPath, readonly RuleSet[]>;

  /**
   * @param given The rules that hold for the whole tree.
   * @param own Of each directory that has some, the rules in its files.
   */
  constructor(
    given: IgnoreScope,
    own: ReadonlyMap<RelPath, readonly RuleSet[]>,
  ) {
    this.root = given.add(own.get(ROOT) ?? []);
    this.#own = own;
  }

  /** Whether there are no rules at all. */
  get isEmpty(): boolean {
    return this.root.isEmpty && this.#own.size === 0;
  }

  /** The rules in force in the directory `name` of `parent`; `path` is its path. */
  enter(parent: IgnoreScope, name: string, path: RelPath): IgnoreScope {
    return parent.enter(name).add(this.#own.get(path) ?? []);
  }

  /** Decides about the entry at `path`; all above it are taken for directories. */
  decide(path: RelPath, isDirectory: boolean): IgnoreDecision {
    let scope = this.root;
    let rule: IgnoreRule | undefined;
    let at = ROOT;
    for (const name of namesOf(path)) {
      at = join(at, name);
      const isLast = at === path;
      rule = scope.decide(name, isDirectory || !isLast);
      if (rule !== undefined && !rule.negated) break;
      if (!isLast) scope = this.enter(scope, name, at);
    }
    const ignored = rule !== undefined && !rule.negated;
    return { ignored, rule, at };
  }
}
