/**
 * Ignore rules in force. What git says goes: of all rules that match an entry the
 * last one decides, where those of a deeper directory come after those of a
 * shallower one; and what is below an ignored directory is ignored, whatever the
 * rules say of it.
 */
import { toByteText } from "./byte_text.ts";
import type { IgnoreRule } from "./ignore_rule.ts";
import { NameIndex } from "./name_index.ts";
import { PathReach } from "./path_reach.ts";

/** The rules of one file, or of the command line, in order. Immutable. */
export class RuleSet {
  readonly rules: readonly IgnoreRule[];
  /** Those that hold for a name at any depth. */
  readonly names: NameIndex;
  /** Those that hold for a path, in the directory where it begins. */
  readonly start: PathReach;

  constructor(rules: readonly IgnoreRule[]) {
    this.rules = rules;
    this.names = new NameIndex(
      rules.flatMap((rule, order) =>
        rule.name === undefined ? [] : [{ order, rule, glob: rule.name }]
      ),
    );
    this.start = PathReach.start(rules);
  }
}

/** One set of rules, as far as it goes in a directory. */
interface Layer {
  readonly set: RuleSet;
  readonly reach: PathReach;
  /** Whether it holds for the whole tree, before what its files say. */
  readonly isGiven: boolean;
}

/**
 * The rules in force in one directory; of what is in it, they tell what is
 * ignored. Immutable: directories with the same rules share one scope.
 */
export class IgnoreScope {
  /** Without any rule. */
  static readonly NONE: IgnoreScope = new IgnoreScope([]);

  /** The first layer that has a matching rule decides. */
  readonly #layers: readonly Layer[];
  /** Whether nothing is ignored here or below, as far as is known here. */
  readonly isEmpty: boolean;

  private constructor(layers: readonly Layer[]) {
    this.#layers = layers;
    this.isEmpty = layers.length === 0;
  }

  /** In the root of a tree, with rules that win over those of its files. */
  static given(rules: readonly IgnoreRule[]): IgnoreScope {
    if (rules.length === 0) return IgnoreScope.NONE;
    const set = new RuleSet(rules);
    return new IgnoreScope([{ set, reach: set.start, isGiven: true }]);
  }

  /** This directory with rules of its own; of two `sets` the later one wins. */
  add(sets: readonly RuleSet[]): IgnoreScope {
    if (sets.length === 0) return this;
    const own = sets.map((set) => ({ set, reach: set.start, isGiven: false }));
    const [given, above] = [true, false].map((isGiven) =>
      this.#layers.filter((layer) => layer.isGiven === isGiven)
    );
    return new IgnoreScope([...given!, ...own.reverse(), ...above!]);
  }

  /** The rules that the directory `name` inherits. */
  enter(name: string): IgnoreScope {
    if (this.isEmpty) return this;
    const text = toByteText(name);
    let changed = false;
    const layers: Layer[] = [];
    for (const layer of this.#layers) {
      const reach = layer.reach.enter(text);
      if (reach === layer.reach) {
        layers.push(layer);
        continue;
      }
      changed = true;
      const isOver = reach.isOver && layer.set.names.isEmpty;
      if (!isOver) layers.push({ ...layer, reach });
    }
    return changed ? new IgnoreScope(layers) : this;
  }

  /** The rule that decides about the entry `name`; a negated one keeps it. */
  decide(name: string, isDirectory: boolean): IgnoreRule | undefined {
    if (this.isEmpty) return undefined;
    const text = toByteText(name);
    for (const { set, reach } of this.#layers) {
      const one = set.names.find(text, isDirectory);
      const other = reach.names.find(text, isDirectory);
      const last = one === undefined || other === undefined
        ? one ?? other
        : one.order > other.order
        ? one
        : other;
      if (last !== undefined) return last.rule;
    }
    return undefined;
  }

  /** Whether the entry `name` is ignored. */
  ignores(name: string, isDirectory: boolean): boolean {
    const rule = this.decide(name, isDirectory);
    return rule !== undefined && !rule.negated;
  }
}
