/**
 * Rules that a single name decides about, found without trying them all: by the
 * whole name, by its extension, and only what is left one after the other.
 */
import type { ByteText } from "./byte_text.ts";
import { type Glob, matchesGlob } from "./glob.ts";
import type { IgnoreRule } from "./ignore_rule.ts";

/** A rule that matches where `glob` matches the name. */
export interface NameRule {
  /** Place of the rule among the rules of its set: of several, the last wins. */
  readonly order: number;
  readonly rule: IgnoreRule;
  readonly glob: Glob;
}

/** An index over the rules of one set. Immutable. */
export class NameIndex {
  /** Each list is in falling order: the first that matches wins. */
  readonly #literals = new Map<ByteText, NameRule[]>();
  readonly #extensions = new Map<ByteText, NameRule[]>();
  readonly #others: NameRule[] = [];
  readonly isEmpty: boolean;

  constructor(rules: Iterable<NameRule>) {
    const falling = [...rules].sort((a, b) => b.order - a.order);
    this.isEmpty = falling.length === 0;
    for (const rule of falling) {
      const { literal, suffix } = rule.glob;
      const dot = suffix?.lastIndexOf(".") ?? -1;
      if (literal !== undefined) append(this.#literals, literal, rule);
      else if (suffix !== undefined && dot >= 0) {
        append(this.#extensions, suffix.slice(dot), rule);
      } else this.#others.push(rule);
    }
  }

  /** The last rule that matches `name`, if any does. */
  find(name: ByteText, isDirectory: boolean): NameRule | undefined {
    let found: NameRule | undefined;
    if (this.#literals.size > 0) {
      found = firstOf(this.#literals.get(name), name, isDirectory, found);
    }
    if (this.#extensions.size > 0) {
      const dot = name.lastIndexOf(".");
      const rules = dot < 0 ? undefined : this.#extensions.get(name.slice(dot));
      found = firstOf(rules, name, isDirectory, found);
    }
    return firstOf(this.#others, name, isDirectory, found);
  }
}

/** The first of `rules` that matches, unless `found` comes before it. */
function firstOf(
  rules: readonly NameRule[] | undefined,
  name: ByteText,
  isDirectory: boolean,
  found: NameRule | undefined,
): NameRule | undefined {
  if (rules === undefined) return found;
  const least = found?.order ?? -1;
  for (const candidate of rules) {
    const { order, rule, glob } = candidate;
    if (order < least) break;
    if (rule.directoriesOnly && !isDirectory) continue;
    if (matchesGlob(glob, name)) return candidate;
  }
  return found;
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
